package rpl

import (
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// ednsPayload is the size of UDP payload in the OPT of a message (RFC 6891
// section 6.2.3), as testbound has it.
const ednsPayload = 1232

// entryReader reads one entry.
type entryReader struct {
	*reader
	entry   *Entry
	section *[]dns.RR // the records go there; nil: to the question
}

// entry reads up to ENTRY_END.
func (r *reader) entry() *Entry {
	er := &entryReader{reader: r, entry: &Entry{Line: r.at, Message: new(dns.Msg)}}
	for {
		fields, ok := r.next()
		if !ok {
			r.refuse("", "the file ends within an entry", "end it with ENTRY_END")
			return er.entry
		}
		if fields[0] == "ENTRY_END" {
			if _, err := er.entry.Message.Pack(); err != nil {
				r.refuse("", "not a message: "+strings.TrimPrefix(err.Error(), "dns: "), "write records that fit one")
			}
			return er.entry
		}
		er.read(fields)
	}
}

// read reads one line, or the octets between two.
func (r *entryReader) read(fields []string) {
	switch fields[0] {
	case "MATCH":
		for _, word := range fields[1:] {
			r.match(word)
		}
	case "REPLY", "FLAGS":
		for _, word := range fields[1:] {
			r.header(word)
		}
	case "ADJUST":
		for _, word := range fields[1:] {
			r.adjust(word)
		}
	case "SECTION":
		r.into(fields[1:])
	case "HEX_ANSWER_BEGIN":
		r.hex("HEX_ANSWER_END")
	case "HEX_EDNSDATA_BEGIN":
		r.unsupported("HEX_EDNSDATA")
		r.skipTo("HEX_EDNSDATA_END")
	case "RAW":
		r.raw()
	case "EXTRA_PACKET", "MANDATORY", "TSIG":
		r.unsupported(fields[0])
	case "$ORIGIN", "$TTL":
		r.directive(fields)
	default:
		r.record(fields)
	}
}

// match reads one word of a MATCH line.
func (r *entryReader) match(word string) {
	r.entry.Match |= matchWords[word]
	if transport, ok := matchTransports[word]; ok {
		r.entry.Transport = transport
	}
	if matchWords[word] != 0 {
		return
	}
	key, value, _ := strings.Cut(strings.Replace(word, ":", "=", 1), "=")
	switch {
	case word == "ede=any":
		r.entry.Match |= MatchAnyEDE
	case key == "ede":
		r.entry.Match |= MatchEDE
		r.entry.EDE = uint16(r.number(value))
	case key == "serial":
		r.entry.Match |= MatchSerial
		r.entry.Serial = uint32(r.number(value))
	default:
		r.unsupported("MATCH " + word)
	}
}

// header reads one word of a REPLY line.
func (r *entryReader) header(word string) {
	opcode, isOpcode := opcodeWords[word]
	rcode, isRcode := rcodeWords[word]
	switch {
	case isOpcode:
		r.entry.Message.Opcode = opcode
	case isRcode:
		r.entry.Message.Rcode = rcode
	case word == "DO":
		r.entry.Message.SetEdns0(ednsPayload, true)
	case !setFlag(r.entry.Message, word):
		r.unsupported("REPLY " + word)
	}
}

// adjust reads one word of an ADJUST line.
func (r *entryReader) adjust(word string) {
	if adjustWords[word] == 0 {
		r.unsupported("ADJUST " + word)
	}
	r.entry.Adjust |= adjustWords[word]
}

// into begins a section.
func (r *entryReader) into(fields []string) {
	m := r.entry.Message
	switch strings.Join(fields, " ") {
	case "QUESTION":
		r.section = nil
	case "ANSWER":
		r.section = &m.Answer
	case "AUTHORITY":
		r.section = &m.Ns
	case "ADDITIONAL":
		r.section = &m.Extra
	default:
		r.refuse(strings.Join(fields, " "), "not a section", "write QUESTION, ANSWER, AUTHORITY or ADDITIONAL")
	}
}

// record reads a record of the section, or the question.
func (r *entryReader) record(fields []string) {
	if r.section == nil {
		r.question(fields)
		return
	}
	rr, err := parseRecord(r.line(), r.origin, r.ttlSeconds)
	if err != nil {
		r.refuseRecord(err)
		return
	}
	*r.section = append(*r.section, rr)
}

// refuseRecord reports that the line taken last is no record.
func (r *reader) refuseRecord(err error) {
	text, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "dns: "), " at line: ") // the library's own count
	r.refuse(r.line(), text, "write one record in zone-file form")
}

// parseRecord reads one record in zone-file form.
func parseRecord(line, origin string, ttlSeconds uint32) (dns.RR, error) {
	p := dns.NewZoneParser(strings.NewReader(line+"\n"), origin, "")
	p.SetDefaultTTL(ttlSeconds)
	rr, ok := p.Next()
	if !ok && p.Err() == nil {
		return nil, errors.New("not a record")
	}
	mend(rr)
	return rr, p.Err()
}

// mend makes a record one that the library packs: types in order, base64 with
// as much padding as it needs. Other readers do not mind.
func mend(rr dns.RR) {
	switch rr := rr.(type) {
	case *dns.NSEC:
		slices.Sort(rr.TypeBitMap)
	case *dns.NSEC3:
		slices.Sort(rr.TypeBitMap)
	case *dns.RRSIG:
		rr.Signature = padded(rr.Signature)
	case *dns.DNSKEY:
		rr.PublicKey = padded(rr.PublicKey)
	}
}

// padded is base64 with the padding that its length asks for.
func padded(base64 string) string {
	base64 = strings.TrimRight(base64, "=")
	return base64 + strings.Repeat("=", (4-len(base64)%4)%4)
}

// question reads QNAME, class and QTYPE; the class, and a TTL that means nothing,
// may be left out.
func (r *entryReader) question(fields []string) {
	q := dns.Question{Name: absolute(fields[0], r.origin), Qclass: dns.ClassINET}
	if _, ok := dns.IsDomainName(q.Name); !ok {
		r.refuse(q.Name, "not a name", "write one of at most 255 octets")
		return
	}
	last := len(fields) - 1
	qtype, isType := typeOf(strings.ToUpper(fields[last]))
	if !isType || last < 1 || last > 3 {
		r.refuse(r.line(), "not a question", "write QNAME, class and QTYPE")
		return
	}
	if class, ok := dns.StringToClass[strings.ToUpper(fields[last-1])]; ok {
		q.Qclass = class
	}
	q.Qtype = qtype
	r.entry.Message.Question = append(r.entry.Message.Question, q)
}

// typeOf is the type that a word names (RFC 3597 section 5 included).
func typeOf(word string) (rrtype uint16, ok bool) {
	if rrtype, ok = dns.StringToType[word]; ok {
		return rrtype, true
	}
	number, isNumbered := strings.CutPrefix(word, "TYPE")
	n, err := strconv.ParseUint(number, 10, 16)
	return uint16(n), isNumbered && err == nil
}

// absolute is a name relative to the origin, fully qualified.
func absolute(name, origin string) string {
	switch {
	case name == "@":
		return origin
	case dns.IsFqdn(name):
		return name
	case origin == ".":
		return name + "."
	}
	return name + "." + origin
}

// hex reads a message in hexadecimal, up to a line with the word.
func (r *entryReader) hex(end string) {
	var digits strings.Builder
	for {
		fields, ok := r.next()
		if !ok {
			r.refuse("", "the file ends within octets", "end them with "+end)
			return
		}
		if fields[0] == end {
			break
		}
		digits.WriteString(strings.Join(fields, ""))
	}
	r.octets(digits.String())
	r.entry.Adjust |= AdjustRawID
}

// raw reads the one line of octets behind RAW.
func (r *entryReader) raw() {
	if fields, ok := r.next(); ok {
		r.octets(strings.Join(fields, ""))
	}
}

// octets reads the message that is sent as it stands.
func (r *entryReader) octets(digits string) {
	raw, err := hex.DecodeString(digits)
	if err != nil || len(raw) > dns.MaxMsgSize {
		r.refuse(digits, "not the octets of a message", "write them in hexadecimal, two digits an octet")
		return
	}
	r.entry.Raw = raw
}
