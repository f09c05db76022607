// Package local serves zones of the operator's own from zone files, such as the
// names of a home or an office.
//
// It decides what a zone file says of a name: records, an alias, a wildcard's
// records, or that there are none. It delegates nothing, signs nothing and knows
// no orders. An alias that leads out of the zones served here is followed by
// whatever resolves other names: the Layer puts the two together. It imports
// miekg/dns and package upstream, and policy's packages for names, files and
// problems. Start reading at Zones.Answer; zone.go looks a name up, read.go
// reads a zone.
package local

import (
	"context"
	"fmt"
	"slices"

	"github.com/miekg/dns"

	"bailiff/policy/name"
	"bailiff/resolver/exchange"
	"bailiff/resolver/upstream"
)

// Zones are the zones that the operator names: those served here, and those
// that others serve. Immutable.
type Zones struct {
	zones map[name.Name]*Zone // by apex; nil: others serve it
}

// New returns the zones served here, and those by these names, fully qualified,
// that others serve. Both may be empty.
func New(served []*Zone, elsewhere []string) *Zones {
	zs := &Zones{zones: map[name.Name]*Zone{}}
	for _, n := range elsewhere {
		zs.zones[wire(n)] = nil
	}
	for _, z := range served {
		zs.zones[z.apex] = z
	}
	return zs
}

// Find returns the closest zone that a name lies in, and the label at which its
// apex starts. The zone is nil if others serve it; it is not ok if there is
// none.
func (zs *Zones) Find(n *name.Buffer) (z *Zone, apex int, ok bool) {
	if len(zs.zones) == 0 {
		return nil, 0, false
	}
	for apex = range n.Labels() {
		if z, ok = zs.zones[name.Name(n.Suffix(apex))]; ok {
			return z, apex, true
		}
	}
	z, ok = zs.zones[name.Root]
	return z, n.Labels(), ok
}

// serving is the zone served here that a name lies in, nil if there is none.
func (zs *Zones) serving(n name.Name) *Zone {
	var b name.Buffer
	b.Set([]byte(n))
	z, _, _ := zs.Find(&b)
	return z
}

// Answer is what the zones say about a question whose name lies in one of them.
// Where that is an alias that leads to a name in none of them, leads is that
// name, and the answer ends with the CNAME. The error is an *upstream.Failure.
func (zs *Zones) Answer(q upstream.Question) (m *dns.Msg, leads name.Name, err error) {
	m = new(dns.Msg)
	at := name.Name(q.Name)
	for range upstream.MaxLinks + 1 {
		z := zs.serving(at)
		if z == nil {
			return m, at, nil
		}
		if at = z.look(m, at, q.Type); at == "" {
			return m, "", nil
		}
	}
	return nil, "", failed(fmt.Errorf("a chain of more than %d CNAMEs in the zones served here", upstream.MaxLinks))
}

// Message is Answer packed. It is not whole if the answer leads out of the
// zones: then it has no more than the aliases. The error is an
// *upstream.Failure.
func (zs *Zones) Message(q upstream.Question) (message []byte, whole bool, err error) {
	m, leads, err := zs.Answer(q)
	if err != nil {
		return nil, false, err
	}
	a, err := upstream.Answer{}.With(q, m)
	return a.Message, leads == "", err
}

// Layer resolves the names of the zones from these, others by what is below it.
// Its methods may be called by several goroutines at once.
type Layer struct {
	zones *Zones
	next  upstream.Resolver
}

// NewLayer returns a Layer over next.
func NewLayer(zones *Zones, next upstream.Resolver) *Layer { return &Layer{zones, next} }

// Close closes what is below.
func (l *Layer) Close() { l.next.Close() }

// Resolve answers a question; where an alias leads out of the zones, with what
// is below. The error is an *upstream.Failure.
func (l *Layer) Resolve(ctx context.Context, q upstream.Question) (upstream.Answer, error) {
	if l.zones.serving(name.Name(q.Name)) == nil {
		return l.next.Resolve(ctx, q)
	}
	m, leads, err := l.zones.Answer(q)
	if err != nil {
		return upstream.Answer{}, err
	}
	var beyond upstream.Answer
	if leads != "" {
		rest := q
		rest.Name = []byte(leads)
		if beyond, err = l.next.Resolve(ctx, rest); err != nil {
			return beyond, err
		}
		var far dns.Msg
		if err := far.Unpack(beyond.Message); err != nil {
			return upstream.Answer{}, failed(err)
		}
		m.Rcode, m.Ns = far.Rcode, far.Ns
		m.Answer = slices.Concat(m.Answer, far.Answer)
	}
	return beyond.With(q, m)
}

// failed is a failure for which the zones are to blame.
func failed(err error) *upstream.Failure {
	return &upstream.Failure{EDE: dns.ExtendedErrorCodeOther, Cause: err.Error(), Text: err.Error()}
}

// wire is a name as it is looked up, "" if it is none.
func wire(presentation string) name.Name { return name.Name(exchange.Name(presentation)) }
