package recurse

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/miekg/dns"

	"bailiff/resolver/exchange"
	"bailiff/resolver/upstream"
)

// ask asks the servers of a zone about a name until one says something of use.
// out are servers not to be asked: their last answer was bogus.
func (j *job) ask(z *cut, name string, qtype uint16, out []*server) (*response, error) {
	leave, err := j.enter(z)
	if err != nil {
		return nil, err
	}
	defer leave()
	t := target{j: j, zone: z, out: out}
	var resort *response
	j.answered = false
	var trouble *upstream.Failure
	for range maxTries {
		s := t.next()
		if s == nil {
			break
		}
		m, err := j.exchange(z, s, name, qtype)
		if f, ends := j.ended(); ends {
			return nil, f
		}
		if err != nil {
			trouble = graver(trouble, asFailure(z.zone, err))
			t.failed(s, err)
			continue
		}
		j.answered = true
		res := j.read(z, s, name, qtype, m)
		switch {
		case res.useless != "":
			if res.lame {
				s.isLameFor(z.zone, j.r.now())
			}
			trouble = graver(trouble, useless(z.zone, res, m))
		case res.resort && resort == nil:
			resort = res
		default:
			return res, nil
		}
		t.spend(s)
	}
	switch {
	case resort != nil:
		return resort, nil
	case trouble == nil:
		trouble = failure(dns.ExtendedErrorCodeNoReachableAuthority, "no server of %s can be asked", z.zone)
	}
	return nil, trouble
}

// useless is the failure of a response of no use.
func useless(zone string, res *response, m *dns.Msg) *upstream.Failure {
	f := failure(dns.ExtendedErrorCodeNoReachableAuthority, "a server of %s says %s", zone, res.useless)
	if m.Rcode == dns.RcodeSuccess || m.Rcode == dns.RcodeNameError {
		f.EDE = dns.ExtendedErrorCodeInvalidData
	}
	return f
}

// exchange puts one question to one server, in whatever form it takes: over TCP
// where the response over UDP is truncated or doubtful, without EDNS where the
// server refuses to look at a query that has it (RFC 6891 section 7). Nothing
// of a truncated response is used. No form is tried twice.
func (j *job) exchange(z *cut, s *server, name string, qtype uint16) (*dns.Msg, error) {
	w := s.ways(j.r.now())
	form := exchange.Form{EDNS: w.edns || !j.r.isUnsigned(z.zone), MixedCase: w.mixedCase && j.r.cfg.MixedCase, Iterative: z.role == authoritative}
	m, err := j.send(s, exchange.UDP, name, qtype, form, w)
	if err == nil && form.EDNS && exchange.RejectsEDNS(m.Rcode) {
		form.EDNS = false
		if m, err = j.send(s, exchange.UDP, name, qtype, form, w); err == nil && m.Rcode == dns.RcodeSuccess {
			s.dropsEDNS(j.r.now())
		}
	}
	if errors.Is(err, exchange.ErrDoubtful) || err == nil && m.Truncated {
		m, err = j.send(s, exchange.TCP, name, qtype, form, w)
		if err == nil && form.EDNS && exchange.RejectsEDNS(m.Rcode) {
			form.EDNS = false
			m, err = j.send(s, exchange.TCP, name, qtype, form, w)
		}
	}
	if err == nil && m.Truncated {
		return nil, errors.New("truncated over tcp")
	}
	return m, err
}

// send makes one query over one transport, and notes how the server did.
func (j *job) send(s *server, over exchange.Transport, name string, qtype uint16, form exchange.Form, w ways) (*dns.Msg, error) {
	if !j.spend(&j.queries, LimitQueries) {
		return nil, errSpent
	}
	if !s.begin() {
		j.hit(LimitServer)
		return nil, errBusy
	}
	defer s.end()
	packet, err := j.r.shared(j.ctx, sending{s.addr, over, name, qtype, form}, func() ([]byte, error) {
		return j.r.converse(j.ctx, s, over, name, qtype, form, w)
	})
	if err != nil {
		if errors.Is(err, syscall.ENETUNREACH) {
			j.queries++ // nothing was sent: this machine has no such network
		}
		return nil, err
	}
	return exchange.Parse(packet)
}

// converse sends one query and waits for the response.
func (r *Recursor) converse(ctx context.Context, s *server, over exchange.Transport, name string, qtype uint16, form exchange.Form, w ways) ([]byte, error) {
	q := exchange.Pack(exchange.Question{Name: exchange.Name(name), Type: qtype, DO: true, CD: !form.Iterative}, form)
	patience := w.patience
	if over == exchange.TCP {
		patience = max(2*patience, minTCPPatience)
	}
	start := r.now()
	packet, err := r.cfg.Network.Exchange(ctx, s.addr, over, q, patience)
	seen := upstream.Exchange{To: s.addr, Rcode: -1, Took: r.now().Sub(start)}
	switch {
	case err != nil:
		r.blame(ctx, s, err)
	case over == exchange.UDP:
		s.responded(seen.Took)
	case q.Fit(packet) == exchange.Misspelt:
		s.dropsCase(r.now())
	}
	if len(packet) > 3 {
		seen.Rcode = int(packet[3] & 0xf)
	}
	r.cfg.Observe(seen)
	return packet, err
}

// blame notes a server's silence.
func (r *Recursor) blame(ctx context.Context, s *server, err error) {
	switch {
	case ctx.Err() != nil || errors.Is(err, exchange.ErrDoubtful):
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.silent(r.now(), false)
	case !upstream.IsOurs(err):
		s.silent(r.now(), true)
	}
}

var (
	errSpent = errors.New("too many queries for one question")
	errBusy  = errors.New("too many queries under way to that server")
)

// enter counts a question under way to a zone's servers, unless there are too
// many: a flood of names that do not exist waits for one zone, not for all.
func (j *job) enter(z *cut) (leave func(), err error) {
	r, bounded := j.r, labels(z.zone) > 1
	r.mu.Lock()
	defer r.mu.Unlock()
	if bounded && r.underWay[z.zone] >= maxZoneQueries {
		j.hit(LimitZone)
		return nil, failure(dns.ExtendedErrorCodeOther, "too many questions under way to %s", z.zone)
	}
	r.underWay[z.zone]++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.underWay[z.zone]--; r.underWay[z.zone] == 0 {
			delete(r.underWay, z.zone)
		}
	}, nil
}

// target is the servers of one zone while a question is put to them.
type target struct {
	j        *job
	zone     *cut
	out      []*server // lied before
	spent    []*server
	dead     int  // how many of those asked were believed dead
	asked    int  // how many of the zone's servers' names have been looked up
	beside   bool // addresses that came with other delegations count
	own      bool // names with glue have been looked up too
	silences map[*server]int
}

// next is the server to ask now, nil if none is left. Addresses that came with
// the delegation are tried before any is looked up, and those that are silent
// after all others.
func (t *target) next() *server {
	for {
		known := t.known()
		fewest := maxSilences
		for _, s := range known {
			fewest = min(fewest, t.silences[s])
		}
		if len(known) > 0 && (fewest == 0 || !t.lookUp()) {
			known = slices.DeleteFunc(known, func(s *server) bool { return t.silences[s] > fewest })
			return t.pick(known)
		}
		if len(known) == 0 && !t.lookUp() {
			return nil
		}
	}
}

// pick chooses among servers. Where all are believed dead only a few are tried,
// to see whether they still are.
func (t *target) pick(servers []*server) *server {
	s, well := choose(servers, t.zone.zone, t.j.r.now())
	if !well {
		if t.dead++; t.dead > maxDead {
			return nil
		}
	}
	return s
}

// maxDead is how many servers believed dead are asked for one question.
const maxDead = 2

// maxSilences is how often a server that does not respond is asked the same:
// packets get lost, and patience grows.
const maxSilences = 4

// more reports whether there are names left to look up.
func (t *target) more() bool { return t.asked < len(t.zone.servers) }

// known are the servers whose addresses are known, less those spent.
func (t *target) known() (servers []*server) {
	for _, n := range t.zone.servers {
		servers = append(servers, n.glue...)
		if len(n.glue) > 0 && !t.own {
			continue
		}
		if (t.own || t.beside) && n.name != "" {
			servers = append(servers, t.j.glueOf(n.name)...)
		}
		for _, qtype := range t.j.r.addressTypes {
			if f := t.j.address(n.name, qtype); f != nil {
				servers = append(servers, t.j.r.serversAt(f)...)
			}
		}
	}
	slices.SortFunc(servers, func(a, b *server) int { return a.addr.Compare(b.addr) })
	servers = slices.Compact(servers)
	return slices.DeleteFunc(servers, func(s *server) bool { return slices.Contains(t.spent, s) || slices.Contains(t.out, s) })
}

// lookUp asks for the addresses of one more name server, and reports whether
// there was one to ask for. First those without an address, then, as glue may
// be wrong, the others.
func (t *target) lookUp() bool {
	for {
		for t.more() {
			n := t.zone.servers[t.asked]
			t.asked++
			switch {
			case n.name == "", (len(n.glue) > 0) != t.own:
				continue
			case t.zone.zone == ".", within(n.name, t.zone.zone) && len(n.glue) > 0:
				continue // only the zone itself knows, and cannot be asked
			case within(n.name, t.zone.zone):
				if t.j.lookUpAtParent(t.zone, n.name) {
					t.beside = true
					return true
				}
				continue
			}
			if t.j.lookUp(n.name) {
				return true
			}
		}
		if t.own || t.zone.role == forwarding {
			return false
		}
		t.own, t.asked = true, 0
		if len(t.known()) > 0 {
			return true
		}
	}
}

// failed notes a server that gave no response. One that was silent may be asked
// again: packets get lost.
func (t *target) failed(s *server, err error) {
	if t.silences == nil {
		t.silences = map[*server]int{}
	}
	if t.silences[s]++; t.silences[s] >= maxSilences || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.spend(s)
	}
}

func (t *target) spend(s *server) { t.spent = append(t.spent, s) }

// failure makes a *upstream.Failure whose text may be told to the client.
func failure(ede uint16, format string, args ...any) *upstream.Failure {
	text := fmt.Sprintf(format, args...)
	return &upstream.Failure{EDE: ede, Cause: text, Text: strings.ToValidUTF8(text, "?")}
}

// asFailure is why a server of the zone gave no response.
func asFailure(zone string, err error) *upstream.Failure {
	var f *upstream.Failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, os.ErrDeadlineExceeded):
		return failure(dns.ExtendedErrorCodeNoReachableAuthority, "no response from the servers of %s", zone)
	case errors.Is(err, errSpent), errors.Is(err, errBusy):
		return failure(dns.ExtendedErrorCodeOther, "%v", err)
	case upstream.IsNetworkError(err):
		f := failure(dns.ExtendedErrorCodeNetworkError, "the servers of %s cannot be reached", zone)
		f.Cause += ": " + err.Error()
		return f
	}
	return failure(dns.ExtendedErrorCodeInvalidData, "a server of %s: %v", zone, err)
}

// graver is the failure that tells more, the later of equals: that a server
// cannot be reached tells least.
func graver(earlier, later *upstream.Failure) *upstream.Failure {
	if earlier != nil && later.EDE == dns.ExtendedErrorCodeNetworkError {
		return earlier
	}
	return later
}
