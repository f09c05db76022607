package internet

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// status is what validators make of what a zone says.
type status uint8

const (
	secure status = iota
	insecure
	bogus
)

func (s status) String() string { return [...]string{"secure", "insecure", "bogus"}[s] }

// zone is one zone of the private Internet: what it says, who serves it, and
// what becomes of questions about it.
type zone struct {
	name    string
	servers string // names of hosts, blanks between
	// delegation holds the NS records and glue that the parent has, in
	// zone-file form below $ORIGIN name; empty: one name server below the apex for
	// each of servers, with glue.
	delegation string
	text       string // what the zone has beside its SOA and delegation
	sign       signer // nil: not signed
	spoil      func([]dns.RR) []dns.RR
	ds         string // RDATA to stand in the parent instead of the true ones; noDS: none
	status     status
	apart      string // why bailiff answers otherwise than most peers may; empty: it must not
	ask        string // see questions
}

// noDS leaves a signed zone an island.
const noDS = "none"

// zoneHeader begins every zone; nothing expires within a test.
const zoneHeader = "$ORIGIN %s\n$TTL 3600\n@ SOA ns1 hostmaster 1 3600 900 604800 300\n"

// delegationText is what the parent and the zone itself say of its servers.
func (z *zone) delegationText() string {
	if z.delegation != "" {
		return z.delegation
	}
	var text strings.Builder
	for i, name := range strings.Fields(z.servers) {
		fmt.Fprintf(&text, "@ NS ns%d\n", i+1)
		for _, address := range hosts[name].addresses {
			fmt.Fprintf(&text, "ns%d %s %s\n", i+1, family(address), address)
		}
	}
	return text.String()
}

func family(address string) string {
	if strings.Contains(address, ":") {
		return "AAAA"
	}
	return "A"
}

// workshop makes zone files.
type workshop struct {
	t      testing.TB
	folder string
	files  map[string]string   // of zones, by name
	online []served            // zones that PowerDNS signs
	ds     map[string][]string // what the parents are to say, by name of the child
}

func newWorkshop(t testing.TB) *workshop {
	return &workshop{t: t, folder: t.TempDir(), files: map[string]string{}, ds: map[string][]string{}}
}

// make writes and signs all zones, children before parents.
func (w *workshop) make(zones []*zone) {
	w.t.Helper()
	zones = slices.Clone(zones)
	children := byParent(zones)
	slices.SortStableFunc(zones, func(a, b *zone) int { return dns.CountLabel(b.name) - dns.CountLabel(a.name) })
	for _, z := range zones {
		folder := subfolder(w.t, w.folder, strings.Trim(z.name, ".")+".zone")
		w.files[z.name] = filepath.Join(folder, "zone")
		overwrite(w.t, w.files[z.name], fmt.Sprintf(zoneHeader, z.name)+z.delegationText()+z.text+w.delegations(children[z.name]))
		if z.sign != nil {
			w.ds[z.name] = z.sign(w, z)
		}
		if z.spoil != nil {
			w.rewrite(z)
		}
		if z.ds != "" {
			w.ds[z.name] = strings.Split(z.ds, "\n")
		}
		if z.ds == noDS {
			delete(w.ds, z.name)
		}
	}
}

// delegations are what a zone says of the zones right below it.
func (w *workshop) delegations(children []*zone) string {
	var text strings.Builder
	for _, child := range children {
		fmt.Fprintf(&text, "$ORIGIN %s\n%s", child.name, child.delegationText())
		for _, ds := range w.ds[child.name] {
			fmt.Fprintf(&text, "@ DS %s\n", ds)
		}
	}
	return text.String()
}

// byParent sorts zones under the closest zone above them, by its name.
func byParent(zones []*zone) map[string][]*zone {
	known, children := map[string]bool{}, map[string][]*zone{}
	for _, z := range zones {
		known[z.name] = true
	}
	for _, z := range zones {
		for up := z.name; up != "."; {
			if up = above(up); known[up] {
				children[up] = append(children[up], z)
				break
			}
		}
	}
	return children
}

// above is the name without its first label.
func above(name string) string {
	i, end := dns.NextLabel(name, 0)
	if end {
		return "."
	}
	return name[i:]
}

// rewrite spoils a zone's file.
func (w *workshop) rewrite(z *zone) {
	w.t.Helper()
	var text strings.Builder
	for _, rr := range z.spoil(w.read(z.name)) {
		text.WriteString(rr.String() + "\n")
	}
	overwrite(w.t, w.files[z.name], text.String())
}

// read returns the records of a zone's file.
func (w *workshop) read(name string) (records []dns.RR) {
	w.t.Helper()
	file, err := os.Open(w.files[name])
	if err != nil {
		w.t.Fatal(err)
	}
	defer file.Close()
	p := dns.NewZoneParser(file, name, "")
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		records = append(records, rr)
	}
	if err := p.Err(); err != nil {
		w.t.Fatal(err)
	}
	return records
}

// without leaves out the records of a kind at a name; of RRSIG those that cover
// the type.
func without(name string, rrtype uint16, covered uint16) func([]dns.RR) []dns.RR {
	return func(all []dns.RR) []dns.RR {
		return slices.DeleteFunc(all, func(rr dns.RR) bool {
			sig, isSig := rr.(*dns.RRSIG)
			return rr.Header().Name == name && rr.Header().Rrtype == rrtype && (!isSig || sig.TypeCovered == covered)
		})
	}
}

// changed gives every A record another address, after the signing.
func changed(all []dns.RR) []dns.RR {
	for _, rr := range all {
		if a, ok := rr.(*dns.A); ok && !strings.HasPrefix(a.Hdr.Name, "ns") {
			a.A[len(a.A)-1] ^= 0xff
		}
	}
	return all
}
