package internet

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/miekg/dns"
)

// program returns the path of a real program; without it there is no test.
func program(t testing.TB, name string) string {
	t.Helper()
	for _, folder := range []string{"", "/usr/sbin/", "/sbin/"} {
		if path, err := exec.LookPath(folder + name); err == nil {
			return path
		}
	}
	unavailable(t, name+" is not installed: deploy/test-deps.sh installs it")
	return ""
}

// run runs a program to its end in a folder and returns what it says.
func run(t testing.TB, folder, name string, args ...string) string {
	t.Helper()
	var complaints bytes.Buffer
	cmd := exec.Command(program(t, name), args...)
	cmd.Dir, cmd.Stderr = folder, &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, &complaints)
	}
	return string(out)
}

// daemon is a program that serves in the foreground.
type daemon struct {
	name    string // also the folder below testdata that has its configuration
	command string // {{.Dir}} is the folder where that lies, filled in
}

// process is a daemon that runs.
type process struct {
	*exec.Cmd
	log   string // the path
	ended chan struct{}
}

// configure fills the daemon's configuration in and returns its command line.
func (d daemon) configure(t testing.TB, folder string, site any) []string {
	t.Helper()
	all, err := template.ParseGlob(filepath.Join("testdata", d.name, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all.Templates() {
		var filled bytes.Buffer
		if err := file.Execute(&filled, site); err != nil {
			t.Fatal(err)
		}
		overwrite(t, filepath.Join(folder, file.Name()), filled.String())
	}
	var line strings.Builder
	if err := template.Must(template.New("").Parse(d.command)).Execute(&line, site); err != nil {
		t.Fatal(err)
	}
	return strings.Fields(line.String())
}

// start starts the daemon until the test ends.
func (d daemon) start(t testing.TB, folder string, site any) *process {
	t.Helper()
	line := d.configure(t, folder, site)
	p := &process{Cmd: exec.Command(program(t, line[0]), line[1:]...), log: filepath.Join(folder, "log"), ended: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p.Dir, p.Stdout, p.Stderr = folder, log, log
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.Wait() // how it ended is in its log
	}()
	t.Cleanup(p.stop)
	return p
}

// stop ends the process. It may be called again.
func (p *process) stop() {
	_ = p.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second):
		_ = p.Process.Kill()
		<-p.ended
	}
}

// await returns once the process answers the question for a zone's SOA.
func (p *process) await(t testing.TB, address, zone string) {
	t.Helper()
	client := dns.Client{Timeout: 200 * time.Millisecond}
	query := new(dns.Msg).SetQuestion(zone, dns.TypeSOA)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if reply, _, err := client.Exchange(query, address); err == nil && len(reply.Answer) > 0 {
			return
		}
		select {
		case <-p.ended:
			t.Fatalf("%s ended:\n%s", p.Path, p.said())
		default:
		}
	}
	t.Fatalf("%s does not answer for %s:\n%s", p.Path, zone, p.said())
}

// said is what the process wrote.
func (p *process) said() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// overwrite puts text into a file, a new one or not.
func overwrite(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// subfolder makes a folder below another.
func subfolder(t testing.TB, folder, name string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(fmt.Errorf("%s: %w", name, err))
	}
	return path
}
