package internet

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Environment variables by which the test tells itself where it runs.
const (
	binaryVariable = "BAILIFF_INTERNET_BINARY" // inside: the path of bailiff
	reasonVariable = "BAILIFF_INTERNET_REASON" // outside: why there is no inside
)

// TestMain runs the tests in namespaces of their own. Where that cannot be, it
// leaves it to the tests to say so.
func TestMain(m *testing.M) {
	if os.Getenv(binaryVariable) != "" {
		mountProc()
		os.Exit(m.Run())
	}
	runtime.LockOSThread() // Pdeathsig follows the thread
	folder, err := os.MkdirTemp("", "bailiff-internet-")
	if err != nil {
		panic(err)
	}
	code, err := runInside(folder)
	_ = os.RemoveAll(folder)
	if err != nil {
		_ = os.Setenv(reasonVariable, err.Error())
		code = m.Run()
	}
	os.Exit(code)
}

// runInside builds bailiff and runs this program again, in namespaces of its
// own. Whatever that leaves behind ends with it: it is the first process of its
// namespace. The error says that the system does not allow it.
func runInside(folder string) (code int, err error) {
	binary := filepath.Join(folder, "bailiff")
	args := append(append([]string{"build"}, buildFlags...), "-o", binary, "bailiff/cmd/bailiff")
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1, nil
	}
	own := uintptr(unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWNS)
	for _, flags := range []uintptr{own, own | unix.CLONE_NEWUSER} {
		again := exec.Command("/proc/self/exe", os.Args[1:]...)
		again.Env = append(os.Environ(), binaryVariable+"="+binary, "TMPDIR="+folder)
		again.Stdout, again.Stderr = os.Stdout, os.Stderr
		again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGKILL}
		if flags&unix.CLONE_NEWUSER != 0 {
			again.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
			again.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
		}
		if err = again.Start(); err == nil {
			return exitCode(again.Wait()), nil
		}
	}
	return 0, fmt.Errorf("namespaces of its own are not allowed: %w", err)
}

// mountProc shows the processes of this namespace under their numbers there. The
// benchmark alone needs that, and says so where it is not allowed.
func mountProc() {
	_ = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	_ = unix.Mount("proc", "/proc", "proc", 0, "")
}

func exitCode(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return exit.ExitCode()
	}
	return 1
}

// unavailable ends a test that needs what is not there; in CI it must be.
func unavailable(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("BAILIFF_CI") != "" {
		t.Fatalf("%s; in CI nothing is skipped", reason)
	}
	t.Skip(reason)
}

// namespace is a network namespace beside that of the test.
type namespace struct{ file *os.File }

// newNamespace makes one. It lasts as long as its file is open.
func newNamespace(t testing.TB) *namespace {
	t.Helper()
	if os.Getenv(binaryVariable) == "" {
		t.Skip(os.Getenv(reasonVariable)) // in CI too: no job can install what the kernel does not allow
	}
	n := new(namespace)
	var err error
	onOwnThread(func() {
		if err = unix.Unshare(unix.CLONE_NEWNET); err == nil {
			n.file, err = os.Open("/proc/thread-self/ns/net")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.file.Close() })
	return n
}

// do runs f with this namespace as its own: for the processes it starts and
// the sockets it opens, as long as f keeps to its goroutine. Where f ends the
// test, so does do.
func (n *namespace) do(t testing.TB, f func()) {
	t.Helper()
	onOwnThread(func() {
		if err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET); err != nil {
			t.Error(err)
			return
		}
		f()
	})
	switch {
	case t.Failed():
		t.FailNow()
	case t.Skipped():
		t.SkipNow()
	}
}

// onOwnThread runs f on a thread that ends with it.
func onOwnThread(f func()) {
	var wait sync.WaitGroup
	wait.Go(func() {
		runtime.LockOSThread()
		f()
	})
	wait.Wait()
}

// ip runs commands of ip(8), one a line; file is their descriptor 3. Systems differ
// in what they allow, without IPv6 for one.
func ip(t testing.TB, file *os.File, commands string) {
	t.Helper()
	cmd := exec.Command(program(t, "ip"), "-batch", "-")
	cmd.Stdin, cmd.ExtraFiles = strings.NewReader(commands), []*os.File{file}
	if out, err := cmd.CombinedOutput(); err != nil {
		unavailable(t, fmt.Sprintf("namespaces cannot be connected: ip: %v: %s", err, out))
	}
}

// connect lays a cable to a namespace where every one of the addresses is.
func connect(t testing.TB, to *namespace, addresses []string) {
	t.Helper()
	ip(t, to.file, `link set lo up
link add home type veth peer name away netns /proc/self/fd/3
address add 192.0.2.1/24 dev home
address add 2001:db8::1/64 dev home nodad
link set home up
route add 0.0.0.0/0 via 192.0.2.254
route add ::/0 via 2001:db8::254
`)
	// The namespace itself ends some time after its last process: too late for the
	// next cable of this name.
	t.Cleanup(func() { ip(t, nil, "link delete home\n") })
	commands := `link set lo up
address add 192.0.2.254/24 dev away
address add 2001:db8::254/64 dev away nodad
link set away up
`
	for _, a := range addresses {
		commands += "address add " + a + " dev lo\n"
	}
	to.do(t, func() { ip(t, nil, commands) })
}
