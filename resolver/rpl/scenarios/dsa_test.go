package scenarios

import (
	"bytes"
	"crypto/dsa" //nolint:staticcheck // SA1019: suites are signed with it; nothing here signs with it
	"crypto/ed25519"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"bailiff/resolver/rpl"
)

// Suites of old are signed with DSA, which nobody validates any more (RFC 8624
// section 3.1). What they say of validation is true of any algorithm, so their
// keys are exchanged for Ed25519 ones and their signatures made anew: good ones
// stay good, wrong ones wrong.

// translation takes a scenario from DSA to Ed25519.
type translation struct {
	keys       []translatedKey
	signatures map[string]*dns.RRSIG // by the old one's owner and octets
}

// translatedKey is a key of the scenario and the one it is exchanged for.
type translatedKey struct {
	old, new *dns.DNSKEY
	private  ed25519.PrivateKey
}

// translate takes the scenario and its trust anchors from DSA to Ed25519.
func translate(s *rpl.Scenario, anchors []dns.RR) {
	gather(s)
	t := &translation{signatures: map[string]*dns.RRSIG{}}
	sections := append(sectionsOf(s), &anchors)
	for _, section := range sections {
		for _, rr := range *section {
			if key, ok := rr.(*dns.DNSKEY); ok && isDSA(key.Algorithm) {
				t.learn(key)
			}
		}
	}
	for _, section := range sections {
		for _, rr := range *section {
			if sig, ok := rr.(*dns.RRSIG); ok && isDSA(sig.Algorithm) {
				t.resign(sig, *section)
			}
		}
	}
	for _, section := range sections {
		for i, rr := range *section {
			(*section)[i] = t.record(rr)
		}
	}
}

// gather puts signatures where the records are that they sign (RFC 4035 section
// 3.1.1). testbound's old scenarios have some of the answer's among the
// additional records, in what servers say and in what clients are told.
func gather(s *rpl.Scenario) {
	for _, servers := range s.Ranges {
		for _, e := range servers.Entries {
			gatherIn(e.Message)
		}
	}
	for _, step := range s.Steps {
		if step.Entry != nil {
			gatherIn(step.Entry.Message)
		}
	}
}

// gatherIn moves the signatures of one message.
func gatherIn(m *dns.Msg) {
	m.Extra = slices.DeleteFunc(m.Extra, func(rr dns.RR) bool {
		sig, ok := rr.(*dns.RRSIG)
		if !ok || len(signedSet(sig, m.Answer)) == 0 {
			return false
		}
		m.Answer = append(m.Answer, sig)
		return true
	})
}

// sectionsOf are all sections of all messages.
func sectionsOf(s *rpl.Scenario) (sections []*[]dns.RR) {
	add := func(e *rpl.Entry) {
		if e != nil {
			sections = append(sections, &e.Message.Answer, &e.Message.Ns, &e.Message.Extra)
		}
	}
	for _, servers := range s.Ranges {
		for _, e := range servers.Entries {
			add(e)
		}
	}
	for _, step := range s.Steps {
		add(step.Entry)
	}
	return sections
}

// isDSA reports whether the algorithm is DSA, by either of its numbers.
func isDSA(algorithm uint8) bool { return algorithm == dns.DSA || algorithm == dns.DSANSEC3SHA1 }

// learn finds a new key for an old one: always the same.
func (t *translation) learn(old *dns.DNSKEY) {
	if slices.ContainsFunc(t.keys, func(k translatedKey) bool { return dns.IsDuplicate(k.old, old) }) {
		return
	}
	seed := sha256.Sum256([]byte(strings.ToLower(old.Hdr.Name) + old.PublicKey))
	private := ed25519.NewKeyFromSeed(seed[:])
	replacement := dns.Copy(old).(*dns.DNSKEY)
	replacement.Algorithm = dns.ED25519
	replacement.PublicKey = base64.StdEncoding.EncodeToString(private.Public().(ed25519.PublicKey))
	t.keys = append(t.keys, translatedKey{old, replacement, private})
}

// key is the one that a signature or a DS record names, nil if it is not known.
func (t *translation) key(zone string, tag uint16) *translatedKey {
	for i, k := range t.keys {
		if strings.EqualFold(k.old.Hdr.Name, zone) && k.old.KeyTag() == tag {
			return &t.keys[i]
		}
	}
	return nil
}

// signatureKey is what tells a signature from all others.
func signatureKey(sig *dns.RRSIG) string { return strings.ToLower(sig.Hdr.Name) + " " + sig.Signature }

// resign makes a signature anew. A message that shows it without what it signs
// does not say whether it is good.
func (t *translation) resign(sig *dns.RRSIG, section []dns.RR) {
	k := t.key(sig.SignerName, sig.KeyTag)
	set := signedSet(sig, section)
	if k == nil || len(set) == 0 {
		return
	}
	good := verifyDSA(sig, k.old, set)
	known := t.signatures[signatureKey(sig)]
	if known != nil && !good {
		return
	}
	for i, rr := range set {
		set[i] = t.record(rr)
	}
	replacement := dns.Copy(sig).(*dns.RRSIG)
	replacement.Algorithm, replacement.KeyTag = dns.ED25519, k.new.KeyTag()
	if err := replacement.Sign(k.private, set); err != nil {
		return
	}
	replacement.Labels, replacement.Hdr = sig.Labels, sig.Hdr
	if !good {
		spoil(replacement, 0)
	}
	t.signatures[signatureKey(sig)] = replacement
}

// signedSet is a copy of what a signature covers, as it was signed (RFC 4035
// section 5.3.2).
func signedSet(sig *dns.RRSIG, section []dns.RR) (set []dns.RR) {
	owner := strings.ToLower(sig.Hdr.Name)
	for _, rr := range section {
		if rr.Header().Rrtype != sig.TypeCovered || !strings.EqualFold(rr.Header().Name, owner) {
			continue
		}
		rr = dns.Copy(rr)
		rr.Header().Ttl = sig.OrigTtl
		rr.Header().Name = owner
		if labels := dns.SplitDomainName(owner); int(sig.Labels) < len(labels) {
			rr.Header().Name = dns.Fqdn("*." + strings.Join(labels[len(labels)-int(sig.Labels):], "."))
		}
		set = append(set, rr)
	}
	return set
}

// record is the translation of one record.
func (t *translation) record(rr dns.RR) dns.RR {
	switch rr := rr.(type) {
	case *dns.DNSKEY:
		for _, k := range t.keys {
			if dns.IsDuplicate(k.old, rr) {
				replacement := dns.Copy(k.new)
				*replacement.Header() = rr.Hdr
				return replacement
			}
		}
	case *dns.DS:
		if isDSA(rr.Algorithm) {
			return t.ds(rr)
		}
	case *dns.RRSIG:
		if !isDSA(rr.Algorithm) {
			break
		}
		replacement := dns.Copy(rr).(*dns.RRSIG)
		if known := t.signatures[signatureKey(rr)]; known != nil {
			replacement = dns.Copy(known).(*dns.RRSIG)
		}
		replacement.Hdr, replacement.Algorithm = rr.Hdr, dns.ED25519
		return replacement
	}
	return rr
}

// ds is the translation of a DS record: it is right or wrong as before.
func (t *translation) ds(old *dns.DS) dns.RR {
	ds := dns.Copy(old).(*dns.DS)
	ds.Algorithm = dns.ED25519
	k := t.key(old.Hdr.Name, old.KeyTag)
	if k == nil {
		return ds
	}
	ds.KeyTag = k.new.KeyTag()
	if right := k.old.ToDS(old.DigestType); right != nil && strings.EqualFold(right.Digest, old.Digest) {
		ds.Digest = k.new.ToDS(old.DigestType).Digest
	}
	return ds
}

// verifyDSA checks a signature.
func verifyDSA(sig *dns.RRSIG, key *dns.DNSKEY, set []dns.RR) bool {
	public, ok := publicDSA(key)
	octets, err := base64.StdEncoding.DecodeString(sig.Signature)
	if !ok || err != nil {
		return false
	}
	var number struct{ R, S *big.Int }
	if len(octets) == 41 { // RFC 2536 section 3
		number.R, number.S = new(big.Int).SetBytes(octets[1:21]), new(big.Int).SetBytes(octets[21:])
	} else if _, err := asn1.Unmarshal(octets, &number); err != nil { // what a signer of old made of it
		return false
	}
	digest := sha1.Sum(signedData(sig, set))
	return dsa.Verify(public, digest[:], number.R, number.S)
}

// publicDSA reads a key (RFC 2536 section 2).
func publicDSA(key *dns.DNSKEY) (*dsa.PublicKey, bool) {
	octets, err := base64.StdEncoding.DecodeString(key.PublicKey)
	if err != nil || len(octets) < 1 {
		return nil, false
	}
	size := 64 + int(octets[0])*8
	if len(octets) != 1+20+3*size {
		return nil, false
	}
	number := func(from, length int) *big.Int { return new(big.Int).SetBytes(octets[from : from+length]) }
	return &dsa.PublicKey{
		Parameters: dsa.Parameters{P: number(21, size), Q: number(1, 20), G: number(21+size, size)},
		Y:          number(21+2*size, size),
	}, true
}

// signedData is what a signature is made of (RFC 4034 section 3.1.8.1).
func signedData(sig *dns.RRSIG, set []dns.RR) (data []byte) {
	bare := dns.Copy(sig).(*dns.RRSIG)
	bare.Signature, bare.SignerName, bare.Hdr.Name = "", strings.ToLower(sig.SignerName), "."
	const ownerAndHeader = 1 + 10
	data = append(data, pack(bare)[ownerAndHeader:]...)
	var records [][]byte
	for _, rr := range set {
		rpl.LowerRDATA(rr)
		records = append(records, pack(rr))
	}
	owner := len(set[0].Header().Name) + 1
	if owner == 2 {
		owner = 1 // the root's
	}
	slices.SortFunc(records, func(a, b []byte) int { return bytes.Compare(a[owner+10:], b[owner+10:]) }) // by RDATA
	return append(data, bytes.Join(records, nil)...)
}

// pack is the record in wire format, uncompressed.
func pack(rr dns.RR) []byte {
	packet := make([]byte, dns.MaxMsgSize)
	end, err := dns.PackRR(rr, packet, 0, nil, false)
	if err != nil {
		return nil
	}
	return packet[:end]
}
