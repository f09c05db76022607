package recurse

import (
	"sync/atomic"
	"time"
)

// Bounds of the work that one client's question may cause, whatever anyone
// answers. Signature checks and NSEC3 hashes are bounded by dnssec.Budget.
const (
	// maxQueries bounds the queries sent upstream, those for keys and for the
	// addresses of name servers included (BIND max-query-count 200, PowerDNS
	// max-qperq 50, Unbound MAX_GLOBAL_QUOTA 200).
	maxQueries = 100

	// maxReferrals bounds the way from the closest known zone to the name (Unbound
	// MAX_REFERRAL_COUNT 130, BIND max-recursion-depth 7 for the same).
	maxReferrals = 30

	// maxDepth is how deep questions lead to other questions: the address of a name
	// server of a zone that an address of a name server is in, and so on (BIND
	// max-recursion-depth 7).
	maxDepth = 7

	// maxServerNames is how many name servers of a referral are looked at; the root
	// has 13.
	maxServerNames = 20

	// maxServerAddresses is how many addresses of one name server are looked at.
	maxServerAddresses = 8

	// maxLookups bounds the names of name servers whose addresses have to be asked
	// for (NXNSAttack, CVE-2020-8616: BIND 5 a referral, PowerDNS 10 a question).
	maxLookups = 10

	// maxTries is how many servers of one zone are asked the same thing.
	maxTries = 16

	// maxRetries is how often a question is asked again because the answer was
	// bogus: another server of the zone may have the truth.
	maxRetries = 2

	// maxRecords is how many records of a response are looked at, and maxSet how many
	// of one RRset (BIND max-records-per-type 100, PowerDNS max-rrset-size 256).
	maxRecords = 1024
	maxSet     = 256

	// questionDeadline bounds the time. A stub resolver asks again after 5 s; that
	// query joins the question under way.
	questionDeadline = 9 * time.Second

	// maxServerQueries is how many queries wait for one server at a time, and
	// maxZoneQueries how many questions for the servers of one zone below the TLDs
	// (BIND fetches-per-server and fetches-per-zone, both off there by default).
	maxServerQueries = 1000
	maxZoneQueries   = 400
)

// Limit is one of the bounds, for counting how often it ended something.
type Limit uint8

// The limits.
const (
	LimitQueries    Limit = iota // queries for one question
	LimitReferrals               // referrals on the way to one name
	LimitDepth                   // questions that lead to questions
	LimitLookups                 // addresses of name servers looked up for one question
	LimitLinks                   // CNAMEs and DNAMEs
	LimitTime                    // time for one question
	LimitRecords                 // records of a response, or of an RRset
	LimitZone                    // queries under way to one zone's servers
	LimitServer                  // queries under way to one server
	LimitSignatures              // signature checks for one question
	LimitHashes                  // NSEC3 hashes for one question
)

// NumLimits is the number of limits.
const NumLimits = int(LimitHashes) + 1

// String is the label value of the metrics.
func (l Limit) String() string {
	return [NumLimits]string{
		"queries", "referrals", "depth", "lookups", "links", "time", "records",
		"zone", "server", "signatures", "hashes",
	}[l]
}

// limitCounts counts the questions of which a limit ended something.
type limitCounts [NumLimits]atomic.Uint64

// hit counts a limit, once for the question.
func (j *job) hit(l Limit) {
	if !j.reached[l] {
		j.reached[l] = true
		j.r.limits[l].Add(1)
	}
}
