// Command engine loads one order with a list of made-up names or prefixes, as the
// server does, and prints as JSON what that and a look-up cost. The benchmark runs
// it as a process of its own for each size, so that memory is that of the rules.
//
// It imports policy and nothing above it. Start reading at main.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"bailiff/policy"
	"bailiff/policy/guard"
	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// figures are what is printed.
type figures struct {
	LoadSeconds       float64 // CPU time of reading, guarding and compiling
	ResidentMebibytes float64 // for the rules, after the load
	PeakMebibytes     float64 // during the load
	MatchNanoseconds  float64 // a look-up of what is under order, at random
	FreeNanoseconds   float64 // a look-up of what is not
}

func main() {
	names := flag.Int("names", 0, "`number` of names under order")
	prefixes := flag.Int("prefixes", 0, "`number` of IPv6 prefixes under order")
	flag.Parse()
	const lookUps = 2_000_000
	result, err := run(*names, *prefixes, lookUps)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(result)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "engine:", err)
		os.Exit(1)
	}
}

// run measures, each look-up so many times. Names or prefixes is 0.
func run(names, prefixes, lookUps int) (figures, error) {
	if names < 0 || prefixes < 0 || (names == 0) == (prefixes == 0) || names+prefixes > 20_000_000 {
		return figures{}, errors.New("give --names or --prefixes, up to 20000000")
	}
	folder, err := os.MkdirTemp("", "bailiff-engine-")
	if err != nil {
		return figures{}, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	format := "domains"
	if prefixes > 0 {
		format = "rpz"
	}
	if err := write(folder, format, names+prefixes); err != nil {
		return figures{}, err
	}
	idle, cpu := status("VmRSS"), cpuTime()
	store, err := load(filepath.Join(folder, "order.yaml"))
	if err != nil {
		return figures{}, err
	}
	result := figures{LoadSeconds: (cpuTime() - cpu).Seconds(), PeakMebibytes: status("VmHWM") - idle}
	debug.FreeOSMemory() // as the server does
	result.ResidentMebibytes = status("VmRSS") - idle
	if names > 0 {
		result.MatchNanoseconds, result.FreeNanoseconds = lookUpNames(store, names, "n", lookUps), lookUpNames(store, names, "free", lookUps)
	} else {
		result.MatchNanoseconds, result.FreeNanoseconds = lookUpPrefixes(store, prefixes, 0, lookUps), lookUpPrefixes(store, prefixes, 1, lookUps)
	}
	return result, nil
}

// write writes the order and its list of n entries.
func write(folder, format string, n int) error {
	text := "id: engine\nauthority: Example Court\nrules:\n  - {list: entries, format: " + format + "}\n"
	if err := os.WriteFile(filepath.Join(folder, "order.yaml"), []byte(text), 0o600); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(folder, "entries"))
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	for i := range n {
		if format == "domains" {
			fmt.Fprintln(w, entry("n", i))
		} else {
			fmt.Fprintf(w, "64.zz.%x.%x.db8.2001.rpz-ip CNAME .\n", i&0xffff, i>>16)
		}
	}
	return w.Flush()
}

// entry is the i-th name of a family, of three labels, 20 octets or so.
func entry(family string, i int) string {
	return fmt.Sprintf("%s%06x.d%d.example", family, i*2654435761%(1<<32), i%300_000)
}

// prefix is the i-th /64; of families from 1 on none is under order.
func prefix(family, i int) netip.Addr {
	a := netip.MustParseAddr("2001:db8::1").As16()
	binary.BigEndian.PutUint32(a[4:], uint32(i))
	a[2] += byte(family)
	return netip.AddrFrom16(a)
}

// load reads, guards and compiles as the server does.
func load(path string) (*policy.Store, error) {
	var problems problem.List
	set := order.Load([]string{path}, &problems)
	guard.New(guard.Config{}, &problems).Check(set, nil, &problems)
	program := policy.Compile(set, policy.Options{}, &problems)
	if problems.Refused() {
		return nil, problems.Sorted()[0]
	}
	store := policy.NewStore()
	store.Install(program, time.Now())
	return store, nil
}

// lookUpNames draws names of n beforehand, one after the other as packets stand in a
// worker's buffers, and returns what a look-up takes in nanoseconds.
func lookUpNames(store *policy.Store, n int, family string, lookUps int) float64 {
	r := rand.New(rand.NewPCG(1, 2))
	var queries []byte
	for range lookUps {
		queries = append(queries, name.MustParse(entry(family, r.IntN(n)))...)
	}
	var (
		q       name.Buffer
		matches = make([]policy.Match, 0, 8)
		client  = netip.MustParseAddr("192.0.2.9")
	)
	began := cpuTime()
	for at := 0; at < len(queries); {
		at = q.Read(queries, at)
		store.Load().Match(&q, client, matches)
	}
	return float64((cpuTime() - began).Nanoseconds()) / float64(lookUps)
}

// lookUpPrefixes is the same for addresses.
func lookUpPrefixes(store *policy.Store, n, family, lookUps int) float64 {
	r := rand.New(rand.NewPCG(1, 2))
	queries := make([]netip.Addr, lookUps)
	for i := range queries {
		queries[i] = prefix(family, r.IntN(n))
	}
	var q name.Buffer
	q.Read([]byte(name.MustParse("www.example")), 0)
	matches := make([]policy.Match, 0, 8)
	client := netip.MustParseAddr("192.0.2.9")
	began := cpuTime()
	for _, a := range queries {
		store.Load().MatchAddress(a, &q, client, matches, 0)
	}
	return float64((cpuTime() - began).Nanoseconds()) / float64(lookUps)
}

// cpuTime is what the process has used.
func cpuTime() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used) // errs only for bad arguments
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// status is a line of /proc/self/status in MiB; 0 if there is none.
func status(key string) float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	found := regexp.MustCompile(`(?m)^` + key + `:\s+(\d+) kB`).FindSubmatch(text)
	if found == nil {
		return 0
	}
	kibibytes, _ := strconv.ParseFloat(string(found[1]), 64) // \d+
	return kibibytes / 1024
}
