package e2e

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

var binaryFolder string

func TestMain(m *testing.M) {
	var err error
	if binaryFolder, err = os.MkdirTemp("", "bailiff-e2e"); err != nil {
		panic(err)
	}
	_ = os.Chmod(binaryFolder, 0o755)
	flag.Parse()
	_ = flag.Set("test.parallel", "8") // these tests wait more than they compute
	code := m.Run()
	_ = os.RemoveAll(binaryFolder)
	os.Exit(code)
}

// binary builds bailiff once and returns its path.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binaryFolder, "bailiff")
	args := append(append([]string{"build"}, buildFlags...), "-o", path, "bailiff/cmd/bailiff")
	out, err := exec.Command("go", args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, out)
	}
	return path, nil
})

// program returns the path of a real program; without it the test is skipped,
// or fails in CI.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	for _, folder := range []string{"/usr/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(folder, name)); err == nil {
			return path
		}
	}
	if os.Getenv("BAILIFF_CI") != "" {
		t.Fatalf("%s is not installed, and in CI it must be", name)
	}
	t.Skipf("%s is not installed: deploy/test-deps.sh installs it", name)
	return ""
}

// transcript collects a process's output while it runs.
type transcript struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// wait returns the first submatch of pattern once the output has it.
func (l *transcript) wait(t testing.TB, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if m := re.FindStringSubmatch(l.String()); m != nil {
			return m[len(m)-1]
		}
	}
	t.Fatalf("no %q in:\n%s", pattern, l)
	return ""
}

// server is a running bailiff.
type server struct {
	t       testing.TB
	cmd     *exec.Cmd
	log     *transcript
	address string // of UDP and TCP
	pages   string // of the metrics
	ended   chan struct{}
	err     error // once it has ended

	stopping bool
}

// watch waits for the end of the process, which the caller has started.
func (s *server) watch() {
	s.ended = make(chan struct{})
	go func() {
		s.err = s.cmd.Wait()
		close(s.ended)
	}()
	s.t.Cleanup(s.stop)
}

// bailiff starts the binary and waits until it is ready. The arguments are
// those of serve, beyond --listen and --metrics.
func bailiff(t testing.TB, args ...string) *server {
	t.Helper()
	return bailiffAs(t, nil, args...)
}

func bailiffAs(t testing.TB, who *syscall.Credential, args ...string) *server {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{"serve", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"}, args...)
	s := &server{t: t, cmd: exec.Command(path, args...), log: new(transcript)}
	s.cmd.Stderr, s.cmd.Stdout = s.log, s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.watch()
	s.address = s.log.wait(t, `msg=ready .*listen=([0-9.:]+)`)
	s.pages = s.log.wait(t, `msg=ready .*metrics=([0-9.:]+)`)
	return s
}

// terminate asks the process to end, once: a second SIGTERM would kill it.
func (s *server) terminate() {
	if !s.stopping {
		s.stopping = true
		s.signal(syscall.SIGTERM)
	}
}

// stop ends the process; it must end well. It may be called again.
func (s *server) stop() {
	s.terminate()
	select {
	case <-s.ended:
		if s.err != nil {
			s.t.Errorf("bailiff ended with %v:\n%s", s.err, s.log)
		}
	case <-time.After(10 * time.Second):
		_ = s.cmd.Process.Kill()
		s.t.Errorf("bailiff did not end within 10 s:\n%s", s.log)
	}
	if strings.Contains(s.log.String(), "DATA RACE") {
		s.t.Errorf("data race:\n%s", s.log)
	}
}

func (s *server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Error(err)
	}
}

// reload sends SIGHUP and waits for the reload's outcome.
func (s *server) reload(want string) {
	s.t.Helper()
	before := s.metric(`bailiff_orders_reloads_total{result="` + want + `"}`)
	s.signal(syscall.SIGHUP)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if s.metric(`bailiff_orders_reloads_total{result="`+want+`"}`) != before {
			return
		}
	}
	s.t.Fatalf("no reload that was %s:\n%s", want, s.log)
}

// rejects sends SIGHUP and returns what the log says of a reload that is
// rejected.
func (s *server) rejects() (said string) {
	s.t.Helper()
	before := len(s.log.String())
	s.reload("rejected")
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if said = s.log.String()[before:]; strings.Contains(said, "orders rejected") {
			return said
		}
	}
	s.t.Fatalf("the log does not tell of the reload:\n%s", s.log)
	return ""
}

// page returns a page of the metrics listener and its status.
func (s *server) page(path string) (int, string) {
	s.t.Helper()
	response, err := http.Get("http://" + s.pages + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// metric returns the value of one series as it stands on /metrics, "" if it is
// not there.
func (s *server) metric(series string) string {
	s.t.Helper()
	_, body := s.page("/metrics")
	for line := range strings.Lines(body) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// number is metric as a number, 0 if it is not there.
func (s *server) number(series string) float64 {
	s.t.Helper()
	n, _ := strconv.ParseFloat(s.metric(series), 64)
	return n
}

// ask sends one query over UDP, with EDNS.
func (s *server) ask(qname string, qtype uint16) *dns.Msg {
	s.t.Helper()
	m := new(dns.Msg).SetQuestion(dns.Fqdn(qname), qtype)
	m.SetEdns0(1232, false)
	c := &dns.Client{Timeout: 8 * time.Second}
	reply, _, err := c.Exchange(m, s.address)
	if err != nil {
		s.t.Fatalf("%s: %v\n%s", qname, err, s.log)
	}
	return reply
}

// dig asks with the real dig and returns its output.
func (s *server) dig(args ...string) string {
	s.t.Helper()
	address, port, _ := net.SplitHostPort(s.address)
	args = append([]string{"@" + address, "-p", port, "+tries=1", "+time=8"}, args...)
	out, err := exec.Command(program(s.t.(*testing.T), "dig"), args...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("dig %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// write puts files into a new folder that everybody may read.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for up := folder; up != os.TempDir() && len(up) > 1; up = filepath.Dir(up) {
		_ = os.Chmod(up, 0o755)
	}
	for name, text := range files {
		path := filepath.Join(folder, name)
		_ = os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// freePort is a port that was free for UDP and TCP a moment ago.
func freePort(t testing.TB) string {
	t.Helper()
	for range 20 {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		u, err := net.ListenPacket("udp4", l.Addr().String())
		_ = l.Close()
		if err != nil {
			continue
		}
		_ = u.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		return port
	}
	t.Fatal("no port is free")
	return ""
}

// overwrite replaces a file's content.
func overwrite(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
