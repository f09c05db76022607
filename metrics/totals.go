package metrics

import "bailiff/resolver"

// Totals are sums over all queries since the start.
type Totals struct {
	Queries  uint64
	ByOrder  uint64 // answered by an order; those that an order dropped are not
	ServFail uint64 // answered SERVFAIL
}

// Totals adds the workers up.
func (c *Counters) Totals() (t Totals) {
	const servFail = 2 // RFC 1035 section 4.1.1
	for _, sh := range c.shards {
		for proto := range sh.requests {
			for family := range sh.requests[proto] {
				for i := range sh.requests[proto][family] {
					t.Queries += sh.requests[proto][family][i].Load()
				}
			}
		}
		for rcode := range sh.responses {
			t.ByOrder += sh.responses[rcode][resolver.SourceOrder].Load()
		}
		for source := range sh.responses[servFail] {
			t.ServFail += sh.responses[servFail][source].Load()
		}
	}
	return t
}
