package packaging

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const unit = "../systemd/bailiff.service"

// TestUnit_systemdUnderstandsIt: the one line that old versions do not know is
// meant for new ones.
func TestUnit_systemdUnderstandsIt(t *testing.T) {
	analyze := program(t, "systemd-analyze")
	folder := t.TempDir()
	service := regexp.MustCompile(`(?m)^ExecStart=\S+`).ReplaceAllString(read(t, unit), "ExecStart=/bin/true")
	socket := read(t, "../systemd/bailiff.socket")
	for name, text := range map[string]string{"bailiff.service": service, "bailiff.socket": socket} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := run(t, analyze, "verify", "--man=no", filepath.Join(folder, "bailiff.service"), filepath.Join(folder, "bailiff.socket"))
	for line := range strings.Lines(out) {
		if !strings.HasSuffix(line, "Failed to parse service type, ignoring: notify-reload\n") {
			t.Error(line)
		}
	}
}

// TestUnit_isAsTightAsTheGuideSays compares the exposure level with the one in
// the operator's guide.
func TestUnit_isAsTightAsTheGuideSays(t *testing.T) {
	analyze := program(t, "systemd-analyze")
	stated := regexp.MustCompile(`exposure level of ([0-9.]+)`).FindStringSubmatch(read(t, "../../docs/operator.md"))
	if stated == nil {
		t.Fatal("docs/operator.md states no exposure level")
	}
	want, _ := strconv.ParseFloat(stated[1], 64)
	out := run(t, analyze, "security", "--offline=true", "--no-pager", unit)
	found := regexp.MustCompile(`Overall exposure level for bailiff.service: ([0-9.]+)`).FindStringSubmatch(out)
	if found == nil {
		t.Fatalf("got no level in\n%s", out)
	}
	if got, _ := strconv.ParseFloat(found[1], 64); got > want {
		t.Errorf("got exposure level %v, docs/operator.md says %v:\n%s", got, want, out)
	}
}

// TestConfig_servesLoopbackAndBlocksNothing is about what a fresh install does.
func TestConfig_servesLoopbackAndBlocksNothing(t *testing.T) {
	config := read(t, "bailiff.yaml")
	if !strings.Contains(config, "\nlisten: [\"127.0.0.1:5300\"]\n") || !strings.Contains(config, "\norders: [orders.d]\n") {
		t.Errorf("got\n%s\nwant loopback and orders.d", config)
	}
	for _, line := range strings.Split(read(t, "../systemd/bailiff.socket"), "\n") {
		if strings.HasPrefix(line, "Listen") && !strings.HasSuffix(line, "=127.0.0.1:5300") {
			t.Errorf("bailiff.socket: got %s, want the address of bailiff.yaml", line)
		}
	}
}
