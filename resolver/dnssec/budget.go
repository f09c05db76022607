package dnssec

import "fmt"

// Limit is one of the bounds on the work for one client's question.
type Limit uint8

// The limits.
const (
	NoLimit          Limit = iota // none was reached
	SignatureChecks               // of signatures, whatever came out
	FailedSignatures              // signatures that did not match
	NSEC3Hashes                   // names hashed
)

// String is the limit's name, as faults and metrics have it.
func (l Limit) String() string {
	switch l {
	case NoLimit:
		return "no limit"
	case SignatureChecks:
		return "signature checks"
	case FailedSignatures:
		return "failed signatures"
	case NSEC3Hashes:
		return "NSEC3 hashes"
	}
	return fmt.Sprintf("Limit(%d)", uint8(l))
}

// Bounds on the work for one client's question.
const (
	// maxSignatureChecks: a name whose chain of ten zones is not yet known takes some
	// 30, each CNAME to another such chain as many (BIND max-validations-per-fetch
	// 16, PowerDNS max-signature-validations-per-query 30, both for one name).
	// Most take 30 µs to 100 µs; with P-384, 500 µs, it is 100 ms at worst.
	maxSignatureChecks = 200

	// maxFailedSignatures: a zone in order has none (BIND
	// max-validation-failures-per-fetch 1); a few come with a key roll-over gone
	// wrong. KeyTrap (CVE-2023-50387) needs thousands.
	maxFailedSignatures = 16

	// maxNSEC3Hashes: a name of 20 labels takes 22 (PowerDNS
	// max-nsec3-hash-computations-per-query 600, Unbound 8 at a time). With
	// maxIterations this is some 15,000 rounds of SHA-1, 1.4 ms (CVE-2023-50868).
	maxNSEC3Hashes = 300
)

// Budget is the work left for one client's question, however many RRsets and
// denials it takes. It also lends the memory in which signed data is put
// together. Not safe for concurrent use.
type Budget struct {
	left    [NSEC3Hashes + 1]int
	reached Limit
	form    canonicalForm
	seen    *Seen // nil: no signature is remembered
}

// NewBudget returns a full budget.
func NewBudget() *Budget {
	return &Budget{left: [...]int{
		SignatureChecks: maxSignatureChecks, FailedSignatures: maxFailedSignatures, NSEC3Hashes: maxNSEC3Hashes,
	}}
}

// Exceeded reports whether something was left undone because a limit was
// reached: that data is bogus may then not be true of another question.
func (b *Budget) Exceeded() bool { return b.reached != NoLimit }

// Limit is the limit that was reached first, or NoLimit.
func (b *Budget) Limit() Limit { return b.reached }

// spend takes one off what is left, and reports whether there was one.
func (b *Budget) spend(l Limit) bool {
	if b.left[l] == 0 {
		if b.reached == NoLimit {
			b.reached = l
		}
		return false
	}
	b.left[l]--
	return true
}
