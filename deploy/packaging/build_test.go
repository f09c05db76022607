package packaging

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// root is the top of the repository, from here.
const root = "../.."

// The two versions that the tests install.
const (
	oldVersion = "v0.1.0"
	newVersion = "v0.2.0"
)

var distFolder string

func TestMain(m *testing.M) {
	var err error
	if distFolder, err = os.MkdirTemp("", "bailiff-dist"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(distFolder)
	os.Exit(code)
}

// program returns the path of a program; without it the test is skipped, or
// fails in CI.
func program(t *testing.T, name string) string {
	t.Helper()
	for _, candidate := range []string{name, "/usr/sbin/" + name, "/sbin/" + name} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path
		}
	}
	missing(t, name+" is not installed: deploy/test-deps.sh installs it")
	return ""
}

// missing skips the test, or fails it in CI.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("BAILIFF_CI") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// run runs a program and returns its output, standard error too.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// packages builds both versions once.
var packages = sync.OnceValue(func() error {
	for _, version := range []string{oldVersion, newVersion} {
		if err := build(filepath.Join(distFolder, version), version); err != nil {
			return err
		}
	}
	return nil
})

// build builds one version's packages into a folder.
func build(folder, version string) error {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		return err
	}
	nfpm := regexp.MustCompile(`(?m)^NFPM_VERSION +:= (\S+)`).FindSubmatch(makefile)
	if nfpm == nil {
		return fmt.Errorf("the Makefile has no NFPM_VERSION")
	}
	cmd := exec.Command("./build.sh", folder)
	cmd.Env = append(os.Environ(), "VERSION="+version, "COMMIT=0123456789ab", "NFPM_VERSION="+string(nfpm[1]), "SOURCE_DATE_EPOCH=1760000000")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build.sh: %w\n%s", err, out)
	}
	return nil
}

// built is the path of one version's package.
func built(t *testing.T, version, ending string) string {
	t.Helper()
	if err := packages(); err != nil {
		t.Fatal(err)
	}
	found, _ := filepath.Glob(filepath.Join(distFolder, version, "*."+ending))
	if len(found) != 1 {
		t.Fatalf("got packages %v, want one .%s", found, ending)
	}
	return found[0]
}

func TestBuild_twoBuildsGiveTheSameOctets(t *testing.T) {
	deb, rpm := read(t, built(t, oldVersion, "deb")), read(t, built(t, oldVersion, "rpm"))
	again := t.TempDir()
	if err := build(again, oldVersion); err != nil {
		t.Fatal(err)
	}
	for ending, first := range map[string]string{"deb": deb, "rpm": rpm} {
		found, _ := filepath.Glob(filepath.Join(again, "*."+ending))
		if len(found) != 1 || read(t, found[0]) != first {
			t.Errorf("%s: two builds differ", ending)
		}
	}
}

func TestBuild_aPackagesVersionSortsAsTheVersionDoes(t *testing.T) {
	script := regexp.MustCompile(`(?s)(case \$VERSION in.*?esac)`).FindString(read(t, "build.sh"))
	for _, c := range []struct{ in, want string }{
		{"v1.2.3", "1.2.3"},
		{"v1.2.3-rc.1", "1.2.3~rc.1"},
		{"v1.2.3-4-g0123abc", "1.2.3+4.g0123abc"},
		{"v1.2.3-rc.1-4-g0123abc-dirty", "1.2.3~rc.1+4.g0123abc.dirty"},
		{"0123abc-dirty", "0~20251009.0123456789ab"},
		{"unknown", "0~20251009.0123456789ab"},
	} {
		cmd := exec.Command("sh", "-euc", script+"\nprintf %s \"$PACKAGE_VERSION\"")
		cmd.Env = append(os.Environ(), "VERSION="+c.in, "COMMIT=0123456789ab", "SOURCE_DATE_EPOCH=1760000000")
		if got, err := cmd.CombinedOutput(); err != nil || string(got) != c.want {
			t.Errorf("%s: got %s %v, want %s", c.in, got, err, c.want)
		}
	}
}

func TestBuild_rpmHoldsWhatTheDebHolds(t *testing.T) {
	rpm := program(t, "rpm")
	path := built(t, oldVersion, "rpm")
	if out := run(t, rpm, "-K", path); !strings.Contains(out, "digests OK") {
		t.Errorf("rpm -K: got %s", out)
	}
	held := strings.Fields(run(t, rpm, "-qpl", path))
	for _, file := range installed {
		file = strings.Replace(file, "/vendor-completions/", "/site-functions/", 1)
		file = strings.Replace(file, "/usr/share/doc/bailiff/copyright", "/usr/share/licenses/bailiff/LICENSE", 1)
		if !slices.Contains(held, file) {
			t.Errorf("the rpm has no %s", file)
		}
	}
	if got := strings.TrimSpace(run(t, rpm, "-qpc", path)); got != "/etc/bailiff/bailiff.yaml\n/etc/bailiff/orders.d/README" {
		t.Errorf("got config files %q", got)
	}
}
