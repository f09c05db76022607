// Package dnssec decides whether DNS data is what its zone has signed (RFC
// 4033, 4034, 4035, 5155, 6840): Trust makes the Keys of a zone out of its
// DNSKEY records and what vouches for them, Keys.Verify checks one RRset, Denial
// what NSEC and NSEC3 records prove not to exist. Ranges keeps such records to
// answer other questions with (RFC 8198).
//
// It is pure: no network, no clock, no logging, no state beside what the caller
// holds. Which zone a name is in, and what to ask next, is for the caller. What
// it is given may be hostile: the work is bounded by a Budget, and nothing
// panics. It imports the standard library's cryptography and miekg/dns.
//
// Names are in presentation format, lower case, fully qualified. A zone of which
// no algorithm is supported, such as Ed448, is insecure. Start reading at keys.go,
// then verify.go and denial.go.
package dnssec

import (
	"fmt"
	"time"

	"github.com/miekg/dns"
)

// Set is one RRset and the signatures that came with it. RRs is never empty and
// holds no record of another owner, type or class. The records are read only.
type Set struct {
	RRs  []dns.RR
	Sigs []*dns.RRSIG
}

// Verified is what a good signature says of an RRset.
type Verified struct {
	// Encloser is the closest encloser where the RRset was made from a wildcard
	// *.Encloser, else "". Such an RRset is proven only with Denial.NoCloser (RFC
	// 4035 section 5.3.4).
	Encloser string
	// Life is how long the signature lets the RRset be kept (RFC 4035 section
	// 5.3.3): until it expires, and no longer than the original TTL.
	Life time.Duration
}

// Fault is why data is bogus, or why it is insecure. EDE is the INFO-CODE that
// tells most (RFC 8914), Text fit for EXTRA-TEXT.
type Fault struct {
	EDE  uint16
	Text string
}

// Error is the text.
func (f *Fault) Error() string { return f.Text }

// fault is a Fault with a formatted text.
func fault(ede uint16, format string, args ...any) *Fault {
	return &Fault{ede, fmt.Sprintf(format, args...)}
}
