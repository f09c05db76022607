package main

import (
	"context"
	"net"
	"reflect"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// serve answers queries on a port of 127.0.0.1 until the test ends: what reply makes
// of each, nil for silence.
func serve(t *testing.T, reply func(query []byte) []byte) (port int) {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buffer := make([]byte, 512)
		for {
			n, from, err := c.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			if out := reply(buffer[:n]); out != nil {
				_, _ = c.WriteToUDPAddrPort(out, from)
			}
		}
	}()
	t.Cleanup(func() { c.Close(); <-ended })
	return c.LocalAddr().(*net.UDPAddr).Port
}

// rcode is the query as an answer with the RCODE.
func rcode(query []byte, code byte) []byte {
	query[2] |= 0x80
	query[3] = code
	return query
}

func names(t *testing.T, all ...string) [][]byte {
	t.Helper()
	queries, err := packets(all)
	if err != nil {
		t.Fatal(err)
	}
	return queries
}

func TestGenerate_keepsItsPaceAndCountsWhatIsLostOrWrong(t *testing.T) {
	n := 0
	port := serve(t, func(query []byte) []byte {
		n++
		switch {
		case n%10 == 0:
			return nil
		case n%10 == 1:
			return rcode(query, dns.RcodeServerFailure)
		}
		return rcode(query, dns.RcodeNameError)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	got, err := generate(ctx, port, flow{perSecond: 1000, queries: names(t, "a.example", "b.example"), want: dns.RcodeNameError})
	if err != nil {
		t.Fatal(err)
	}
	o := got[0]
	if sent := len(o.answers); sent < 50 || sent > 600 {
		t.Errorf("got %d queries in 0.3 s, want 300", sent)
	}
	if want := len(o.answers) / 10; o.lost < want || o.lost > want+1 || o.wrong < want || o.wrong > want+1 {
		t.Errorf("got %d lost and %d wrong, want %d of each", o.lost, o.wrong, want)
	}
	if a := o.answers[7]; a.due != 7*time.Millisecond || a.took <= 0 || a.took >= patience {
		t.Errorf("got %+v for the eighth query", a)
	}
}

func TestGenerate_aServerThatStandsStillHoldsUpNoQuery(t *testing.T) {
	n := 0
	port := serve(t, func(query []byte) []byte {
		if n++; n == 20 {
			time.Sleep(200 * time.Millisecond)
		}
		return rcode(query, dns.RcodeSuccess)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer cancel()
	got, err := generate(ctx, port, flow{perSecond: 200, queries: names(t, "a.example")})
	if err != nil {
		t.Fatal(err)
	}
	o := got[0]
	late := 0
	for _, a := range o.answers {
		if a.took > 20*time.Millisecond {
			late++
		}
	}
	if late < 10 { // 40 were due while it stood still; a closed loop would see one
		t.Errorf("got %d queries that waited, want about 36", late)
	}
	if gap := longestGap(o.answers); gap < 150*time.Millisecond {
		t.Errorf("got a longest gap of %v, want 200ms", gap)
	}
}

func TestGenerate_withoutAServerEverythingIsLost(t *testing.T) {
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	got, err := generate(ctx, port, flow{perSecond: 100, queries: names(t, "a.example")})
	if err != nil || len(got[0].answers) == 0 || got[0].lost != len(got[0].answers) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestPercentile_countsLostQueriesAsPatience(t *testing.T) {
	var answers []answer
	for i := range 1000 {
		answers = append(answers, answer{took: time.Duration(i+1) * time.Microsecond})
	}
	answers[3].took, answers[4].took = patience, patience
	for percent, want := range map[float64]time.Duration{50: 503 * time.Microsecond, 99.9: patience, 99.8: patience, 99.7: 1000 * time.Microsecond, 100: patience} {
		if got := percentile(answers, percent); got != want {
			t.Errorf("p%v: got %v, want %v", percent, got, want)
		}
	}
	if got := percentile(nil, 50); got != 0 {
		t.Errorf("got %v of none", got)
	}
}

func TestOutcome_betweenIsByWhenAQueryWasDue(t *testing.T) {
	o := outcome{answers: []answer{{due: 1, took: 9}, {due: 2, took: 9}, {due: 3, took: patience}, {due: 4, took: 1}}}
	got := o.between(2, 4)
	if !reflect.DeepEqual(got, o.answers[1:3]) || lost(got) != 1 {
		t.Errorf("got %v, %d lost", got, lost(got))
	}
}
