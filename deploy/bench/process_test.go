package main

import (
	"os"
	"strings"
	"testing"
	"time"
)

// statLine is as proc_pid_stat(5) has it, for a program of some name.
func statLine(name string) string {
	return "4242 (" + name + ") S 17 4242 17 34816 4242 4194304 1000 0 0 0 250 130 9 9 20 0 3 0 12345 987654321 2000 18446744073709551615 1 1 0 0 0\n"
}

func TestParseStat_readsTimesAndMemory(t *testing.T) {
	for _, name := range []string{"nsd", "nsd: server 1", "a) S 1 (b", "", "((("} {
		p, err := parseStat(statLine(name))
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		want := process{pid: 4242, parent: 17, usage: usage{cpu: 3800 * time.Millisecond, memory: 2000 * int64(os.Getpagesize())}}
		if p != want {
			t.Errorf("%q: got %+v, want %+v", name, p, want)
		}
	}
}

func TestParseStat_refusesWhatItDoesNotUnderstand(t *testing.T) {
	for _, line := range []string{"", "1", "1 (a", "1 (a) S 2 3", strings.Replace(statLine("nsd"), " 250 ", " x ", 1), strings.Replace(statLine("nsd"), "4242 (", "pid (", 1)} {
		if p, err := parseStat(line); err == nil {
			t.Errorf("%q: got %+v and no error", line, p)
		}
	}
}

func TestSumTree_addsDescendantsOnly(t *testing.T) {
	all := map[int]process{}
	for pid, parent := range map[int]int{1: 0, 10: 1, 11: 10, 12: 11, 20: 1} {
		all[pid] = process{pid: pid, parent: parent, usage: usage{cpu: time.Duration(pid), memory: 1}}
	}
	if got, want := sumTree(all, 10), (usage{cpu: 33, memory: 3}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestUsageOf_aProcessThatEndedIsAnError(t *testing.T) {
	if _, err := usageOf(1 << 30); err == nil { // above the kernel's greatest PID
		t.Error("got no error")
	}
}
