package main

import (
	"io"
	"strings"
	"testing"
)

func TestParseFlags_tellsEveryFault(t *testing.T) {
	_, err := parseFlags([]string{"--rules", "0", "--seconds", "61", "--peers", "bind,unknown", "--workloads", "hit,other"}, io.Discard)
	if err == nil {
		t.Fatal("got no error")
	}
	want := `--rules 0: is out of range; give 1 to 10000000
--seconds 61: is out of range; give 1 to 60
--peers unknown: unknown; choose from unbound-local,unbound-rpz,bind,recursor,dnsdist,kresd
--workloads other: unknown; choose from block,hit,miss,mix,latency,reload,gc,load,restart,engine`
	if err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestParseFlags_defaultsMeasureEverything(t *testing.T) {
	s, err := parseFlags(nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if s.Rules != 1_000_000 || len(s.peers) != len(peers) || len(s.workloads) != len(queryLoads)+6 {
		t.Errorf("got %+v", s)
	}
}

func TestParseFlags_wordsAreRefused(t *testing.T) {
	if _, err := parseFlags([]string{"hit"}, io.Discard); err == nil || !strings.Contains(err.Error(), "hit: is no flag") {
		t.Errorf("got %v", err)
	}
}
