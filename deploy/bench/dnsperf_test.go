package main

import (
	"reflect"
	"testing"
	"time"
)

const dnsperfOutput = `DNS Performance Testing Tool
Version 2.10.0

[Status] Command line: dnsperf -s 127.0.0.1 -p 5300 -d mix.queries -q 100 -c 8 -n 1
[Status] Sending queries (to 127.0.0.1:5300)
[Status] Started at: Mon Nov 23 12:00:00 2026
[Status] Stopping after 1 run through file
[Status] Testing complete (end of file)

Statistics:

  Queries sent:         1000
  Queries completed:    998 (99.80%)
  Queries lost:         2 (0.20%)

  Response codes:       NOERROR 988 (99.00%), NXDOMAIN 10 (1.00%)
  Average packet size:  request 33, response 49
  Run time (s):         1.500000
  Queries per second:   665.333333

  Average Latency (s):  0.001 (min 0.000011, max 0.007)
  Latency StdDev (s):   0.000541
`

func TestParseDnsperf_readsItsStatistics(t *testing.T) {
	got, err := parseDnsperf(dnsperfOutput)
	if err != nil {
		t.Fatal(err)
	}
	want := load{completed: 998, lost: 2, rcodes: map[string]int{"NOERROR": 988, "NXDOMAIN": 10}, took: 1500 * time.Millisecond}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestParseDnsperf_anythingElseIsAnError(t *testing.T) {
	for _, out := range []string{"", "Statistics:\n", "  Queries completed:    many\n  Queries lost:  0\n  Run time (s): 1\n"} {
		if l, err := parseDnsperf(out); err == nil {
			t.Errorf("%q: got %+v and no error", out, l)
		}
	}
}

func TestJudge_refusesARunThatWentOtherwise(t *testing.T) {
	for _, tt := range []struct {
		name string
		w    workload
		in   load
		want string
	}{
		{"as asked", workload{underOrder: 1}, answers(0, 1000, 0, 0), ""},
		{"a share as asked", workload{underOrder: 0.01}, answers(990, 10, 0, 0), ""},
		{"one of a thousand lost", workload{}, answers(1000, 0, 0, 1), ""},
		{"silence", workload{}, answers(0, 0, 0, 9), "no query was answered"},
		{"many lost", workload{}, answers(1000, 0, 0, 3), "3 of 1003 queries were lost"},
		{"other RCODEs", workload{}, answers(950, 0, 50, 0), "5.0 % of the answers were neither NOERROR nor NXDOMAIN"},
		{"not blocked", workload{underOrder: 1}, answers(100, 900, 0, 0), "90.0 % of the answers were NXDOMAIN, not 100.0 %"},
		{"blocked", workload{}, answers(900, 100, 0, 0), "10.0 % of the answers were NXDOMAIN, not 0.0 %"},
	} {
		got := ""
		if err := tt.w.judge(tt.in); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func answers(noerror, nxdomain, servfail, lost int) load {
	return load{
		completed: noerror + nxdomain + servfail, lost: lost,
		rcodes: map[string]int{"NOERROR": noerror, "NXDOMAIN": nxdomain, "SERVFAIL": servfail},
	}
}
