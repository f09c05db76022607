package packaging

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// installed are files of the package.
var installed = []string{
	"/usr/bin/bailiff",
	"/etc/bailiff/bailiff.yaml",
	"/etc/bailiff/orders.d/README",
	"/usr/lib/systemd/system/bailiff.service",
	"/usr/lib/systemd/system/bailiff.socket",
	"/usr/share/man/man1/bailiff.1.gz",
	"/usr/share/man/man1/bailiff-serve.1.gz",
	"/usr/share/bash-completion/completions/bailiff",
	"/usr/share/zsh/vendor-completions/_bailiff",
	"/usr/share/fish/vendor_completions.d/bailiff.fish",
	"/usr/share/doc/bailiff/copyright",
	"/usr/share/doc/bailiff/operator.md",
	"/usr/share/doc/bailiff/examples/bailiff.yaml",
	"/usr/share/doc/bailiff/examples/orders/it-milano-iptv.yaml",
	"/usr/share/bailiff/schema/order.schema.json",
	"/usr/share/bailiff/prometheus/rules/orders.yml",
	"/usr/share/bailiff/grafana/dashboards/orders.json",
}

// TestDeb_installServeUpgradeRollbackPurge is the life of the package in a
// fresh Debian without systemd, step by step.
func TestDeb_installServeUpgradeRollbackPurge(t *testing.T) {
	dig := program(t, "dig")
	d := newDebian(t)
	old, upgraded := d.bring(built(t, oldVersion, "deb")), d.bring(built(t, newVersion, "deb"))

	d.run("dpkg", "-i", old)
	for _, file := range installed {
		if info, err := os.Stat(d.path(file)); err != nil || info.Size() == 0 {
			t.Errorf("after install: %s: %v", file, err)
		}
	}
	if _, err := os.Lstat(d.path("/etc/systemd/system/multi-user.target.wants/bailiff.service")); err != nil {
		t.Errorf("the unit is not enabled: %v", err)
	}
	group := d.ordersGroup()

	d.makeState()

	// A fresh install answers (on loopback: see the configuration's own test) and
	// blocks nothing.
	s := d.serve(group)
	if !strings.Contains(s.log.String(), "no order is loaded: nothing is blocked") {
		t.Errorf("a fresh install does not say that it blocks nothing:\n%s", s.log)
	}
	s.expect(dig, "localhost", "status: NOERROR")
	s.expect(dig, "blocked.test", "status: SERVFAIL") // no upstream is there

	// The first order is read through the group alone.
	d.write("/etc/bailiff/orders.d/one.yaml", "id: one\nauthority: Court\nblock: [blocked.test]\n", 0o640)
	s.reload()
	s.expect(dig, "blocked.test", "EDE: 16 (Censored): (one: Court)")
	s.stop()

	// An upgrade keeps configuration and orders; so does the way back.
	config := read(t, d.path("/etc/bailiff/bailiff.yaml")) + "\ncache: {size: 16MiB}\n"
	d.write("/etc/bailiff/bailiff.yaml", config, 0o644)
	for _, step := range []struct{ name, deb, version string }{{"upgrade", upgraded, newVersion}, {"rollback", old, oldVersion}} {
		d.run("dpkg", "-i", step.deb)
		if got := d.run("bailiff", "version"); !strings.Contains(got, step.version) {
			t.Errorf("%s: got %s, want %s", step.name, got, step.version)
		}
		if got := read(t, d.path("/etc/bailiff/bailiff.yaml")); got != config {
			t.Errorf("%s: the configuration became\n%s", step.name, got)
		}
		d.run("bailiff", "check", "--config", "/etc/bailiff/bailiff.yaml")
		s := d.serve(d.ordersGroup())
		s.expect(dig, "www.blocked.test", "status: NXDOMAIN")
		s.stop()
	}

	// Orders and state are the operator's.
	d.run("dpkg", "--remove", "bailiff")
	d.expectFiles("after remove", map[string]bool{"/usr/bin/bailiff": false, "/etc/bailiff/bailiff.yaml": true})
	d.run("dpkg", "--purge", "bailiff")
	d.expectFiles("after purge", map[string]bool{
		"/etc/bailiff/bailiff.yaml":                                   false,
		"/etc/bailiff/orders.d/README":                                false,
		"/etc/systemd/system/multi-user.target.wants/bailiff.service": false,
		"/etc/bailiff/orders.d/one.yaml":                              true,
		"/var/lib/bailiff/journal.jsonl":                              true,
	})
}

// debian is a fresh Debian in a folder.
type debian struct {
	t      *testing.T
	folder string
}

// newDebian installs the machine's own release from the machine's own mirror.
func newDebian(t *testing.T) *debian {
	t.Helper()
	debootstrap := program(t, "debootstrap")
	if os.Getuid() != 0 {
		missing(t, "debootstrap needs root")
	}
	mirror, release := debianMirror(t)
	d := &debian{t: t, folder: filepath.Join(t.TempDir(), "debian")}
	t.Cleanup(func() { // should debootstrap have been killed
		for _, mounted := range []string{"proc", "sys"} {
			_ = syscall.Unmount(filepath.Join(d.folder, mounted), syscall.MNT_DETACH)
		}
	})
	run(t, debootstrap, "--variant=minbase", release, d.folder, mirror)
	d.write("/etc/resolv.conf", "nameserver 192.0.2.1\n", 0o644)
	return d
}

// debianMirror asks apt where the machine's packages come from.
func debianMirror(t *testing.T) (mirror, release string) {
	t.Helper()
	for line := range strings.Lines(read(t, "/etc/os-release")) {
		if name, ok := strings.CutPrefix(line, "VERSION_CODENAME="); ok {
			release = strings.Trim(strings.TrimSpace(name), `"`)
		}
	}
	targets := run(t, program(t, "apt-get"), "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(COMPONENT)", "Created-By: Packages")
	for line := range strings.Lines(targets) {
		if f := strings.Fields(line); len(f) == 3 && f[1] == release && f[2] == "main" {
			return f[0], release
		}
	}
	missing(t, "apt knows no mirror of "+release+":\n"+targets)
	return "", ""
}

func (d *debian) path(inside string) string { return filepath.Join(d.folder, inside) }

// run runs a program inside.
func (d *debian) run(args ...string) string {
	d.t.Helper()
	return run(d.t, program(d.t, "chroot"), append([]string{d.folder}, args...)...)
}

// bring copies a file in and returns its path inside.
func (d *debian) bring(path string) string {
	d.t.Helper()
	d.write("/root/"+filepath.Base(path), read(d.t, path), 0o644)
	return "/root/" + filepath.Base(path)
}

// write writes a file inside.
func (d *debian) write(path, text string, mode os.FileMode) {
	d.t.Helper()
	if err := os.WriteFile(d.path(path), []byte(text), mode); err != nil {
		d.t.Fatal(err)
	}
}

func (d *debian) expectFiles(when string, want map[string]bool) {
	d.t.Helper()
	for path, there := range want {
		if _, err := os.Lstat(d.path(path)); (err == nil) != there {
			d.t.Errorf("%s: %s: got %v, want it there: %t", when, path, err, there)
		}
	}
}

// ordersGroup is the group that may read orders.d; nobody else but root may.
func (d *debian) ordersGroup() uint32 {
	d.t.Helper()
	info, err := os.Stat(d.path("/etc/bailiff/orders.d"))
	if err != nil {
		d.t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	entry := strings.Split(d.run("getent", "group", "bailiff-orders"), ":")
	if got := strconv.Itoa(int(owner.Gid)); owner.Uid != 0 || got != entry[2] || info.Mode().Perm() != 0o750 || info.Mode()&os.ModeSetgid == 0 {
		d.t.Errorf("orders.d: got %v of %d:%s, want drwxr-s--- of root:bailiff-orders (%s)", info.Mode(), owner.Uid, got, entry[2])
	}
	return owner.Gid
}

// user is who the server runs as, as DynamicUser= would pick one.
const user = 61234

// makeState does what StateDirectory= does.
func (d *debian) makeState() {
	d.t.Helper()
	state := d.path("/var/lib/bailiff")
	if err := errors.Join(os.Mkdir(state, 0o700), os.Chown(state, user, user)); err != nil {
		d.t.Fatal(err)
	}
}

// served is a bailiff that runs inside.
type served struct {
	t       *testing.T
	process *exec.Cmd
	log     *bytes.Buffer
	lines   io.Reader
	address string
}

// serve runs the packaged program with the packaged configuration as the unit
// does: as nobody in particular, with the group that may read the orders.
func (d *debian) serve(group uint32) *served {
	d.t.Helper()
	s := &served{t: d.t, log: new(bytes.Buffer)}
	s.process = &exec.Cmd{
		Path: "/usr/bin/bailiff", Args: []string{"bailiff", "serve", "--config", "/etc/bailiff/bailiff.yaml", "--listen", freeAddress(d.t), "--metrics", "127.0.0.1:0"}, Dir: "/",
		SysProcAttr: &syscall.SysProcAttr{Chroot: d.folder, Credential: &syscall.Credential{Uid: user, Gid: user, Groups: []uint32{group}}},
	}
	s.address = s.process.Args[5]
	var err error
	if s.lines, err = s.process.StderrPipe(); err != nil {
		d.t.Fatal(err)
	}
	if err := s.process.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = s.process.Process.Kill() })
	s.await("msg=ready")
	return s
}

// await reads the log until it has the text.
func (s *served) await(text string) {
	s.t.Helper()
	late := time.AfterFunc(20*time.Second, func() { _ = s.process.Process.Kill() })
	defer late.Stop()
	buffer := make([]byte, 4096)
	for from := s.log.Len(); !strings.Contains(s.log.String()[from:], text); {
		n, err := s.lines.Read(buffer)
		s.log.Write(buffer[:n])
		if err != nil {
			s.t.Fatalf("no %q in the log:\n%s", text, s.log)
		}
	}
}

func (s *served) reload() {
	s.t.Helper()
	if err := s.process.Process.Signal(syscall.SIGHUP); err != nil {
		s.t.Fatal(err)
	}
	s.await("orders reloaded")
}

// expect asks with dig.
func (s *served) expect(dig, qname, want string) {
	s.t.Helper()
	host, port, _ := net.SplitHostPort(s.address)
	if out := run(s.t, dig, "@"+host, "-p", port, "+tries=1", "+time=8", qname, "A"); !strings.Contains(out, want) {
		s.t.Errorf("%s: got no %q in\n%s\nlog:\n%s", qname, want, out, s.log)
	}
}

func (s *served) stop() {
	s.t.Helper()
	_ = s.process.Process.Signal(syscall.SIGTERM)
	_, _ = io.Copy(s.log, s.lines)
	if err := s.process.Wait(); err != nil {
		s.t.Errorf("bailiff ended with %v:\n%s", err, s.log)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
