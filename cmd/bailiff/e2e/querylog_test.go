package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const hiddenOrder = "---\nid: secret\nauthority: Police\npublicity: hidden\nblock: [hidden.test]\n"

// capture starts fstrm_capture: Debian's reader of frame streams. It listens
// on folder/tap.sock.
func capture(t *testing.T, folder, file string) *daemon {
	t.Helper()
	out := new(transcript)
	cmd := exec.Command(program(t, "fstrm_capture"), "-t", "protobuf:dnstap.Dnstap", "-u", "tap.sock", "-w", file)
	cmd.Dir, cmd.Stdout, cmd.Stderr = folder, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d := &daemon{cmd: cmd}
	t.Cleanup(d.kill)
	out.wait(t, "opened output file")
	return d
}

// terminate lets the program end well.
func (d *daemon) terminate() {
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	_ = d.cmd.Wait()
}

// logging starts a bailiff with a query log; its dnstap goes to
// folder/tap.sock.
func logging(t *testing.T, folder, more string) *server {
	t.Helper()
	overwrite(t, filepath.Join(folder, "orders.yaml"), court+hiddenOrder)
	config := filepath.Join(folder, "bailiff.yaml")
	overwrite(t, config, "orders: [orders.yaml]\nquery_log:\n  dnstap: {socket: tap.sock}\n"+more)
	return bailiff(t, "--config", config, "--upstream", upstream(t, honest, honest).address)
}

func TestQueryLog_debiansToolsReadTheDnstap(t *testing.T) {
	t.Parallel()
	dnstapRead, folder := program(t, "dnstap-read"), write(t, nil)
	reader := capture(t, folder, "q.fstrm")
	s := logging(t, folder, "  json: {file: q.jsonl}\n")
	for _, qname := range []string{"free.test", "iptv.test", "www.sport.test", "www.hidden.test"} {
		s.ask(qname, dns.TypeAAAA)
	}
	s.dig("+tcp", "+subnet=192.0.2.77/32", "free.test", "A")
	s.stop()
	reader.terminate()
	text, err := exec.Command(dnstapRead, filepath.Join(folder, "q.fstrm")).CombinedOutput()
	if err != nil {
		t.Fatalf("dnstap-read: %v\n%s", err, text)
	}
	for _, want := range []string{
		"CQ 127.0.0.0:0 -> ? UDP 38b free.test/IN/AAAA", "CR 127.0.0.0:0 <- ? UDP", "www.sport.test/IN/AAAA", "iptv.test/IN/AAAA",
		"TCP 38b free.test/IN/A", "CR 127.0.0.0:0 <- ? UDP 0b ?/?/?",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("dnstap-read: no %q in\n%s", want, text)
		}
	}
	if lines := strings.Count(string(text), "\n"); lines != 10 {
		t.Errorf("got %d messages, want 10:\n%s", lines, text)
	}
	yaml, err := exec.Command(dnstapRead, "-y", filepath.Join(folder, "q.fstrm")).CombinedOutput()
	if err != nil || !strings.Contains(string(yaml), "version: bailiff ") || !strings.Contains(string(yaml), "status: NXDOMAIN") {
		t.Errorf("dnstap-read -y: %v\n%s", err, yaml)
	}
	frames, _ := os.ReadFile(filepath.Join(folder, "q.fstrm"))
	lines, _ := os.ReadFile(filepath.Join(folder, "q.jsonl"))
	if !strings.Contains(string(frames), "fr-paris block") { // dnstap-read does not show the policy
		t.Error("got no policy")
	}
	for name, log := range map[string]string{"dnstap": string(frames) + string(yaml), "JSON": string(lines)} {
		for _, secret := range []string{"hidden", "127.0.0.1", "192.0.2.77", "CLIENT-SUBNET"} {
			if strings.Contains(log, secret) {
				t.Errorf("%s: got %s in\n%s", name, secret, log)
			}
		}
	}
	if n := strings.Count(string(lines), "\n"); n != 5 {
		t.Errorf("got %d lines, want 5:\n%s", n, lines)
	}
}

func TestQueryLog_aReaderThatStopsOrDiesCostsEntriesAndNoQuery(t *testing.T) {
	t.Parallel()
	folder := write(t, nil)
	reader := capture(t, folder, "first.fstrm")
	s := logging(t, folder, "")
	const written, dropped = `bailiff_query_log_entries_total{sink="dnstap"}`, `bailiff_query_log_dropped_total{sink="dnstap"}`
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() { s.flood(stop) })
	}
	defer func() { close(stop); clients.Wait() }()
	grows := func(series, while string) {
		t.Helper()
		before := s.number(series)
		for end := time.Now().Add(40 * time.Second); s.number(series) <= before; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: %s stays at %v\n%s", while, series, before, s.log)
			}
		}
	}
	grows(written, "running")
	if n := s.number(dropped); n != 0 {
		t.Errorf("got %v dropped with a reader that reads", n)
	}
	_ = reader.cmd.Process.Signal(syscall.SIGSTOP)
	grows(dropped, "stopped")
	_ = reader.cmd.Process.Signal(syscall.SIGCONT)
	grows(written, "continued")
	reader.kill()
	grows(dropped, "killed")
	reader = capture(t, folder, "second.fstrm")
	grows(written, "started again")
	s.log.wait(t, `msg="the query log is written again" sink=dnstap`)
	reader.terminate()
	if text, err := exec.Command(program(t, "dnstap-read"), filepath.Join(folder, "second.fstrm")).Output(); err != nil || !strings.Contains(string(text), "localhost/IN/A") {
		t.Errorf("dnstap-read: %v\n%.500s", err, text)
	}
}

// flood asks until stop is closed; every query must be answered.
func (s *server) flood(stop chan struct{}) {
	c := &dns.Client{Timeout: 8 * time.Second}
	conn, err := c.Dial(s.address)
	if err != nil {
		s.t.Error(err)
		return
	}
	defer conn.Close()
	for m := new(dns.Msg).SetQuestion("localhost.", dns.TypeA); ; m.Id = dns.Id() {
		select {
		case <-stop:
			return
		default:
		}
		if _, _, err := c.ExchangeWithConn(m, conn); err != nil {
			s.t.Errorf("a query failed: %v", err)
			return
		}
	}
}
