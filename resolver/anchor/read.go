package anchor

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"bailiff/policy/problem"
	"bailiff/resolver/dnssec"
	"bailiff/resolver/zonefile"
)

// maxAnchors bounds one file: a set for each of hundreds of islands of trust.
const maxAnchors = 1024

// Read returns the DS and DNSKEY records of a file, one copy of each. The file
// may be one that Unbound keeps (root.key): keys that wait there, or are
// revoked, are passed over with a note. With a refusal among problems the
// anchors must not be used.
func Read(file string, problems *problem.List) []dns.RR {
	f := anchorFile{name: file, problems: problems}
	whole := problem.Problem{File: file}
	for _, r := range zonefile.Read(file, ".", problems) {
		if f.take(r); len(f.anchors) > maxAnchors {
			problems.Add(whole.Because(problem.Fault{Text: fmt.Sprintf("holds more than %d trust anchors", maxAnchors), Remedy: "keep those that are needed"}))
			return nil
		}
	}
	if len(f.anchors) == 0 && !problems.Refused() {
		problems.Add(whole.Because(problem.Fault{Text: "holds no trust anchor", Remedy: "write DS or DNSKEY records of the zones to trust"}))
	}
	f.compare()
	anchors := make([]dns.RR, len(f.anchors))
	for i, a := range f.anchors {
		anchors[i] = a.RR
	}
	return anchors
}

// anchorFile is a file of trust anchors being read.
type anchorFile struct {
	name     string
	anchors  []zonefile.Record
	problems *problem.List
}

// report adds a problem with one record. A Note is about one that is passed
// over, or of no use.
func (f *anchorFile) report(r zonefile.Record, severity problem.Severity, fault problem.Fault) {
	value := strings.ReplaceAll(r.RR.String(), "\t", " ")
	f.problems.Add(problem.Problem{File: f.name, Line: r.Line, Severity: severity, Value: value}.Because(fault))
}

// take keeps a record that is an anchor.
func (f *anchorFile) take(r zonefile.Record) {
	severity, fault := judge(r)
	if fault.Text == "" && slices.ContainsFunc(f.anchors, func(a zonefile.Record) bool { return dns.IsDuplicate(a.RR, r.RR) }) {
		return
	}
	if fault.Text == "" {
		f.anchors = append(f.anchors, r)
		if ok, _ := dnssec.Supported([]dns.RR{r.RR}); ok {
			return
		}
		fault = problem.Fault{Text: "is of an algorithm or a digest that is not known here: alone it leaves its zone insecure", Remedy: "add one that is known"}
	}
	f.report(r, severity, fault)
}

// judge says why a record is no anchor; the Fault is empty if it is one.
func judge(r zonefile.Record) (problem.Severity, problem.Fault) {
	switch rr := r.RR.(type) {
	case *dns.DS:
		if !rightLength(rr) {
			return problem.Refusal, problem.Fault{Text: "has a digest of the wrong length", Remedy: "copy the record again"}
		}
		return problem.Note, problem.Fault{}
	case *dns.DNSKEY:
		return judgeKey(rr, r.Comment)
	}
	return problem.Refusal, problem.Fault{Text: "is neither a DS nor a DNSKEY record", Remedy: "take it out"}
}

// rightLength reports whether a digest has the octets of its type, as far as
// that is known.
func rightLength(ds *dns.DS) bool {
	octets := map[uint8]int{dns.SHA1: 20, dns.SHA256: 32, dns.SHA384: 48}[ds.DigestType]
	return octets == 0 || hex.DecodedLen(len(ds.Digest)) == octets
}

func judgeKey(key *dns.DNSKEY, comment string) (problem.Severity, problem.Fault) {
	switch {
	case key.Protocol != 3 || key.Flags&dns.ZONE == 0: // RFC 4034 section 2.1
		return problem.Refusal, problem.Fault{Text: "is no zone key", Remedy: "write flags 257 and protocol 3, or take it out"}
	case key.Flags&dns.REVOKE != 0:
		return problem.Note, problem.Fault{Text: "is revoked: it is passed over", Remedy: "take it out"}
	case waits(comment):
		return problem.Note, problem.Fault{Text: "is not valid as its comment says (;;state): it is passed over", Remedy: "take the comment out to trust it"}
	}
	return problem.Note, problem.Fault{}
}

// waits reports whether Unbound, whose comment it is, does not trust the key:
// its states 2 (valid) and 3 (missing) are trusted.
func waits(comment string) bool {
	_, state, ok := strings.Cut(comment, ";state=")
	return ok && !strings.HasPrefix(state, "2") && !strings.HasPrefix(state, "3")
}

// compare refuses each DS whose tag is that of keys in the file, but whose
// digest is none of theirs: one of the two is not what it was taken for.
func (f *anchorFile) compare() {
	for _, r := range f.anchors {
		ds, ok := r.RR.(*dns.DS)
		if !ok {
			continue
		}
		named, fits := false, false
		for _, a := range f.anchors {
			key, ok := a.RR.(*dns.DNSKEY)
			if ok && key.Hdr.Name == ds.Hdr.Name && key.Algorithm == ds.Algorithm && key.KeyTag() == ds.KeyTag && key.ToDS(ds.DigestType) != nil {
				named, fits = true, fits || stands(ds, key)
			}
		}
		if named && !fits {
			f.report(r, problem.Refusal, problem.Fault{Text: "is not the digest of the DNSKEY with its tag in this file", Remedy: "find out which of them is genuine"})
		}
	}
}
