package e2e

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
)

func TestReload_whateverLiesInPlaceOfAFileTheGoodOrdersStay(t *testing.T) {
	t.Parallel()
	const good = "id: good\nauthority: Court\nblock: [good.test]\n"
	const lists = "id: lists\nauthority: Court\nrules:\n  - {list: list.txt, format: domains}\n"
	content := func(text string) func(string) error {
		return func(path string) error { return os.WriteFile(path, []byte(text), 0o600) }
	}
	link := func(to string) func(string) error {
		return func(path string) error { return os.Symlink(to, path) }
	}
	folder := func(path string) error { return os.Mkdir(path, 0o755) }
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(good))
	_ = z.Close()
	cases := []struct {
		name, file string
		put        func(path string) error
		want       string // of the log, behind the file's name
	}{
		{"0 octets", "bad.yaml", content(""), ": holds no order"},
		{"NULs", "bad.yaml", content("id: bad\x00\x00\nauthority: Court\n"), ":1: "},
		{"gzip", "bad.yaml", content(zipped.String()), ":1: "},
		{"cut off", "bad.yaml", content("id: bad\nauthority: Court\nblock: [x.test, y.te"), ":"},
		{"a line of 100 MiB", "bad.yaml", content(strings.Repeat("x", 100<<20)), ": is larger than "},
		{"FIFO", "bad.yaml", func(path string) error { return syscall.Mkfifo(path, 0o600) }, ": is not a regular file"},
		{"device", "bad.yaml", link("/dev/zero"), ": is not a regular file"},
		{"loop of links", "bad.yaml", link("bad.yaml"), ": cannot be read"},
		{"link to nothing", "bad.yaml", link("nothing"), ": cannot be read"},
		{"list of 0 octets", "list.txt", content(""), ": "},
		{"list of NULs", "list.txt", content("a.test\n\x00\x00\x00"), ":2: "},
		{"list in gzip", "list.txt", content(zipped.String()), ":1: "},
		{"list of a line of 100 MiB", "list.txt", content(strings.Repeat("x", 100<<20)), ":1: "},
		{"list that is an error page", "list.txt", content("<!DOCTYPE html>\n<html>404</html>\n"), ":1: "},
		{"list that is a folder", "list.txt", folder, ": is a directory"},
		{"list that is a FIFO", "list.txt", func(path string) error { return syscall.Mkfifo(path, 0o600) }, ": is not a regular file"},
		{"list that is a loop of links", "list.txt", link("list.txt"), ""},
		{"list that is a link to nothing", "list.txt", link("nothing"), ""},
	}
	root := write(t, map[string]string{"orders/good.yaml": good, "orders/lists.yaml": lists, "orders/list.txt": "listed.test\n"})
	orders := filepath.Join(root, "orders")
	s := bailiff(t, "--orders", orders, "--upstream", "127.0.0.1:9")
	expect := func(name string) {
		t.Helper()
		for _, qname := range []string{"good.test", "listed.test"} {
			if got := s.ask(qname, dns.TypeA); got.Rcode != dns.RcodeNameError {
				t.Errorf("%s: %s: got %v, want the orders of before", name, qname, got)
			}
		}
	}
	for _, c := range cases {
		path := filepath.Join(orders, c.file)
		_ = os.Remove(path)
		if err := c.put(path); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		said := s.rejects()
		place := path + c.want
		if c.want == "" { // told where the order names the list
			place = filepath.Join(orders, "lists.yaml") + ":4: "
		}
		if !strings.Contains(said, place) {
			t.Errorf("%s: the log does not say %q:\n%.1000s", c.name, place, said)
		}
		expect(c.name)
		_ = os.Remove(path)
		overwrite(t, filepath.Join(orders, "list.txt"), "listed.test\n")
		s.reload("ok")
	}
	if err := os.Rename(orders, orders+".gone"); err != nil {
		t.Fatal(err)
	}
	s.reload("rejected")
	expect("folder is gone")
}

// Each answer must be that of a law that was in force: files are rewritten in
// place and renamed over while they are read.
func TestReload_aStormUnderLoadLosesNothingAndKeepsNoMemory(t *testing.T) {
	t.Parallel()
	var names strings.Builder
	for i := range 10000 {
		fmt.Fprintf(&names, "n%d.example\n", i)
	}
	listed := "rules:\n  - {list: list.txt, format: domains}\n"
	folder := write(t, map[string]string{"orders.yaml": twoSet("a") + listed, "list.txt": names.String()})
	s := bailiff(t, "--orders", folder, "--upstream", upstream(t, honest, honest).address)
	for _, n := range []string{"a.test", "b.test"} {
		s.ask(n, dns.TypeA)
	}
	stop := make(chan struct{})
	var clients sync.WaitGroup
	var lost lostQueries
	for c := range 4 {
		clients.Go(func() { lost.hammer(s.address, c, 25, stop) })
	}
	storm := func() {
		path := filepath.Join(folder, "orders.yaml")
		for i := range 100 {
			text := twoSet([]string{"b", "a"}[i%2]) + listed
			if i%3 == 0 {
				overwrite(t, path, text)
			} else {
				overwrite(t, path+".new", text)
				_ = os.Rename(path+".new", path)
			}
			s.signal(syscall.SIGHUP)
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(500 * time.Millisecond) // for the last one
	}
	storm()
	first := s.number("process_resident_memory_bytes")
	storm()
	storm()
	last := s.number("process_resident_memory_bytes")
	close(stop)
	clients.Wait()
	if lost.wrong != "" || lost.missing > 0 || lost.answered < 1000 {
		t.Errorf("got %d answers, %d lost, wrong: %q; want none lost, none wrong", lost.answered, lost.missing, lost.wrong)
	}
	if last > first*3/2+64<<20 {
		t.Errorf("got %.0f MiB after 300 SIGHUPs, %.0f MiB after 100", last/(1<<20), first/(1<<20))
	}
	t.Logf("%d answers, %s reloads, %.0f MiB, then %.0f MiB", lost.answered, s.metric(`bailiff_orders_reloads_total{result="ok"}`), first/(1<<20), last/(1<<20))
}

func TestStop_duringAReloadEndsWell(t *testing.T) {
	t.Parallel()
	var names strings.Builder
	for i := range 200000 {
		fmt.Fprintf(&names, "n%d.example\n", i)
	}
	folder := write(t, map[string]string{
		"orders.yaml": "id: big\nauthority: Court\nrules:\n  - {list: list.txt, format: domains}\n", "list.txt": names.String(),
	})
	s := bailiff(t, "--orders", folder, "--upstream", "127.0.0.1:9")
	for range 10 {
		s.signal(syscall.SIGHUP)
	}
	time.Sleep(20 * time.Millisecond)
	s.terminate() // the rest is checked at the end of each test
}

func TestStop_underLoadAnswersWhatWasAsked(t *testing.T) {
	t.Parallel()
	u := upstream(t, func(w dns.ResponseWriter, q *dns.Msg) {
		time.Sleep(300 * time.Millisecond)
		honest(w, q)
	}, honest)
	s := bailiff(t, "--orders", oneOrder(t), "--upstream", u.address)
	const queries = 200
	udp, err := net.Dial("udp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	tcp, err := dns.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	for i := range queries {
		m := new(dns.Msg).SetQuestion(fmt.Sprintf("u%d.test.", i), dns.TypeA)
		if i%4 == 0 { // at most 100 on a connection
			m.Question[0].Name = fmt.Sprintf("t%d.test.", i)
			_ = tcp.WriteMsg(m)
			continue
		}
		raw, _ := m.Pack()
		_, _ = udp.Write(raw)
	}
	for end := time.Now().Add(10 * time.Second); u.asked.Load() < queries && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	s.terminate()
	deadline := time.Now().Add(10 * time.Second)
	_ = udp.SetReadDeadline(deadline)
	_ = tcp.SetReadDeadline(deadline)
	buffer := make([]byte, 512)
	for i := range queries {
		if i%4 == 0 {
			_, err = tcp.ReadMsg()
		} else {
			_, err = udp.Read(buffer)
		}
		if err != nil {
			t.Fatalf("after %d answers: %v\n%s", i, err, s.log)
		}
	}
	s.log.wait(t, "msg=(stopped)\n") // and not "stopped before everything had ended"
}

func TestServe_whoStopsReadingTheLogHoldsNothingUp(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now().Add(4 * time.Second).Truncate(time.Second)
	orders := "id: first\nauthority: Court\nvalid: {from: " + begin.Format(time.RFC3339) + "}\nblock: [first.test]\n---\n" +
		"id: second\nauthority: Court\nvalid: {from: " + begin.Add(time.Second).Format(time.RFC3339) + "}\nblock: [second.test]\n"
	folder := write(t, map[string]string{"orders.yaml": orders})
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s := &server{t: t, cmd: exec.Command(path, "serve", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--orders", folder, "--upstream", "127.0.0.1:9"), log: new(transcript)}
	s.cmd.Stderr = w
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	s.watch()
	for line := bufio.NewReader(r); s.address == ""; {
		text, err := line.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if m := regexp.MustCompile(`msg=ready listen=(\S+) metrics=(\S+)`).FindStringSubmatch(text); m != nil {
			s.address, s.pages = m[1], m[2]
		}
	}
	overwrite(t, filepath.Join(folder, "bad.yaml"), "id: bad\nauthority: Court\nblock:\n"+strings.Repeat("  - http://a.test/\n", 5000))
	s.reload("rejected") // with more lines than the pipe holds
	time.Sleep(time.Until(begin.Add(3 * time.Second)))
	for _, qname := range []string{"first.test", "second.test"} {
		if got := s.ask(qname, dns.TypeA); got.Rcode != dns.RcodeNameError {
			t.Errorf("%s: got %v, want NXDOMAIN: the order has begun", qname, got)
		}
	}
}

func TestServe_withFewDescriptorsOrdersHoldAndItRecovers(t *testing.T) {
	t.Parallel()
	s := bailiff(t, "--orders", oneOrder(t), "--upstream", upstream(t, honest, honest).address)
	s.alive("first.test")
	few := unix.Rlimit{Cur: 48, Max: 48}
	if err := unix.Prlimit(s.cmd.Process.Pid, unix.RLIMIT_NOFILE, &few, nil); err != nil {
		t.Fatal(err)
	}
	var crowd []net.Conn
	for range 100 {
		conn, err := net.Dial("tcp", s.address)
		if err != nil {
			break
		}
		crowd = append(crowd, conn)
		_, _ = conn.Write([]byte{0}) // half a length
	}
	s.log.wait(t, `(tcp accept.*too many open files)`)
	before := cpuTicks(t, s.cmd.Process.Pid)
	for i := range 20 {
		if got := s.ask("blocked.test", dns.TypeA); got.Rcode != dns.RcodeNameError {
			t.Errorf("under order: got %v, want NXDOMAIN", got)
		}
		if got := s.ask("first.test", dns.TypeA); len(got.Answer) != 1 {
			t.Errorf("cached: got %v, want the answer", got)
		}
		s.ask(fmt.Sprintf("new%d.test", i), dns.TypeA) // answered, if with SERVFAIL
		time.Sleep(100 * time.Millisecond)
	}
	if ticks := cpuTicks(t, s.cmd.Process.Pid) - before; ticks > 100 { // of at least 200 in 2 s
		t.Errorf("got %d ticks of CPU time in 2 s, want no busy loop", ticks)
	}
	for _, conn := range crowd {
		_ = conn.Close()
	}
	end := time.Now().Add(15 * time.Second)
	for i := 0; s.ask(fmt.Sprintf("after%d.test", i), dns.TypeA).Rcode != dns.RcodeSuccess; i++ {
		if time.Now().After(end) {
			t.Fatal("no recovery within 15 s")
		}
		time.Sleep(200 * time.Millisecond)
	}
	s.alive("last.test")
}

// cpuTicks is the CPU time a process has taken, in hundredths of a second.
func cpuTicks(t *testing.T, pid int) (ticks int) {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Skip("no /proc:", err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	var user, system int
	if _, err := fmt.Sscanf(strings.Join(strings.Fields(rest)[11:13], " "), "%d %d", &user, &system); err != nil {
		t.Fatal(err)
	}
	return user + system
}
