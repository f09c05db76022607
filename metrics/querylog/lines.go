package querylog

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strconv"

	"github.com/miekg/dns"

	"bailiff/policy"
	"bailiff/policy/name"
	"bailiff/policy/order"
)

// lines encodes entries as lines of JSON; docs/operator.md says what the keys
// mean. It is written out since it runs for every query: encoding/json takes
// twice as long.
type lines struct{ veil *veil }

// timeFormat is RFC 3339 in UTC with microseconds.
const timeFormat = "2006-01-02T15:04:05.000000Z"

// append appends an entry's line to dst.
func (l lines) append(dst []byte, e *entry) []byte {
	dst = append(dst, `{"time":"`...)
	dst = e.received.UTC().AppendFormat(dst, timeFormat)
	dst = append(dst, '"')
	dst = appendText(dst, "client", l.veil.client(e.client))
	dst = appendText(dst, "proto", e.transport.String())
	switch {
	case e.name == nil:
	case e.hidden:
		dst = appendText(dst, "name_digest", l.veil.name(e.name))
	default:
		dst = appendText(dst, "name", name.Name(e.name).String())
	}
	if e.name != nil {
		dst = appendText(dst, "type", dns.Type(e.qtype).String())
	}
	if e.rcode >= 0 {
		dst = appendText(dst, "rcode", rcodeName(e.rcode))
	}
	dst = appendText(dst, "source", e.source.String())
	dst = append(dst, `,"took_seconds":`...)
	dst = strconv.AppendFloat(dst, e.took.Seconds(), 'f', 7, 64)
	dst = appendMatches(dst, e)
	if !e.ruled { // an order's own records tell nothing
		found := pointsOf(e.reply)
		dst = appendTexts(dst, "answers", found.Addresses)
		dst = appendTexts(dst, "cname", found.CNAMEs)
	}
	return append(dst, "}\n"...)
}

// appendMatches appends the orders that the query falls under.
func appendMatches(dst []byte, e *entry) []byte {
	if len(e.matches) == 0 {
		return dst
	}
	dst = append(dst, `,"orders":[`...)
	for i := range e.matches {
		m := &e.matches[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"order":`...)
		dst = appendQuoted(dst, m.Order.ID)
		dst = appendText(dst, "rule", m.Order.Rules[m.Rule].Place)
		dst = appendText(dst, "trigger", m.Trigger().String())
		dst = appendText(dst, "action", m.Order.Answer.Action.String())
		dst = appendText(dst, "outcome", outcomeOf(m).String())
		if i == 0 && e.ruled {
			dst = append(dst, `,"decides":true`...)
			dst = appendText(dst, "value", valueOf(e))
		}
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

func outcomeOf(m *policy.Match) policy.Outcome {
	if m.Enforced() {
		return policy.Enforced
	}
	return policy.Observed
}

// valueOf is what the match that answers is about, empty if that is QNAME, not
// known, or hidden.
func valueOf(e *entry) string {
	if e.subject == nil || e.hidden || bytes.Equal(e.subject, e.name) {
		return ""
	}
	if t := e.matches[0].Trigger(); t == order.TriggerAddress || t == order.TriggerNameserverAddress {
		a, _ := netip.AddrFromSlice(e.subject)
		return a.String()
	}
	return name.Name(e.subject).String()
}

// rcodeName is the RCODE's name at IANA, or RCODE with its number.
func rcodeName(rcode int) string {
	if text, ok := dns.RcodeToString[rcode]; ok {
		return text
	}
	return "RCODE" + strconv.Itoa(rcode)
}

// appendText appends a key with a text, unless that is empty.
func appendText(dst []byte, key, text string) []byte {
	if text == "" {
		return dst
	}
	return appendQuoted(appendKey(dst, key), text)
}

// appendTexts appends a key with a list, unless that is empty.
func appendTexts(dst []byte, key string, texts []string) []byte {
	if len(texts) == 0 {
		return dst
	}
	dst = append(appendKey(dst, key), '[')
	for i, text := range texts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendQuoted(dst, text)
	}
	return append(dst, ']')
}

func appendKey(dst []byte, key string) []byte {
	return append(append(append(dst, `,"`...), key...), `":`...)
}

// appendQuoted appends a text as a JSON string.
func appendQuoted(dst []byte, text string) []byte {
	for _, c := range []byte(text) {
		if c < ' ' || c == '"' || c == '\\' || c > '~' {
			quoted, _ := json.Marshal(text) // never fails for a string
			return append(dst, quoted...)
		}
	}
	return append(append(append(dst, '"'), text...), '"')
}
