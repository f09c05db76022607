package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"bailiff": main})
}

// TestScripts runs testdata/script: the program as people use it. Beside
// testscript's own commands a script has those of server.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       *update,
		Setup: func(env *testscript.Env) error {
			env.Values[serverKey{}] = new(server)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve":  onServer((*server).start),
			"signal": onServer((*server).signal),
			"log":    onServer((*server).log),
			"ask":    onServer((*server).ask),
			"page":   onServer((*server).page),
			"stop":   onServer((*server).stop),
			"rc":     exitCode,
		},
	})
}

// exitCode runs a command and expects an exit code.
func exitCode(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("got exit code %d (%v), want %s", got, err, args[0])
	}
}

// server is the `bailiff serve` of one script.
type server struct {
	command      *exec.Cmd
	stderr       string // path of the file
	dns, metrics string // addresses
}

type serverKey struct{}

// patience is how long anything may take on a busy machine.
const patience = 20 * time.Second

// onServer is a command of scripts; the script fails on an error.
func onServer(do func(*server, *testscript.TestScript, []string) error) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, negated bool, args []string) {
		if negated {
			ts.Fatalf("! is not supported")
		}
		ts.Check(do(ts.Value(serverKey{}).(*server), ts, args))
	}
}

// start runs `bailiff serve` with these arguments and waits for its ready line.
func (s *server) start(ts *testscript.TestScript, args []string) error {
	program := ""
	for _, folder := range filepath.SplitList(ts.Getenv("PATH")) {
		if path := filepath.Join(folder, "bailiff"); program == "" && isFile(path) {
			program = path
		}
	}
	s.stderr = ts.MkAbs("stderr.log")
	stderr, err := os.Create(s.stderr)
	if err != nil {
		return err
	}
	defer stderr.Close()
	s.command = exec.Command(program, append([]string{"serve"}, args...)...)
	s.command.Dir, s.command.Stderr = ts.MkAbs("."), stderr
	s.command.Env = append(os.Environ(), "TMPDIR="+ts.Getenv("TMPDIR"))
	if err := s.command.Start(); err != nil {
		return err
	}
	ts.Defer(func() { _ = s.command.Process.Kill() })
	line, err := s.await(regexp.MustCompile(`msg=ready listen=(\S+) metrics=(\S+) `))
	if err != nil {
		return err
	}
	s.dns, s.metrics = line[1], line[2]
	ts.Setenv("DNS", s.dns)
	ts.Setenv("METRICS", s.metrics)
	return nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// await waits until the log matches.
func (s *server) await(want *regexp.Regexp) ([]string, error) {
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		log, err := os.ReadFile(s.stderr)
		if err != nil {
			return nil, err
		}
		if found := want.FindStringSubmatch(string(log)); found != nil {
			return found, nil
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("got no %v in the log:\n%s", want, log)
		}
	}
}

// log waits until the log matches its argument.
func (s *server) log(_ *testscript.TestScript, args []string) error {
	_, err := s.await(regexp.MustCompile(args[0]))
	return err
}

// signal sends HUP or TERM.
func (s *server) signal(_ *testscript.TestScript, args []string) error {
	return s.command.Process.Signal(map[string]syscall.Signal{"HUP": syscall.SIGHUP, "TERM": syscall.SIGTERM}[args[0]])
}

// stop sends TERM and expects exit code 0.
func (s *server) stop(ts *testscript.TestScript, _ []string) error {
	if err := s.signal(ts, []string{"TERM"}); err != nil {
		return err
	}
	return s.command.Wait()
}

// ask asks for a name's addresses and expects an RCODE.
func (s *server) ask(_ *testscript.TestScript, args []string) error {
	m := new(dns.Msg).SetQuestion(dns.Fqdn(args[0]), dns.TypeA)
	reply, _, err := (&dns.Client{Timeout: patience}).Exchange(m, s.dns)
	if err != nil {
		return err
	}
	if got := dns.RcodeToString[reply.Rcode]; got != args[1] {
		return fmt.Errorf("%s: got %s, want %s", args[0], got, args[1])
	}
	return nil
}

// page gets a page and expects a status and, in the body, a text.
func (s *server) page(_ *testscript.TestScript, args []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.metrics+args[0], nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if strconv.Itoa(response.StatusCode) != args[1] || !strings.Contains(string(body), args[2]) {
		return fmt.Errorf("%s: got %s and\n%s\nwant %s and %s", args[0], response.Status, body, args[1], args[2])
	}
	return nil
}
