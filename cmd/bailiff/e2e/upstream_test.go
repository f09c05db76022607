package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// daemon is a real name server of another make.
type daemon struct {
	cmd     *exec.Cmd
	address string
}

// start runs a name server in the foreground and waits until it answers
// probe.
func start(t *testing.T, address, probe string, command ...string) *daemon {
	t.Helper()
	out := new(transcript)
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d := &daemon{cmd, address}
	t.Cleanup(d.kill)
	c := &dns.Client{Timeout: 200 * time.Millisecond}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if reply, _, err := c.Exchange(new(dns.Msg).SetQuestion(probe, dns.TypeSOA), address); err == nil && reply.Rcode == dns.RcodeSuccess {
			return d
		}
	}
	t.Fatalf("%s does not answer:\n%s", command[0], out)
	return nil
}

// kill ends the server, as a crash would.
func (d *daemon) kill() {
	_ = d.cmd.Process.Kill()
	_ = d.cmd.Wait()
}

// nsd serves the zone test. from its lines.
func nsd(t *testing.T, lines ...string) *daemon {
	t.Helper()
	return nsdZones(t, map[string][]string{"test.": append([]string{"@ NS ns", "ns A 127.0.0.1"}, lines...)})
}

// nsdZones serves zones from their lines, test. among them.
func nsdZones(t *testing.T, zones map[string][]string) *daemon {
	t.Helper()
	path, port := program(t, "nsd"), freePort(t)
	files, clauses := map[string]string{}, ""
	for apex, lines := range zones {
		files[apex+"zone"] = "$ORIGIN " + apex + "\n$TTL 300\n@ IN SOA ns admin 1 3600 600 86400 60\n" + strings.Join(lines, "\n") + "\n"
		clauses += fmt.Sprintf("zone:\n\tname: %s\n\tzonefile: %szone\n", apex, apex)
	}
	folder := write(t, files)
	conf := write(t, map[string]string{"nsd.conf": fmt.Sprintf(`server:
	ip-address: 127.0.0.1@%[1]s
	server-count: 1
	username: ""
	chroot: ""
	database: ""
	zonesdir: %[2]q
	pidfile: %[5]q
	xfrdfile: %[3]q
	zonelistfile: %[4]q
	cookie-secret-file: ""
remote-control:
	control-enable: no
%[6]s`, port, folder, filepath.Join(folder, "xfrd"), filepath.Join(folder, "zones"), filepath.Join(folder, "pid"), clauses)})
	return start(t, "127.0.0.1:"+port, "test.", path, "-d", "-c", filepath.Join(conf, "nsd.conf"))
}

// unbound resolves test. by asking the name server given; nothing else exists
// for it.
func unbound(t *testing.T, authority *daemon) *daemon {
	t.Helper()
	path, port := program(t, "unbound"), freePort(t)
	conf := write(t, map[string]string{"unbound.conf": fmt.Sprintf(`server:
	interface: 127.0.0.1
	port: %s
	username: ""
	chroot: ""
	directory: "/"
	pidfile: ""
	use-syslog: no
	num-threads: 1
	do-not-query-localhost: no
	module-config: "iterator"
	local-zone: test. nodefault
	access-control: 127.0.0.0/8 allow
stub-zone:
	name: test.
	stub-addr: %s
`, port, strings.Replace(authority.address, ":", "@", 1))})
	return start(t, "127.0.0.1:"+port, "test.", path, "-d", "-p", "-c", filepath.Join(conf, "unbound.conf"))
}
