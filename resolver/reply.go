package resolver

import (
	"encoding/binary"

	"bailiff/policy"
	"bailiff/policy/order"
)

// Extended DNS errors given here (RFC 8914 section 4).
const (
	edeOther            = 0
	edeStaleAnswer      = 3
	edeForgedAnswer     = 4
	edeCachedError      = 13
	edeBlocked          = 15
	edeCensored         = 16
	edeProhibited       = 18
	edeStaleNXDomain    = 19
	edeNotAuthoritative = 20

	edeNoReachableAuthority = 22
	edeNetworkError         = 23

	// edeGiven lists them all, as RFC 9606 section 5 writes it.
	edeGiven = "0,3-4,13,15-16,18-20,22-23"
)

const optionEDE = 15

// reply is a response being written. Every reply of the server is written
// through it; it appends to the query's own buffer and allocates nothing while
// that has room.
type reply struct {
	q   *Query
	out []byte
}

// begin starts a reply with the question as it was spelt.
func (q *Query) begin(rcode int) reply {
	out := append(q.Out[:0], q.Packet[:max(headerSize, q.questionEnd)]...)
	w := reply{q, out}
	w.header(rcode)
	return w
}

// header sets the flags and clears the counts but for the question's.
func (w *reply) header(rcode int) {
	h := w.out[:headerSize]
	h[0], h[1] = w.q.Packet[0], w.q.Packet[1]
	h[2] = flagQR | w.q.Packet[2]&(opcodeMask|flagRD)
	h[3] = flagRA | w.q.Packet[3]&flagCD | byte(rcode&0xf)
	clear(h[4:headerSize])
	if w.q.questionEnd > 0 {
		h[5] = 1
	}
}

// Sections, as the offsets of their counts.
const (
	answerCount     = 6
	authorityCount  = 8
	additionalCount = 10
)

func (w *reply) count(section, n int) {
	binary.BigEndian.PutUint16(w.out[section:], binary.BigEndian.Uint16(w.out[section:])+uint16(n))
}

// record appends a record but for its RDATA. owner is a name in wire format,
// or a compression pointer.
func (w *reply) record(section int, owner []byte, rrtype uint16, ttl uint32, size int) {
	w.out = append(w.out, owner...)
	w.out = append(w.out, byte(rrtype>>8), byte(rrtype), 0, classIN,
		byte(ttl>>24), byte(ttl>>16), byte(ttl>>8), byte(ttl), byte(size>>8), byte(size))
	w.count(section, 1)
}

// SOA timers of negative answers made here, in seconds. Nobody transfers such
// a zone: they say what a careful zone would.
const (
	soaRefresh = 3600
	soaRetry   = 600
	soaExpire  = 86400
)

// soa appends the SOA that RFC 2308 section 3 asks of a negative answer. MNAME
// is the owner and RNAME the root, as in the empty zones of RFC 6303.
func (w *reply) soa(owner []byte, serial, ttl uint32) {
	w.record(authorityCount, owner, typeSOA, ttl, len(owner)+1+20)
	w.out = append(w.out, owner...)
	w.out = append(w.out, 0)
	for _, n := range [...]uint32{serial, soaRefresh, soaRetry, soaExpire, ttl} {
		w.out = binary.BigEndian.AppendUint32(w.out, n)
	}
}

// extended is one extended DNS error.
type extended struct {
	code  uint16
	text  string
	brief string // the text where that one does not fit
}

// finish appends the OPT record where the query had one (RFC 6891 section
// 6.1.1), and truncates what does not fit (RFC 2181 section 9). raw holds errors
// of the upstream as packed options: they go first, which sets TC (RFC 8914
// section 3), and with them the texts of the others, then the records.
func (w *reply) finish(rcode int, raw []byte, errors ...extended) []byte {
	end, limit := len(w.out), w.q.limit()
	w.q.rcode = rcode
	w.opt(rcode, raw, errors)
	if len(w.out) <= limit {
		return w.out
	}
	if len(raw) > 0 && w.q.edns {
		w.out[2] |= flagTC
	}
	for range 2 { // the brief texts, then none
		for i := range errors {
			errors[i].text, errors[i].brief = errors[i].brief, ""
		}
		w.out = w.out[:end]
		w.dropOPT()
		w.opt(rcode, nil, errors)
		if len(w.out) <= limit {
			return w.out
		}
	}
	w.truncate()
	w.opt(rcode, nil, errors)
	return w.out
}

// truncate leaves the header and the question, TC set.
func (w *reply) truncate() {
	w.out = w.out[:max(headerSize, w.q.questionEnd)]
	w.out[2] |= flagTC
	clear(w.out[answerCount:headerSize])
}

func (w *reply) dropOPT() {
	if w.q.edns {
		w.out[additionalCount], w.out[additionalCount+1] = 0, 0
	}
}

// opt appends the OPT record with the errors; raw holds options ready packed.
func (w *reply) opt(rcode int, raw []byte, errors []extended) {
	if !w.q.edns {
		return
	}
	var do byte
	if w.q.do {
		do = 0x80
	}
	w.out = append(w.out, 0, 0, typeOPT, maxUDPPayload>>8, maxUDPPayload&0xff, byte(rcode>>4), 0, do, 0, 0, 0)
	options := len(w.out)
	w.upstreamErrors(raw)
	for _, e := range errors {
		n := 2 + len(e.text)
		w.out = append(w.out, 0, optionEDE, byte(n>>8), byte(n), byte(e.code>>8), byte(e.code))
		w.out = append(w.out, e.text...)
	}
	binary.BigEndian.PutUint16(w.out[options-2:], uint16(len(w.out)-options))
	w.count(additionalCount, 1)
}

// upstreamErrors appends packed errors, but no Forged Answer for a client that
// asks for structured errors.
func (w *reply) upstreamErrors(raw []byte) {
	for len(raw) > 0 {
		size := 4 + int(binary.BigEndian.Uint16(raw[2:]))
		if code := binary.BigEndian.Uint16(raw[4:]); code != edeForgedAnswer || !w.q.structured {
			w.out = append(w.out, raw[:size]...)
		}
		raw = raw[size:]
	}
}

// plain is a reply without records.
func (q *Query) plain(rcode int, errors ...extended) []byte {
	w := q.begin(rcode)
	return w.finish(rcode, nil, errors...)
}

// sentence is the answer of an order for QNAME itself: authoritative style,
// without asking anyone. It is nil for the action drop.
func (q *Query) sentence(m *policy.Match, generation uint64) []byte {
	if m.Order.Answer.Action == order.ActionDrop {
		return nil
	}
	w := q.begin(rcodeNoError)
	w.out[2] |= flagAA
	owner, ruleName := pointer(headerSize), pointer(headerSize+q.name.Offset(m.OwnerLabel))
	return w.carryOut(m, owner[:], ruleName[:], generation)
}

// pointer is a compression pointer to an offset (RFC 1035 section 4.1.4).
func pointer(offset int) [2]byte { return [2]byte{0xc0 | byte(offset>>8), byte(offset)} }

// carryOut writes what the order says about owner, the name that was asked or
// that a chain led to, and ends the reply. ruleName is a name in wire format
// or a pointer, as owner is.
func (w *reply) carryOut(m *policy.Match, owner, ruleName []byte, generation uint64) []byte {
	o, ttl := m.Order, m.TTLSeconds(w.q.now)
	rcode := rcodeNoError
	switch o.Answer.Action {
	case order.ActionRefuse:
		w.withdraw()
		return w.finish(w.rcode(rcodeRefused), nil, w.q.ordered(o))
	case order.ActionNXDOMAIN:
		rcode = w.rcode(rcodeNXDomain)
	case order.ActionNotice:
		switch {
		case !w.notice(o, owner, ttl):
		case w.q.structured: // must not be given Forged Answer
			return w.finish(rcode, nil, w.q.ordered(o))
		default:
			return w.finish(rcode, nil, extended{code: edeForgedAnswer, text: o.ExtraText}, w.q.ordered(o))
		}
	}
	w.soa(ruleName, uint32(generation), ttl)
	return w.finish(rcode, nil, w.q.ordered(o))
}

// rcode sets the RCODE in the header.
func (w *reply) rcode(code int) int {
	w.out[3] = w.out[3]&^0xf | byte(code)
	return code
}

// withdraw takes back the records, and AA with them.
func (w *reply) withdraw() {
	w.truncate()
	w.out[2] &^= flagTC | flagAA
}

// notice appends the addresses of the legal notice for an address query, or
// both families for ANY; it reports whether there were any.
func (w *reply) notice(o *policy.Order, owner []byte, ttl uint32) bool {
	before := len(w.out)
	if w.q.qtype == typeA || w.q.qtype == typeANY {
		for _, address := range o.IPv4 {
			w.record(answerCount, owner, typeA, ttl, len(address))
			w.out = append(w.out, address...)
		}
	}
	if w.q.qtype == typeAAAA || w.q.qtype == typeANY {
		for _, address := range o.IPv6 {
			w.record(answerCount, owner, typeAAAA, ttl, len(address))
			w.out = append(w.out, address...)
		}
	}
	return len(w.out) > before
}

// ordered is the error that says who blocks: an external authority, or the
// operator's own policy (RFC 8914 sections 4.16 and 4.17).
func (q *Query) ordered(o *policy.Order) extended {
	e := extended{code: edeCensored, text: o.ExtraText}
	if o.Authority.Kind == order.KindOperator {
		e.code = edeBlocked
	}
	if q.structured {
		e.text, e.brief = o.Structured, o.StructuredBrief
	}
	return e
}
