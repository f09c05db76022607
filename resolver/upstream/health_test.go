package upstream

import (
	"testing"
	"time"
)

func TestHealth_aServerIsDownFromItsThirdSilenceUntilAResponse(t *testing.T) {
	r, clock := rosterOf(2)
	s := r.servers[0]
	for _, step := range []struct {
		name string
		do   func()
		up   bool
	}{
		{"at the start", func() {}, true},
		{"after two silences", func() { r.silent(s, time.Second); r.silent(s, time.Second) }, true},
		{"after three", func() { r.silent(s, time.Second) }, false},
		{"once its back-off is over", func() { clock.advance(time.Minute) }, false},
		{"after a response", func() { r.responded(s, 20*time.Millisecond) }, true},
		{"after a network error", func() { r.unreachable(s) }, false},
	} {
		step.do()
		if got := r.health()[0]; got.Up != step.up || got.Server != s.addr {
			t.Errorf("%s: got %+v, want up %v", step.name, got, step.up)
		}
		if !r.health()[1].Up {
			t.Errorf("%s: the other server is down too", step.name)
		}
	}
}
