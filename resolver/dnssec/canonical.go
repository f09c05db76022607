package dnssec

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// maxCanonical bounds the octets of an RRset in canonical form: a message has
// 64 KiB, and names come compressed in it.
const maxCanonical = 1 << 17

// fixedRecord is the size of a record between its owner and its RDATA.
const fixedRecord = 10

// canonicalForm is an RRset in canonical form (RFC 4034 section 6). Its memory is
// used again for the next.
type canonicalForm struct {
	header    *dns.RR_Header
	owner     []byte   // wire format, lower case
	labels    int      // of the owner, but for the root and an asterisk in front
	rdata     [][]byte // sorted, each once
	octets    []byte   // what owner and rdata point into
	signed    []byte   // what one signature signs
	signature []byte   // that signature
	sight     []byte   // what makes both known, see Seen
}

// load takes an RRset. It reports whether it is one, of a size to be signed.
func (c *canonicalForm) load(rrs []dns.RR) bool {
	if len(rrs) == 0 {
		return false
	}
	c.header, c.octets, c.rdata = rrs[0].Header(), c.octets[:0], c.rdata[:0]
	for _, rr := range rrs {
		if !c.add(rr) {
			return false
		}
	}
	slices.SortFunc(c.rdata, bytes.Compare) // RFC 4034 section 6.3
	c.rdata = slices.CompactFunc(c.rdata, bytes.Equal)
	return true
}

// add takes one record.
func (c *canonicalForm) add(rr dns.RR) bool {
	h, start := rr.Header(), len(c.octets)
	if h.Name == "" || h.Rrtype != c.header.Rrtype || h.Class != c.header.Class || !strings.EqualFold(h.Name, c.header.Name) {
		return false
	}
	c.octets = slices.Grow(c.octets, dns.Len(rr)+1)                                   // what points into the old octets stays as it is
	end, err := dns.PackRR(dns.Copy(rr), c.octets[:cap(c.octets)], start, nil, false) // packing writes to the record
	if err != nil || end > maxCanonical {
		return false
	}
	c.octets = c.octets[:end]
	if start == 0 {
		c.measureOwner()
	}
	rdata := c.octets[start+len(c.owner)+fixedRecord:]
	lowerNames(h.Rrtype, rdata)
	c.rdata = append(c.rdata, rdata)
	return true
}

// measureOwner reads the name at the start of the octets.
func (c *canonicalForm) measureOwner() {
	end := 0
	c.labels = 0
	for ; c.octets[end] != 0; end += int(c.octets[end]) + 1 {
		c.labels++
	}
	c.owner = c.octets[:end+1]
	lowerAll(c.owner)
	if c.octets[0] == 1 && c.octets[1] == '*' { // RFC 4034 section 3.1.3
		c.labels--
	}
}

// ancestor is the owner's last labels, in wire format.
func (c *canonicalForm) ancestor(labels int) []byte {
	at := 0
	if c.owner[0] == 1 && c.owner[1] == '*' {
		at = 2
	}
	for range c.labels - labels {
		at += int(c.owner[at]) + 1
	}
	return c.owner[at:]
}

// signedData is what the signature was made of (RFC 4034 section 3.1.8.1). The
// signer is given in wire format, lower case. The signature has no more labels
// than the owner; where it has fewer, the owner was made from a wildcard.
func (c *canonicalForm) signedData(sig *dns.RRSIG, signer []byte) []byte {
	s := binary.BigEndian.AppendUint16(c.signed[:0], sig.TypeCovered)
	s = append(s, sig.Algorithm, sig.Labels)
	s = binary.BigEndian.AppendUint32(s, sig.OrigTtl)
	s = binary.BigEndian.AppendUint32(s, sig.Expiration)
	s = binary.BigEndian.AppendUint32(s, sig.Inception)
	s = binary.BigEndian.AppendUint16(s, sig.KeyTag)
	s = append(s, signer...)
	for _, rdata := range c.rdata {
		if labels := int(sig.Labels); labels < c.labels { // RFC 4035 section 5.3.2
			s = append(append(s, 1, '*'), c.ancestor(labels)...)
		} else {
			s = append(s, c.owner...)
		}
		s = binary.BigEndian.AppendUint16(s, c.header.Rrtype)
		s = binary.BigEndian.AppendUint16(s, c.header.Class)
		s = binary.BigEndian.AppendUint32(s, sig.OrigTtl)
		s = binary.BigEndian.AppendUint16(s, uint16(len(rdata)))
		s = append(s, rdata...)
	}
	c.signed = s
	return s
}

// lowerNames folds the names in RDATA that RFC 4034 section 6.2 lists, as RFC 6840
// section 5.1 corrects it: not those of NSEC, none in HINFO.
func lowerNames(rrtype uint16, rdata []byte) {
	switch rrtype {
	case dns.TypeNS, dns.TypeMD, dns.TypeMF, dns.TypeCNAME, dns.TypeMB, dns.TypeMG, dns.TypeMR,
		dns.TypePTR, dns.TypeDNAME, dns.TypeMINFO, dns.TypeRP:
		lowerAll(rdata)
	case dns.TypeSOA:
		lowerAll(rdata[:max(0, len(rdata)-20)]) // five numbers follow
	case dns.TypeMX, dns.TypeAFSDB, dns.TypeRT, dns.TypeKX, dns.TypePX:
		lowerAll(rdata[min(2, len(rdata)):])
	case dns.TypeSRV:
		lowerAll(rdata[min(6, len(rdata)):])
	case dns.TypeNAPTR:
		at := 4
		for range 3 { // flags, services, regular expression
			if at < len(rdata) {
				at += int(rdata[at]) + 1
			}
		}
		lowerAll(rdata[min(at, len(rdata)):])
	case dns.TypeSIG:
		lowerAll(firstName(rdata[min(18, len(rdata)):]))
	case dns.TypeNXT:
		lowerAll(firstName(rdata))
	}
}

// firstName is the name in wire format that octets begin with.
func firstName(octets []byte) []byte {
	end := 0
	for end < len(octets) && octets[end] != 0 {
		end += int(octets[end]) + 1
	}
	return octets[:min(end, len(octets))]
}
