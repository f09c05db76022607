package packaging

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

const (
	container     = "../container/"
	containerfile = container + "Containerfile"
)

// TestContainerfile_buildsOneStaticProgram runs the command of the build stage
// as it stands there, but for the folder of its output.
func TestContainerfile_buildsOneStaticProgram(t *testing.T) {
	command := regexp.MustCompile(`(?m)^RUN (CGO_ENABLED=0 go build .*)$`).FindStringSubmatch(read(t, containerfile))
	if command == nil {
		t.Fatal("the Containerfile builds nothing")
	}
	out := t.TempDir()
	build := exec.Command("sh", "-euc", strings.Replace(command[1], "/out/", out+"/", 1))
	build.Dir = root
	build.Env = append(os.Environ(), "VERSION=v9", "COMMIT=abc")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command[1], err, text)
	}
	program, err := elf.Open(filepath.Join(out, "bailiff"))
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	if libraries, _ := program.ImportedLibraries(); len(libraries) > 0 || program.Section(".interp") != nil {
		t.Errorf("the program is not static: it needs %v", libraries)
	}
	if got := run(t, filepath.Join(out, "bailiff"), "version"); !strings.HasPrefix(got, "bailiff v9 (commit abc,") {
		t.Errorf("got %s", got)
	}
}

// TestContainerfile_lastStageIsBareAndOfThisRepository: what the image holds
// comes from the build stage or from files that are there, and no command runs
// in it.
func TestContainerfile_lastStageIsBareAndOfThisRepository(t *testing.T) {
	text := read(t, containerfile)
	goVersion := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, root+"/go.mod"))
	if !strings.Contains(text, "FROM docker.io/library/golang:"+goVersion[1]+" AS build\n") {
		t.Errorf("the build stage has another Go than go.mod (%s)", goVersion[1])
	}
	_, last, found := strings.Cut(text, "\nFROM scratch\n")
	if !found || strings.Contains(last, "\nRUN ") || !strings.Contains(last, "\nUSER 65532:65532\n") {
		t.Errorf("got last stage\n%s\nwant it from scratch, without RUN, as no root", last)
	}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 3 || words[0] != "COPY" || strings.HasPrefix(words[1], "--from=") {
			continue
		}
		for _, source := range words[1 : len(words)-1] {
			if _, err := os.Stat(filepath.Join(root, source)); err != nil {
				t.Errorf("%s%v", line, err)
			}
		}
	}
}

// composeFile is the part of compose.yaml that the tests look at.
type composeFile struct {
	Services map[string]struct {
		Image    string
		Build    struct{ Context, Dockerfile string }
		Ports    []string
		Volumes  []string
		ReadOnly bool `yaml:"read_only"`
	}
	Volumes map[string]any
}

func TestCompose_mountsWhatIsThereAndPublishesOnLoopbackOnly(t *testing.T) {
	var compose composeFile
	if err := yaml.Unmarshal([]byte(read(t, container+"compose.yaml")), &compose); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bailiff", "prometheus", "grafana"} {
		if _, ok := compose.Services[name]; !ok {
			t.Errorf("no service %s", name)
		}
	}
	bailiff := compose.Services["bailiff"]
	if _, err := os.Stat(container + bailiff.Build.Context + "/" + bailiff.Build.Dockerfile); err != nil || !bailiff.ReadOnly {
		t.Errorf("bailiff: got %+v (%v), want it built here and read-only", bailiff, err)
	}
	for name, service := range compose.Services {
		if _, tag, ok := strings.Cut(service.Image, ":"); name != "bailiff" && (!ok || tag == "latest") {
			t.Errorf("%s: image %s has no version", name, service.Image)
		}
		for _, port := range service.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s: port %s is published to the world", name, port)
			}
		}
		for _, volume := range service.Volumes {
			source, _, _ := strings.Cut(volume, ":")
			_, named := compose.Volumes[source]
			if _, err := os.Stat(container + source); err != nil && !named {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestCompose_dockerUnderstandsIt needs the client only, no engine.
func TestCompose_dockerUnderstandsIt(t *testing.T) {
	if exec.Command("docker", "compose", "version").Run() != nil {
		t.Skip("docker compose is not installed")
	}
	run(t, "docker", "compose", "-f", container+"compose.yaml", "config", "--quiet")
}
