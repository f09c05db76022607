package journal

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bailiff/policy/problem"
)

// KeptHead is a head that somebody noted: what the journal says must lead to
// it.
type KeptHead struct {
	Seq  uint64 // of the entry before the head, which it signs
	Hash string // of that entry
}

// ParseKeptHead reads "<seq>:<hash>", as the server's log and Verify tell it.
func ParseKeptHead(text string) (k KeptHead, err error) {
	seq, hash, _ := strings.Cut(text, ":")
	if _, err := fmt.Sscanf(seq, "%d", &k.Seq); err != nil || k.Seq == 0 || len(hash) != len(noHash) {
		return k, problem.Fault{Text: "is no head", Remedy: "write the number, a colon and the SHA-256, as the log tells them"}
	}
	k.Hash = strings.ToLower(hash)
	return k, nil
}

// String is what ParseKeptHead reads.
func (k KeptHead) String() string { return fmt.Sprintf("%d:%s", k.Seq, k.Hash) }

// Report is what Verify found, beside the problems.
type Report struct {
	Entries   uint64
	First     time.Time // of the entries
	Last      time.Time
	Heads     uint64    // whose signature holds
	Signed    KeptHead  // what the last of them signs
	SignedAt  time.Time // zero: there is none
	After     uint64    // entries behind that head: of the last of them nobody could tell a change
	Gaps      uint64    // gap entries: the server itself says that something is missing
	Backwards uint64    // entries more than a minute older than the one before: a clock was set back
}

// Verify reads all of the journal in folder and adds to problems every entry
// that was changed, taken out, moved or put in, and every head that key did not
// sign. kept may be empty. It needs memory for one line.
//
// What follows the last signed head can be cut off, or its last entry changed,
// without a trace; who has the private key can write another journal.
func Verify(folder string, key ed25519.PublicKey, kept []KeptHead, problems *problem.List) Report {
	v := verifier{key: key, problems: problems, hash: noHash, kept: map[uint64]string{}}
	for _, k := range kept {
		v.kept[k.Seq] = k.Hash
	}
	for l, err := range lines(folder) {
		if p, ok := err.(problem.Problem); ok { //nolint:errorlint // lines returns nothing else
			problems.Add(p)
			continue
		}
		v.line(l)
	}
	v.checkKept(folder)
	return v.report
}

// verifier is one pass over the chain.
type verifier struct {
	key      ed25519.PublicKey
	problems *problem.List
	report   Report
	kept     map[uint64]string // seq → hash

	seq  uint64 // of the last entry in its place
	hash string // of it
	at   line   // where it stands; no text
}

// line checks the next line.
func (v *verifier) line(l line) {
	if l.torn {
		v.torn(l)
		return
	}
	e, err := l.entry()
	switch {
	case err != nil:
		v.problems.Add(err.(problem.Problem)) //nolint:errorlint,forcetypeassert // entry returns nothing else
		v.next(l, v.seq+1)
		return
	case e.Seq <= v.seq:
		v.add(l, problem.Refusal, name(e.Seq), "stands after entry "+fmt.Sprint(v.seq)+": it was moved or put in", damageRemedy)
		return
	case e.Seq > v.seq+1:
		v.missing(l, v.seq+1, e.Seq-1)
	case e.Prev != v.hash:
		v.changed(l, e)
	}
	v.count(e)
	switch {
	case e.Event == Head:
		v.head(l, e)
	case !slices.Contains(Events(), e.Event):
		v.add(l, problem.Refusal, name(e.Seq), "is of event "+problem.Quote(string(e.Event))+", which this version does not know",
			"verify with the version that wrote it; else it was changed")
	}
	v.next(l, e.Seq)
}

// torn reports a line without a line feed: only the last of all may be one, as
// far as it was written.
func (v *verifier) torn(l line) {
	if filepath.Base(l.file) != liveFile || json.Valid(l.text[:len(l.text)-1]) {
		v.add(l, problem.Refusal, name(v.seq+1), "was changed: it has no line feed", damageRemedy)
		return
	}
	v.add(l, problem.Note, "", fmt.Sprintf("ends after %d octets, without a line feed", len(l.text)),
		"it is being written, or the server was killed; its next start cuts it off and says so")
}

// missing reports entries that are not there.
func (v *verifier) missing(l line, from, to uint64) {
	which := name(from)
	if to > from {
		which = fmt.Sprintf("entries %d to %d", from, to)
	}
	v.add(l, problem.Refusal, which, "missing before this line: taken out or moved", damageRemedy)
}

// changed reports that an entry is not the one that the next is chained to.
func (v *verifier) changed(l line, e Entry) {
	if v.seq == 0 {
		v.add(l, problem.Refusal, name(e.Seq), "is the first and yet chained to another: it was changed", damageRemedy)
		return
	}
	v.add(v.at, problem.Refusal, name(v.seq), fmt.Sprintf("was changed: entry %d is chained to another text (or was changed itself)", e.Seq), damageRemedy)
}

// count adds the entry to the report.
func (v *verifier) count(e Entry) {
	r := &v.report
	if r.Entries == 0 {
		r.First = e.Time
	} else if e.Time.Before(r.Last.Add(-time.Minute)) {
		r.Backwards++
	}
	if e.Event == Gap {
		r.Gaps++
	}
	r.Entries++
	r.After++
	r.Last = e.Time
}

// head checks a signed head.
func (v *verifier) head(l line, e Entry) {
	var s Signature
	if err := json.Unmarshal(e.Detail, &s); err != nil {
		s = Signature{}
	}
	written, err := json.Marshal(Entry{Seq: e.Seq, Time: e.Time, Event: Head, Prev: e.Prev, Detail: Detail(s)})
	switch {
	case err != nil || !bytes.Equal(written, l.text):
		v.add(l, problem.Refusal, name(e.Seq), "is no head as a server writes it: it was changed", damageRemedy)
	case !v.key.Equal(ed25519.PublicKey(s.PublicKey)):
		v.add(l, problem.Refusal, name(e.Seq), fmt.Sprintf("is a head signed with key %s, not with %s", KeyID(s.PublicKey), KeyID(v.key)),
			"name the key that was in use then with --key")
	case !ed25519.Verify(v.key, headText(v.seq, v.hash, e.Time), s.Signature) || e.Prev != v.hash:
		v.add(l, problem.Refusal, name(e.Seq), fmt.Sprintf("is a head whose signature does not fit entry %d", v.seq), damageRemedy)
	default:
		v.report.Heads++
		v.report.Signed, v.report.SignedAt, v.report.After = KeptHead{v.seq, v.hash}, e.Time, 0
	}
}

// next makes the line the end of the chain so far.
func (v *verifier) next(l line, seq uint64) {
	v.seq, v.hash = seq, hashOf(l.text)
	v.at = line{file: l.file, number: l.number}
	if want, ok := v.kept[seq]; ok && want == v.hash {
		delete(v.kept, seq)
	}
}

// checkKept reports the noted heads that the journal does not lead to.
func (v *verifier) checkKept(folder string) {
	for seq, hash := range v.kept {
		text := "is not the entry of the head that was kept"
		if seq > v.seq {
			text = fmt.Sprintf("is missing: the journal ends at entry %d", v.seq)
		}
		v.problems.Add(problem.Problem{
			File: filepath.Join(folder, liveFile), Place: name(seq), Value: KeptHead{seq, hash}.String(), Text: text, Remedy: damageRemedy,
		})
	}
}

func (v *verifier) add(l line, severity problem.Severity, place, text, remedy string) {
	v.problems.Add(problem.Problem{Severity: severity, File: l.file, Line: l.number, Place: place, Text: text, Remedy: remedy})
}

// name is how problems name an entry.
func name(seq uint64) string { return fmt.Sprintf("entry %d", seq) }
