package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// systemd stands for the service manager: it collects what the server tells it.
type systemd struct {
	told *transcript
	path string // of its socket
}

func newSystemd(t *testing.T) *systemd {
	t.Helper()
	s := &systemd{told: new(transcript), path: filepath.Join(t.TempDir(), "notify")}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: s.path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		message := make([]byte, 4096)
		for n, err := conn.Read(message); err == nil; n, err = conn.Read(message) {
			_, _ = s.told.Write(append(message[:n:n], '\n'))
		}
	}()
	return s
}

// start runs `bailiff serve` as the manager does: with these sockets, if any,
// and this watchdog interval.
func (s *systemd) start(t *testing.T, watchdog time.Duration, sockets []*os.File, args ...string) *server {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	b := &server{t: t, log: new(transcript)}
	b.cmd = exec.Command("sh", append([]string{"-c", `LISTEN_PID=$$ exec "$0" serve --metrics 127.0.0.1:0 "$@"`, path}, args...)...)
	b.cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+s.path,
		"WATCHDOG_USEC="+strconv.FormatInt(watchdog.Microseconds(), 10), "LISTEN_FDS="+strconv.Itoa(len(sockets)))
	b.cmd.ExtraFiles = sockets
	b.cmd.Stderr = b.log
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b.watch()
	b.address = b.log.wait(t, `msg=ready .*listen=([0-9.:]+)`)
	b.pages = b.log.wait(t, `msg=ready .*metrics=([0-9.:]+)`)
	return b
}

// heard returns what the manager was told last that matches.
func (s *systemd) heard(t *testing.T, pattern string) string {
	t.Helper()
	s.told.wait(t, pattern)
	all := regexp.MustCompile(pattern).FindAllStringSubmatch(s.told.String(), -1)
	last := all[len(all)-1]
	return last[len(last)-1]
}

func TestSystemd_isToldOfStartReloadAndStop(t *testing.T) {
	t.Parallel()
	manager := newSystemd(t)
	folder := write(t, map[string]string{"orders.yaml": court})
	s := manager.start(t, 0, nil, "--listen", "127.0.0.1:0", "--orders", folder, "--upstream", "192.0.2.1")
	manager.heard(t, `^READY=1\nSTATUS=orders: 2 in force, 0 pending, 0 lapsed; generation 1\n`)

	overwrite(t, filepath.Join(folder, "orders.yaml"), court+"---\n{id: third, authority: Court, block: [third.test]}\n")
	s.reload("ok")
	manager.heard(t, `RELOADING=1\nMONOTONIC_USEC=([0-9]+)\n(?s:.*)READY=1\nSTATUS=orders: 3 in force, 0 pending, 0 lapsed; generation 2\n`)

	overwrite(t, filepath.Join(folder, "orders.yaml"), "nonsense")
	s.reload("rejected")
	manager.heard(t, `READY=1\nSTATUS=the last reload was rejected; orders: 3 in force, .* generation 2\n`)

	s.stop()
	manager.heard(t, `STOPPING=1\nSTATUS=stopping\n$`)
}

func TestSystemd_theWatchdogIsFedWhileTheServerAnswers(t *testing.T) {
	t.Parallel()
	manager := newSystemd(t)
	s := manager.start(t, 3*time.Second, nil, "--listen", "127.0.0.1:0", "--orders", write(t, map[string]string{"orders.yaml": court}), "--upstream", "192.0.2.1")
	manager.heard(t, `WATCHDOG=1\n(?s:.*)WATCHDOG=1\n`)
	if got := s.number(`bailiff_dns_requests_total{family="1",proto="udp",type="A"}`); got == 0 {
		t.Error("the watchdog was fed, and the server was not asked")
	}
}

func TestSystemd_itsSocketsAreServedAndOutliveTheServer(t *testing.T) {
	t.Parallel()
	tcp, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	udp, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(tcp.Addr().(*net.TCPAddr).AddrPort()))
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	tcpFile, err := tcp.File()
	if err != nil {
		t.Fatal(err)
	}
	udpFile, err := udp.File()
	if err != nil {
		t.Fatal(err)
	}
	manager := newSystemd(t)
	args := []string{"--listen", tcp.Addr().String(), "--orders", write(t, map[string]string{"orders.yaml": court}), "--upstream", "192.0.2.1"}
	first := manager.start(t, 0, []*os.File{tcpFile, udpFile}, args...)
	if got := first.ask("sport.test", dns.TypeA); got.Rcode != dns.RcodeNameError {
		t.Errorf("got %v, want NXDOMAIN", got)
	}
	first.stop()

	waiting, err := dns.Dial("udp", tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close()
	if err := waiting.WriteMsg(new(dns.Msg).SetQuestion("sport.test.", dns.TypeA)); err != nil {
		t.Fatal(err)
	}
	second := manager.start(t, 0, []*os.File{tcpFile, udpFile}, args...)
	_ = waiting.SetReadDeadline(time.Now().Add(5 * time.Second))
	if got, err := waiting.ReadMsg(); err != nil || got.Rcode != dns.RcodeNameError {
		t.Errorf("a query that came between two servers: got %v %v, want NXDOMAIN", got, err)
	}
	if out := second.dig("+tcp", "sport.test", "A"); !strings.Contains(out, "status: NXDOMAIN") {
		t.Errorf("over TCP: got\n%s", out)
	}
	second.stop()
	if n := strings.Count(manager.told.String(), "READY=1"); n != 2 {
		t.Errorf("got %d times READY=1, want 2:\n%s", n, manager.told)
	}
}

func TestSystemd_aSocketForNoAddressIsRefusedAtStart(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	file, err := tcp.File()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ exec "$0" serve --metrics 127.0.0.1:0 --listen 127.0.0.1:0 --upstream 192.0.2.1`, path)
	cmd.Env = append(os.Environ(), "LISTEN_FDS=1", "LISTEN_FDNAMES=bailiff.socket")
	cmd.ExtraFiles = []*os.File{file}
	out, err := cmd.CombinedOutput()
	want := "inherited socket bailiff.socket: " + tcp.Addr().String() + ": is not listened on; name the address under listen too, or do not pass it"
	if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), want) {
		t.Errorf("got %v and\n%s\nwant exit code 1 and %s", err, out, want)
	}
}
