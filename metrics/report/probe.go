package report

import (
	"encoding/json"
	"path/filepath"
	"time"

	"bailiff/policy/infile"
)

// probeFile is what the last probe kept in the state folder.
const (
	probeFile      = "probe.json"
	maxProbeOctets = 16 << 20
)

// Probe is the last time that a client looked whether the orders are carried
// out.
type Probe struct {
	Started   time.Time `json:"started"`
	Seconds   float64   `json:"seconds"`
	Queries   uint64    `json:"queries"`
	Proved    uint64    `json:"proved"` // rules of all orders, as the next two
	Failed    uint64    `json:"failed"`
	NotProbed uint64    `json:"not_probed"`
	Own       uint64    `json:"own_failures"` // that are this order's, of those that were noted
}

// readProbe reads the last probe, nil if there is none that can be read: it is
// no part of the proof. What it does not say is zero.
func readProbe(state, id string) *Probe {
	text, err := infile.Read(filepath.Join(state, probeFile), maxProbeOctets)
	if err != nil {
		return nil
	}
	var d struct {
		Started  time.Time
		Seconds  float64
		Queries  uint64
		Rules    map[string]json.RawMessage
		Failures []struct{ Order string }
	}
	if json.Unmarshal(text, &d) != nil || d.Started.IsZero() {
		return nil
	}
	p := &Probe{
		Started: second(d.Started), Seconds: d.Seconds, Queries: d.Queries,
		Proved: countOf(d.Rules["proved"]), Failed: countOf(d.Rules["failed"]), NotProbed: countOf(d.Rules["not_probed"]),
	}
	for _, f := range d.Failures {
		if f.Order == id {
			p.Own++
		}
	}
	return p
}

// countOf is a number, or the sum of an object of numbers.
func countOf(text json.RawMessage) (n uint64) {
	if json.Unmarshal(text, &n) == nil {
		return n
	}
	var parts map[string]uint64
	if json.Unmarshal(text, &parts) != nil {
		return 0
	}
	for _, part := range parts {
		n += part
	}
	return n
}
