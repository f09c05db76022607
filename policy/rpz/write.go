package rpz

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"bailiff/policy"
	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// What stands at the end of owner names that are not about QNAME.
const (
	triggerAddress       = ".rpz-ip"
	triggerServer        = ".rpz-nsdname"
	triggerServerAddress = ".rpz-nsip"
)

// errNotCompiled says that Plan was given orders that do not load.
var errNotCompiled = errors.New("the orders of the zone do not compile")

// Write writes the zone file, sorted, and reports what it holds. It may be
// called once, with the orders of a load that policy.Compile accepted. Any
// other error is w's.
func (z *Zone) Write(w io.Writer) (*Report, error) {
	names, servers, lifted := pathsOf(z.names), pathsOf(z.servers), z.lifted() // compiling consumes them
	law, serverLaw := z.law(z.names), z.law(z.servers)
	if law == nil || serverLaw == nil {
		return nil, errNotCompiled
	}
	out := writer{
		Writer: bufio.NewWriterSize(w, 1<<16), options: z.options, report: &z.report, outcomes: map[answer]outcome{},
	}
	out.head()
	(&tree{writer: &out, law: law, lifted: lifted}).write(names)
	orders := map[string]*policy.Order{}
	for _, o := range law.Orders() {
		orders[o.ID] = o
	}
	out.addresses(z.addresses, orders, triggerAddress)
	(&tree{writer: &out, law: serverLaw, trigger: triggerServer}).write(servers)
	out.addresses(z.serverAddresses, orders, triggerServerAddress)
	return &z.report, out.Flush()
}

// law is what the orders say at the zone's time, nil if they do not load.
func (z *Zone) law(orders []*order.Order) *policy.Snapshot {
	program := policy.Compile(&order.Set{Orders: orders}, policy.Options{Notice: z.options.Notice}, new(problem.List))
	if program == nil {
		return nil
	}
	return policy.NewStore().Install(program, z.options.At)
}

// lifted are the ids of the orders with rules that passing a name lifts.
func (z *Zone) lifted() map[string]bool {
	ids := map[string]bool{}
	for _, a := range slices.Concat(z.addresses, z.serverAddresses) {
		ids[a.order] = true
	}
	for _, o := range z.servers {
		if len(o.Rules) > 0 {
			ids[o.ID] = true
		}
	}
	return ids
}

// writer writes records. Errors stay with the bufio.Writer.
type writer struct {
	*bufio.Writer
	options  Options
	report   *Report
	outcomes map[answer]outcome
	owner    []byte // of the record at hand
}

// outcome is what a zone says about a name: TTL, type and RDATA of its
// records, a line each. It is empty where the zone says nothing.
type outcome string

// freed takes a name out of what stands above it, and of rules on addresses.
const (
	silent outcome = ""
	freed  outcome = " CNAME rpz-passthru.\n"
)

// head writes what stands before the triggers.
func (w *writer) head() {
	fmt.Fprintf(w, "; Response policy zone of the %d orders in force at %s.\n", w.report.Orders, w.options.At.UTC().Format(time.RFC3339))
	if until := w.report.Until; !until.IsZero() {
		fmt.Fprintf(w, "; Orders begin or end at %s: export again then.\n", until.UTC().Format(time.RFC3339))
	}
	fmt.Fprintf(w, "$ORIGIN %s.\n$TTL 60\n@ IN SOA localhost. nobody.invalid. %d 3600 600 86400 60\n@ IN NS localhost.\n",
		w.options.Origin, uint32(w.options.At.Unix()))
}

// record writes what the zone says about an owner name, relative to its origin.
func (w *writer) record(owner []byte, o outcome) {
	if len(owner)+1+len(w.options.Origin) > name.MaxWire {
		w.report.leave(NoOwner, 1, "")
		return
	}
	for line := range strings.Lines(string(o)) {
		_, _ = w.Write(owner)
		_, _ = w.WriteString(line)
		w.report.Records++
	}
}

// answer is what an order's outcome depends on.
type answer struct {
	order *policy.Order
	ttl   uint32
}

// outcome is the records for an answer.
func (w *writer) outcome(a answer) outcome {
	if o, known := w.outcomes[a]; known {
		return o
	}
	var lines strings.Builder
	for _, data := range w.data(a.order) {
		fmt.Fprintf(&lines, " %d %s\n", a.ttl, data)
	}
	o := outcome(lines.String())
	w.outcomes[a] = o
	return o
}

// data is type and RDATA of the records that ask for an order's action
// (section 3 of the draft).
func (w *writer) data(o *policy.Order) (lines []string) {
	action := o.Answer.Action
	if action == order.ActionRefuse {
		action = w.options.RefuseAs
	}
	switch action {
	case order.ActionNXDOMAIN:
		return []string{"CNAME ."}
	case order.ActionNODATA:
		return []string{"CNAME *."}
	case order.ActionDrop:
		return []string{"CNAME rpz-drop."}
	case order.ActionNotice:
		for _, octets := range o.IPv4 {
			lines = append(lines, "A "+netip.AddrFrom4([4]byte(octets)).String())
		}
		for _, octets := range o.IPv6 {
			lines = append(lines, "AAAA "+netip.AddrFrom16([16]byte(octets)).String())
		}
	}
	return lines
}

// addresses writes rules on addresses: of the orders that hold the same prefix
// the one that comes first.
func (w *writer) addresses(list []address, orders map[string]*policy.Order, trigger string) {
	slices.SortFunc(list, func(a, b address) int {
		return cmp.Or(
			a.Prefix.Compare(b.Prefix),
			policy.Precedence(orders[a.order].Order, orders[b.order].Order),
		)
	})
	list = slices.CompactFunc(list, func(a, b address) bool { return a.Prefix == b.Prefix })
	for _, a := range list {
		o := orders[a.order]
		ttl := o.TTLSeconds
		if !a.until.IsZero() {
			ttl = uint32(min(time.Duration(ttl), a.until.Sub(w.options.At)/time.Second))
		}
		w.record([]byte(owner(a.Prefix)+trigger), w.outcome(answer{o, ttl}))
	}
}
