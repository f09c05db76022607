package rpl

import (
	"fmt"

	"github.com/miekg/dns"
)

// Response is what the entry says to a query, as a packet; nil: nothing.
func (e *Entry) Response(query *dns.Msg, d Dialect) ([]byte, error) {
	switch {
	case e.Adjust&AdjustSilent != 0:
		return nil, nil
	case e.Raw != nil:
		return e.rawResponse(query), nil
	}
	m := e.Message.Copy()
	if e.Adjust&AdjustID != 0 || d == Testbound { // which does not compare IDs
		m.Id = query.Id
	}
	switch {
	case e.Adjust&AdjustQuery != 0:
		m.Question = query.Question
	case e.Adjust&AdjustID != 0 && d == Deckard && len(m.Question) > 0 && len(query.Question) > 0:
		m.Question[0].Name = query.Question[0].Name
	}
	if opt := query.IsEdns0(); d == Deckard && opt != nil {
		m.Extra = append(without(m.Extra, dns.TypeOPT), opt)
	}
	m.Compress = true
	packet, err := m.Pack()
	if err != nil {
		return nil, fmt.Errorf("line %d: entry: %w", e.Line, err)
	}
	return packet, nil
}

// rawResponse is the entry's octets, with the query's ID where that is asked for.
func (e *Entry) rawResponse(query *dns.Msg) []byte {
	packet := append([]byte(nil), e.Raw...)
	if e.Adjust&(AdjustRawID|AdjustID) != 0 && len(packet) >= 2 {
		packet[0], packet[1] = byte(query.Id>>8), byte(query.Id)
	}
	return packet
}

// Question is the packet that a client sends at a step Query.
func (e *Entry) Question(id uint16, d Dialect) ([]byte, error) {
	if e.Raw != nil {
		return e.Raw, nil
	}
	m := e.Message.Copy()
	m.Id = id
	if d == Deckard && m.IsEdns0() == nil {
		m.SetEdns0(ednsPayload, false)
	}
	packet, err := m.Pack()
	if err != nil {
		return nil, fmt.Errorf("line %d: entry: %w", e.Line, err)
	}
	return packet, nil
}

// without is a section less the records of a type.
func without(section []dns.RR, rrtype uint16) (kept []dns.RR) {
	for _, rr := range section {
		if rr.Header().Rrtype != rrtype {
			kept = append(kept, rr)
		}
	}
	return kept
}
