package report

import (
	"bytes"
	"context"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// browserPatience is how long a browser may take for one file on a busy machine.
const browserPatience = 2 * time.Minute

// program returns the path of a real program; without it the test is skipped,
// or fails in CI.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path
	case os.Getenv("BAILIFF_CI") != "":
		t.Fatalf("%s is not installed, and in CI it must be", name)
	default:
		t.Skipf("%s is not installed: deploy/test-deps.sh installs it", name)
	}
	return ""
}

// run runs a program to its end and returns its output.
func run(t *testing.T, path string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), browserPatience)
	defer cancel()
	command := exec.CommandContext(ctx, path, args...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", path, err, stderr.Bytes())
	}
	return out
}

// browse opens a page in Chromium, without a network, to write a file.
func browse(t *testing.T, page string, output string) {
	t.Helper()
	run(t, program(t, "chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
		"--host-resolver-rules=MAP * ~NOTFOUND", "--user-data-dir="+t.TempDir(), "--window-size=1100,1600", "--no-pdf-header-footer",
		output, "file://"+page)
}

func TestPage_chromiumShowsAndPrintsIt(t *testing.T) {
	pdftotext, folder := program(t, "pdftotext"), t.TempDir()
	page, picture, pdf := filepath.Join(folder, "order.html"), filepath.Join(folder, "order.png"), filepath.Join(folder, "order.pdf")
	if err := os.WriteFile(page, []byte(samplePages(t, "it")["order"]), 0o600); err != nil {
		t.Fatal(err)
	}
	browse(t, page, "--screenshot="+picture)
	shot, err := os.Open(picture)
	if err != nil {
		t.Fatal(err)
	}
	defer shot.Close()
	if size, err := png.DecodeConfig(shot); err != nil || size.Width != 1100 {
		t.Errorf("got a screenshot of %d by %d (%v), want one 1100 wide", size.Width, size.Height, err)
	}
	browse(t, page, "--print-to-pdf="+pdf)
	text := string(run(t, pdftotext, "-layout", pdf, "-"))
	for _, want := range []string{"Tribunale di Milano", "it-milano-2026-00417", "Termini", "iptv-the-best.example", sha("1"), sha("7")} {
		if !strings.Contains(text, want) {
			t.Errorf("the PDF has no %q:\n%s", want, text)
		}
	}
	if pages := strings.Count(text, "\f"); pages < 2 || pages > 8 {
		t.Errorf("got %d pages of A4, want 2 to 8", pages)
	}
}
