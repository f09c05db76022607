package probing

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"bailiff/policy/name"
	"bailiff/policy/order"
)

// maxFailures bounds those told one by one.
const maxFailures = 1000

// Result is what a run found; its JSON form is what `bailiff probe` writes.
type Result struct {
	Started    time.Time         `json:"started"`
	Seconds    float64           `json:"seconds"`
	Server     netip.AddrPort    `json:"server"`
	Client     netip.Addr        `json:"client"`
	Generation uint64            `json:"generation,omitempty"` // of the server's orders; 0: not known
	Ended      string            `json:"ended,omitempty"`      // why it ended before everything was asked
	Rules      Counts            `json:"rules"`
	Orders     map[string]Counts `json:"orders"` // by id
	Free       Free              `json:"free"`
	Queries    int64             `json:"queries"`
	OverTCP    int64             `json:"over_tcp"` // of the queries
	Lost       int64             `json:"lost"`     // queries without a reply that were asked again
	Failures   []Failure         `json:"failures"` // the first, by order and rule
	LeftOut    int               `json:"failures_left_out"`
}

// Counts are names of rules by what became of them; each name of a list counts.
type Counts struct {
	Proved    int            `json:"proved"`
	Failed    int            `json:"failed"`
	Overruled int            `json:"overruled"` // of the proved: another order or an exception answers
	NotProbed map[string]int `json:"not_probed"`
}

// Free are the names that no order may answer for.
type Free struct {
	Passed int `json:"passed"`
	Failed int `json:"failed"`
}

// Failure is one question whose answer is not as the orders say. Of a hidden
// order the name is a digest.
type Failure struct {
	Name      string `json:"name"`
	Type      string `json:"type"`
	Transport string `json:"transport"`
	Want      string `json:"want"`
	Got       string `json:"got"`
	Order     string `json:"order"` // whose rule is under proof; empty: a free name
	Rule      string `json:"rule"`  // with file and line
}

// tally collects the outcomes. Safe for concurrent use.
type tally struct {
	mu       sync.Mutex
	orders   map[string]Counts
	free     Free
	lost     int64
	failures []Failure
	leftOut  int
}

func newTally() tally { return tally{orders: map[string]Counts{}} }

// skip counts names that are not asked for.
func (t *tally) skip(id, reason string, names int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.orders[id]
	if c.NotProbed == nil {
		c.NotProbed = map[string]int{}
	}
	c.NotProbed[reason] += names
	t.orders[id] = c
}

// settle takes one outcome down, and with the last of a name the name.
func (p *Probe) settle(q *question, o outcome) {
	t, proof := &p.tally, q.of
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lost += int64(o.lost)
	if o.want.order == proof.order {
		proof.own = true
	}
	if o.got != "" {
		proof.failed = true
		t.fail(p.failure(q, o))
	}
	if proof.left--; proof.left > 0 {
		return
	}
	if proof.order == nil {
		t.free.count(proof.failed)
		return
	}
	c := t.orders[proof.order.ID]
	switch {
	case proof.failed:
		c.Failed++
	default:
		c.Proved++
		if !proof.own && !proof.rule.Except {
			c.Overruled++
		}
	}
	t.orders[proof.order.ID] = c
}

func (f *Free) count(failed bool) {
	if failed {
		f.Failed++
	} else {
		f.Passed++
	}
}

func (t *tally) fail(f Failure) {
	if len(t.failures) == maxFailures {
		t.leftOut++
		return
	}
	t.failures = append(t.failures, f)
}

// failure tells of one. Free names are the caller's own: they are told whatever
// order has them.
func (p *Probe) failure(q *question, o outcome) Failure {
	f := Failure{
		Name: name.Name(q.name.Wire()).String(), Type: dns.Type(q.qtype).String(), Transport: o.over.String(),
		Want: o.want.String(), Got: o.got,
	}
	if q.free() {
		f.Want = noAnswer
		if o.want.order != nil && o.want.order.Publicity != order.Hidden {
			f.Want += "; the orders say: " + o.want.String()
		}
		return f
	}
	f.Order, f.Rule = q.of.order.ID, q.of.place()
	if q.of.order.Publicity == order.Hidden {
		f.Name = "digest " + p.Digest(f.Name)
	}
	return f
}

// Result is what the run found, once Run has returned with err.
func (p *Probe) Result(started time.Time, err error) *Result {
	t := &p.tally
	r := &Result{
		Started: started, Seconds: time.Since(started).Seconds(), Server: p.Server, Client: p.Client,
		Rules: Counts{NotProbed: map[string]int{}}, Orders: t.orders, Free: t.free,
		Queries: p.Sent(), OverTCP: p.queries[tcp].Load(), Lost: t.lost,
		Failures: t.failures, LeftOut: t.leftOut,
	}
	if err != nil {
		r.Ended = err.Error()
	}
	for id, c := range t.orders {
		r.Rules.Proved += c.Proved
		r.Rules.Failed += c.Failed
		r.Rules.Overruled += c.Overruled
		for reason, n := range c.NotProbed {
			r.Rules.NotProbed[reason] += n
		}
		if c.NotProbed == nil {
			c.NotProbed = map[string]int{}
			t.orders[id] = c
		}
	}
	slices.SortFunc(r.Failures, func(a, b Failure) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Type, b.Type))
	})
	return r
}

// OK reports whether everything was asked and nothing failed.
func (r *Result) OK() bool { return r.Ended == "" && r.Rules.Failed == 0 && r.Free.Failed == 0 }
