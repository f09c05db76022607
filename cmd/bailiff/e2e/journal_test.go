package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// command runs bailiff and returns its output, and whether it ended well.
func command(t *testing.T, args ...string) (output string, ok bool) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	return string(out), err == nil
}

// kill ends the server as a power cut would, and does not call that a failure.
func (s *server) kill() {
	s.stopping = true
	_ = s.cmd.Process.Kill()
	<-s.ended
	s.err = nil
}

func TestJournal_killedInAStormOfReloadsItIsWholeAndGoesOn(t *testing.T) {
	t.Parallel()
	folder, state := write(t, map[string]string{"orders.yaml": twoSet("a")}), filepath.Join(t.TempDir(), "state")
	for round := range 5 {
		s := bailiff(t, "--orders", folder, "--state", state, "--upstream", "192.0.2.1")
		end := time.Now().Add(time.Duration(100+50*round) * time.Millisecond)
		for i := 0; time.Now().Before(end); i++ {
			overwrite(t, filepath.Join(folder, "orders.yaml"), twoSet(fmt.Sprintf("n%d", i)))
			s.signal(syscall.SIGHUP)
			time.Sleep(time.Millisecond)
		}
		s.kill()
		overwrite(t, filepath.Join(folder, "orders.yaml"), twoSet("a"))
		if out, ok := command(t, "journal", "verify", "--state", state); !ok {
			t.Fatalf("round %d:\n%s", round, out)
		}
	}
	bailiff(t, "--orders", folder, "--state", state, "--upstream", "192.0.2.1").stop()
	out, ok := command(t, "journal", "verify", "--state", state)
	if !ok || !strings.Contains(out, "whole: nothing up to the head") {
		t.Errorf("after the storm:\n%s", out)
	}
	shown, _ := command(t, "journal", "show", "--state", state, "--event", "start")
	if n := strings.Count(shown, " start "); n != 6 {
		t.Errorf("got %d starts, want 6:\n%s", n, shown)
	}
}

// TestJournal_answersForEveryLoad asks what was in force at instants between
// loads, and compares with what the server answered then.
func TestJournal_answersForEveryLoad(t *testing.T) {
	t.Parallel()
	folder, state := write(t, map[string]string{
		"orders.yaml": "id: a\nauthority: Court\nanswer: {action: refuse}\nrules: [{list: list.txt, format: domains}]\n",
		"list.txt":    "n0.test\n",
	}), filepath.Join(t.TempDir(), "state")
	s := bailiff(t, "--orders", folder, "--state", state, "--upstream", "192.0.2.1")
	var instants []time.Time
	for i := range 5 {
		if i > 0 {
			overwrite(t, filepath.Join(folder, "list.txt"), fmt.Sprintf("n%d.test\n", i))
			s.reload("ok")
		}
		if got := s.ask(fmt.Sprintf("n%d.test", i), dns.TypeA).Rcode; got != dns.RcodeRefused {
			t.Fatalf("load %d: got %s, want REFUSED", i, dns.RcodeToString[got])
		}
		instants = append(instants, time.Now())
		time.Sleep(20 * time.Millisecond)
	}
	s.stop()
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	for i, at := range instants {
		for n := range instants {
			out, ok := command(t, "explain", fmt.Sprintf("n%d.test", n), "--state", state, "--at", at.Format(time.RFC3339Nano), "--json")
			var found struct {
				Verdict    string
				Generation int
			}
			if err := json.Unmarshal([]byte(out), &found); !ok || err != nil {
				t.Fatalf("load %d: %s", i, out)
			}
			if want := map[bool]string{true: "refuse", false: "pass"}[n == i]; found.Verdict != want || found.Generation != i+1 {
				t.Errorf("load %d, name %d: got %+v, want %s of generation %d", i, n, found, want, i+1)
			}
		}
	}
}

func TestJournal_aFullDiskStopsNoAnswer(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	if err := syscall.Mount("tmpfs", state, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("mount: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(state, syscall.MNT_DETACH) })
	folder := write(t, map[string]string{"orders.yaml": twoSet("a")})
	s := bailiff(t, "--orders", folder, "--state", state, "--upstream", "192.0.2.1")
	var during time.Time
	filler := filepath.Join(state, "filler")
	fill(t, filler)
	for i := range 20 {
		overwrite(t, filepath.Join(folder, "orders.yaml"), twoSet(fmt.Sprintf("n%d", i)))
		s.reload("ok")
		if got := s.ask("both.test", dns.TypeA).Rcode; got != dns.RcodeNameError {
			t.Fatalf("got %s, want NXDOMAIN", dns.RcodeToString[got])
		}
		if i == 18 {
			during = time.Now()
		}
	}
	s.log.wait(t, `journal: cannot be written; answers go on.*no space left`)
	if s.metric("bailiff_journal_failing") != "1" || s.number("bailiff_journal_write_errors_total") == 0 {
		t.Error("the metrics do not tell of it")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	s.log.wait(t, `journal: is written again`)
	s.stop()
	if out, ok := command(t, "journal", "verify", "--state", state); !ok {
		t.Errorf("verify:\n%s", out)
	}
	out, _ := command(t, "journal", "show", "--state", state, "--event", "gap", "--json")
	if strings.Count(out, "\n") != 1 || !strings.Contains(out, "no space left") || !strings.Contains(out, `"late":`) {
		t.Errorf("got gap entries\n%s\nwant one that tells of the full disk", out)
	}
	out, _ = command(t, "explain", "n18.test", "--state", state, "--at", during.Format(time.RFC3339Nano))
	if !strings.Contains(out, ": nxdomain\n") {
		t.Errorf("what was in force meanwhile: got\n%s", out)
	}
}

// fill writes until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
}
