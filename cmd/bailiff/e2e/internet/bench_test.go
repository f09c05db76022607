package internet

import (
	"fmt"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
)

const (
	benchAtOnce = 32      // questions that a resolver has at a time
	flood       = 150_000 // random names: several times what the cache of 32 MiB holds
)

// BenchmarkRecursion measures each resolver with a cold cache: its CPU time for
// a name and the queries that arrive at the name servers for one; then the most
// memory it took, before and after a flood of random names in one zone.
func BenchmarkRecursion(b *testing.B) {
	zones, questions := benchSet(b)
	away, start := serve(b, zones)
	for _, d := range append([]daemon{bailiff}, peers...) {
		b.Run(d.name, func(b *testing.B) {
			for range b.N {
				measure(b, startResolver(b, d, start), away, questions)
			}
		})
	}
}

// measure runs both loads and reports what they took.
func measure(b *testing.B, r *resolver, away *namespace, questions []question) {
	b.Helper()
	cpu, queries := r.cpu(b), arrived(b, away)
	failed := resolveAll(r, questions)
	names := float64(len(questions))
	b.ReportMetric(float64((r.cpu(b)-cpu).Microseconds())/names, "cpu-µs/name")
	b.ReportMetric(float64(arrived(b, away)-queries)/names, "queries/name")
	b.ReportMetric(float64(failed), "failed")
	b.ReportMetric(r.peakMiB(b), "MiB")
	lost := r.flood(b)
	b.ReportMetric(r.peakMiB(b), "MiB-flooded")
	b.ReportMetric(float64(lost), "lost")
	b.ReportMetric(0, "ns/op") // that of the whole says nothing
	r.stop()
}

// resolveAll asks every question once and counts those that failed.
func resolveAll(r *resolver, questions []question) (failed int64) {
	var count atomic.Int64
	var wait sync.WaitGroup
	work := make(chan question)
	for range benchAtOnce {
		wait.Go(func() {
			for q := range work {
				if !q.fits(r.ask(q)) {
					count.Add(1)
				}
			}
		})
	}
	for _, q := range questions {
		work <- q
	}
	close(work)
	wait.Wait()
	return count.Load()
}

// flood asks for random names, each once, and counts replies that did not come
// within a second.
func (r *resolver) flood(b *testing.B) (lost int64) {
	b.Helper()
	var missing, next atomic.Int64
	var wait sync.WaitGroup
	for range benchAtOnce {
		wait.Go(func() {
			conn, err := net.Dial("udp", r.address)
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			buffer := make([]byte, 1232)
			for i := next.Add(1); i <= flood; i = next.Add(1) {
				packet, err := new(dns.Msg).SetQuestion(fmt.Sprintf("r%d.%s", i, floodedZone), dns.TypeA).Pack()
				if err != nil {
					b.Error(err)
					return
				}
				_ = conn.SetDeadline(time.Now().Add(time.Second))
				_, _ = conn.Write(packet)
				if _, err := conn.Read(buffer); err != nil {
					missing.Add(1)
				}
			}
		})
	}
	wait.Wait()
	return missing.Load()
}

// cpu is what the process has used since it began, user and system: its clock,
// see clock_getcpuclockid(3).
func (p *process) cpu(b *testing.B) time.Duration {
	b.Helper()
	const clockOfProcess = 2 // CPUCLOCK_SCHED
	var used unix.Timespec
	if err := unix.ClockGettime(int32(^p.Process.Pid<<3|clockOfProcess), &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Nano())
}

// peakMiB is the most memory that the process had resident.
func (p *process) peakMiB(b *testing.B) float64 {
	b.Helper()
	const kiBInMiB = 1024
	return float64(number(b, fmt.Sprintf("/proc/%d/status", p.Process.Pid), `VmHWM:\s+(\d+) kB`)) / kiBInMiB
}

// arrived counts the queries that came to the namespace: datagrams, and
// connections over TCP.
func arrived(b *testing.B, away *namespace) (n int64) {
	b.Helper()
	away.do(b, func() {
		n = number(b, "/proc/thread-self/net/snmp", `Udp: (\d+) `) +
			number(b, "/proc/thread-self/net/snmp6", `Udp6InDatagrams\s+(\d+)`) +
			number(b, "/proc/thread-self/net/snmp", `Tcp: (?:\d+ -?\d+ -?\d+ -?\d+ \d+ )(\d+) `)
	})
	return n
}

// number is what the pattern finds in a file, 0 if it finds nothing.
func number(b *testing.B, file, pattern string) int64 {
	b.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		b.Error(err)
		return 0
	}
	found := regexp.MustCompile(pattern).FindStringSubmatch(string(text))
	if found == nil {
		b.Errorf("%s: has nothing like %s", file, pattern)
		return 0
	}
	n, _ := strconv.ParseInt(strings.TrimSpace(found[1]), 10, 64)
	return n
}
