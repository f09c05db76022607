package report

import (
	"path/filepath"
	"time"

	"bailiff/metrics/journal"
	"bailiff/policy/problem"
)

// Proof is what holds the journal together, and whether it held when the
// document was made.
type Proof struct {
	State    string    `json:"state"` // folder
	Whole    bool      `json:"whole"`
	Problems []string  `json:"problems"` // the first of them, if it is not whole
	Entries  uint64    `json:"entries"`
	Head     string    `json:"head"` // "<entry>:<SHA-256>", the last that is signed; empty: none is
	SignedAt time.Time `json:"signed_at,omitzero"`
	Unsigned uint64    `json:"unsigned"` // entries behind it
	Key      string    `json:"key"`      // fingerprint of the key that signed
}

// maxProofProblems is how many problems of a journal a document repeats.
const maxProofProblems = 10

// prove verifies the journal. The error is that there is no key to do it with.
func prove(state string) (Proof, error) {
	key, err := journal.ReadPublicKey(filepath.Join(state, journal.PublicKeyFile))
	if err != nil {
		return Proof{}, err
	}
	var problems problem.List
	r := journal.Verify(state, key, nil, &problems)
	p := Proof{
		State: state, Whole: !problems.Refused(), Problems: []string{}, Entries: r.Entries,
		SignedAt: second(r.SignedAt), Unsigned: r.After, Key: journal.KeyID(key),
	}
	if !r.SignedAt.IsZero() {
		p.Head = r.Signed.String()
	}
	for _, found := range problems.Sorted() {
		if found.Severity == problem.Refusal && len(p.Problems) < maxProofProblems {
			p.Problems = append(p.Problems, found.Error())
		}
	}
	return p, nil
}

// Verified is what became of the verification of the journal.
func (f *Frame) Verified() Proof { return f.Proof }
