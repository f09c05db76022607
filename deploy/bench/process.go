package main

import (
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of CPU time in /proc, USER_HZ: 100 a second for every
// architecture that Linux runs on today.
const clockTick = 10 * time.Millisecond

// usage is what processes have used since they began.
type usage struct {
	cpu    time.Duration // user and system, all threads
	memory int64         // octets resident now
}

// process is one line of /proc/PID/stat.
type process struct {
	pid, parent int
	usage
}

// parseStat reads a line of /proc/PID/stat, see proc_pid_stat(5). The second
// field is the program's name in brackets; it may hold blanks and brackets.
func parseStat(line string) (process, error) {
	head, rest, _ := strings.Cut(line, " (")
	fields := strings.Fields(rest[strings.LastIndexByte(rest, ')')+1:])
	const first = 3 // the number that the manual gives to fields[0]
	if len(fields) <= 24-first {
		return process{}, fmt.Errorf("stat: %q: has too few fields", line)
	}
	var numbers [5]int64
	for i, text := range []string{head, fields[4-first], fields[14-first], fields[15-first], fields[24-first]} {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return process{}, fmt.Errorf("stat: %w", err)
		}
		numbers[i] = n
	}
	return process{
		pid: int(numbers[0]), parent: int(numbers[1]),
		usage: usage{cpu: time.Duration(numbers[2]+numbers[3]) * clockTick, memory: numbers[4] * int64(os.Getpagesize())},
	}, nil
}

// usageOf adds up the process and its descendants that run now.
func usageOf(pid int) (usage, error) {
	files, err := fs.Glob(os.DirFS("/proc"), "[0-9]*/stat")
	if err != nil {
		return usage{}, err
	}
	all := map[int]process{}
	for _, file := range files {
		line, err := os.ReadFile("/proc/" + file)
		if err != nil {
			continue // it has ended
		}
		p, err := parseStat(string(line))
		if err != nil {
			return usage{}, err
		}
		all[p.pid] = p
	}
	if _, ok := all[pid]; !ok {
		return usage{}, fmt.Errorf("process %d: has ended", pid)
	}
	return sumTree(all, pid), nil
}

// sumTree adds up root and its descendants.
func sumTree(all map[int]process, root int) usage {
	sum := all[root].usage
	for pid, p := range all {
		if p.parent == root && pid != root {
			below := sumTree(all, pid)
			sum.cpu += below.cpu
			sum.memory += below.memory
		}
	}
	return sum
}
