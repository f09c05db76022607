package report

import (
	"cmp"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bailiff/metrics/journal"
	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// Receipt is what became of each item of a ticket under an order.
type Receipt struct {
	Frame
	ID           string        `json:"order"`
	State        string        `json:"state"`
	Says         Says          `json:"says"`
	Ticket       string        `json:"ticket"` // file
	TicketSHA256 string        `json:"ticket_sha256,omitempty"`
	Processed    int           `json:"processed"`
	NotProcessed int           `json:"not_processed"`
	Reasons      []ReasonCount `json:"reasons"`
	Items        []Item        `json:"items"` // none where the order's names may not be told
}

// ReasonCount is how many items were not processed for a reason.
type ReasonCount struct {
	Reason string `json:"reason"`
	Count  int    `json:"count"`
}

// Item is one name or address of a ticket.
type Item struct {
	Ticket     string    `json:"ticket,omitempty"` // its id
	Kind       string    `json:"kind"`             // fqdn ipv4 ipv6
	Item       string    `json:"item"`
	Processed  bool      `json:"processed"`
	Reason     string    `json:"reason,omitempty"` // why not
	Detail     string    `json:"detail,omitempty"`
	Since      time.Time `json:"since,omitzero"` // under order since; for ended: until
	Generation uint64    `json:"generation,omitempty"`
	Entry      uint64    `json:"entry,omitempty"`  // of the journal
	SHA256     string    `json:"sha256,omitempty"` // of the file that put it under order
}

// Reasons why an item is not processed.
const (
	reasonInvalid    = "invalid"      // no name or address
	reasonAbsent     = "absent"       // the order does not hold it
	reasonEnded      = "ended"        // the order held it
	reasonGuard      = "guard"        // the guard refuses it
	reasonRejected   = "rejected"     // the last reload was rejected for something else
	reasonExcepted   = "excepted"     // an exception frees it
	reasonObserved   = "observed"     // the order only counts
	reasonNotInForce = "not-in-force" // the order is pending, lapsed or lifted
)

// NewReceipt reports on the items of a ticket file under the order q.ID at the
// end of the time; without a ticket, on those of the piracy-shield list that
// the order held last. Errors are those of NewOrder, and those of the ticket.
func NewReceipt(q Query, ticket string) (*Receipt, error) {
	r, l, err := readLife(q)
	if err != nil {
		return nil, err
	}
	told, err := replay(q.State, r, l)
	if err != nil {
		return nil, err
	}
	frame, err := r.frame(q)
	if err != nil {
		return nil, err
	}
	if n := len(l.versions); n > 0 && l.versions[n-1].unknown {
		return nil, problem.Problem{File: q.State, Value: q.ID, Text: "is an order whose last version is not in the archive", Remedy: "bring the archive back from a copy"}
	}
	t, ticket, err := ticketsOf(q.State, l, ticket)
	if err != nil {
		return nil, err
	}
	receipt := &Receipt{Frame: frame, ID: q.ID, Says: told.says, Ticket: ticket, TicketSHA256: t.sha256, Items: []Item{}}
	receipt.State, _ = l.state()
	b := newBook(told.tracker, r, l)
	for _, item := range t.items {
		receipt.add(b.look(item))
	}
	receipt.redact(told.publicity(l))
	return receipt, nil
}

// ticketsOf reads the ticket, or the order's own list.
func ticketsOf(state string, l *life, ticket string) (*tickets, string, error) {
	if ticket != "" {
		t, err := readTickets(ticket)
		return t, ticket, err
	}
	folder, err := os.MkdirTemp("", "bailiff-ticket-")
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	for _, v := range slices.Backward(l.versions) {
		for _, list := range v.detail.Lists {
			path := filepath.Join(folder, list.SHA256)
			if journal.Restore(state, list.SHA256, path) != nil {
				continue
			}
			if t, err := readTickets(path); err == nil {
				return t, list.File, nil
			}
		}
	}
	return nil, "", problem.Problem{File: state, Value: l.id, Text: "is an order that held no list of tickets", Remedy: "name the ticket with --ticket"}
}

// add counts an item.
func (r *Receipt) add(i Item) {
	r.Items = append(r.Items, i)
	if i.Processed {
		r.Processed++
		return
	}
	r.NotProcessed++
	at, known := slices.BinarySearchFunc(r.Reasons, i.Reason, func(c ReasonCount, reason string) int { return cmp.Compare(c.Reason, reason) })
	if !known {
		r.Reasons = slices.Insert(r.Reasons, at, ReasonCount{Reason: i.Reason})
	}
	r.Reasons[at].Count++
}

// redact is Order.redact for a receipt.
func (r *Receipt) redact(p order.Publicity) {
	r.Says.Publicity = p.String()
	if p != order.Public {
		r.Items = []Item{}
	}
	if p == order.Hidden {
		r.Says, r.Ticket, r.TicketSHA256 = r.Says.hidden(), "", ""
	}
}

// book finds what is under an order at the end of a time.
type book struct {
	spans    map[string]*Span // by bookKey; those in force before those that ended, of these the last
	end      time.Time
	life     *life
	rejected time.Time
	state    string
}

func bookKey(kind, match, what string) string { return kind + " " + match + " " + what }

func newBook(t *tracker, r *record, l *life) *book {
	b := &book{spans: map[string]*Span{}, end: r.last, life: l, rejected: r.rejected}
	b.state, _ = l.state()
	for i := range t.spans {
		s := &t.spans[i]
		if s.Count == 0 || s.From.After(b.end) {
			continue
		}
		key := bookKey(s.Kind, s.Match, s.What)
		if known := b.spans[key]; known == nil || !known.runsAt(b.end) && (s.runsAt(b.end) || s.Until.After(known.Until)) {
			b.spans[key] = s
		}
	}
	return b
}

// look says what became of an item.
func (b *book) look(t ticketItem) Item {
	item := Item{Ticket: t.ticket, Kind: t.kind, Item: t.text}
	canonical, span, err := b.find(t)
	switch {
	case err != nil:
		item.Reason, item.Detail = reasonInvalid, err.Error()
	case span == nil:
		b.explain(&item, canonical)
	case !span.runsAt(b.end):
		item.Reason, item.Since = reasonEnded, second(span.Until)
		if b.state != string(journal.InForce) {
			item.Reason = reasonNotInForce
		}
	case span.Kind == kindException:
		item.Reason, item.Detail = reasonExcepted, span.What
	case span.Effect == effect(order.Observe):
		item.Reason = reasonObserved
	default:
		item.Processed, item.Since = true, second(span.From)
		item.Generation, item.Entry, item.SHA256 = span.Generation, span.Entry, span.SHA256
		if span.What != canonical {
			item.Detail = span.What
		}
	}
	return item
}

// find finds the closest span that holds an item, nil if none ever did.
func (b *book) find(t ticketItem) (canonical string, found *Span, err error) {
	if t.kind == "fqdn" {
		n, err := name.Parse(strings.TrimPrefix(t.text, "*."))
		if err != nil {
			return "", nil, err
		}
		return n.String(), b.findName(n), nil
	}
	p, err := parsePrefix(t.text)
	if err != nil || p.Addr().Is4() != (t.kind == "ipv4") {
		return "", nil, problem.Fault{Text: "is no address of that kind", Remedy: "ask the authority for the right one"}
	}
	return p.String(), b.findPrefix(p), nil
}

func parsePrefix(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a.WithZone(""), a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	return p.Masked(), err
}

// findName goes up from the name; at each step exceptions come first.
func (b *book) findName(n name.Name) (ended *Span) {
	matches := []name.Match{name.Exact, name.Subtree}
	for at := n; at != name.Root; at = at.Parent() {
		for _, m := range matches {
			for _, kind := range []string{kindException, order.TriggerName.String()} {
				switch s := b.spans[bookKey(kind, m.String(), at.String())]; {
				case s == nil:
				case s.runsAt(b.end):
					return s
				case ended == nil && kind != kindException:
					ended = s
				}
			}
		}
		matches = []name.Match{name.Below, name.Subtree}
	}
	return ended
}

// findPrefix goes on to wider and wider networks.
func (b *book) findPrefix(p netip.Prefix) (ended *Span) {
	for bits := p.Bits(); bits >= 0; bits-- {
		wider := netip.PrefixFrom(p.Addr(), bits).Masked()
		switch s := b.spans[bookKey(order.TriggerAddress.String(), "", wider.String())]; {
		case s == nil:
		case s.runsAt(b.end):
			return s
		case ended == nil:
			ended = s
		}
	}
	return ended
}

// explain says why the order does not hold an item.
func (b *book) explain(item *Item, canonical string) {
	item.Reason = reasonAbsent
	for _, r := range b.life.refusals {
		if r.at.Equal(b.rejected) && strings.Contains(r.problem, ": "+canonical+": ") {
			item.Reason, item.Since, item.Detail = reasonGuard, second(r.at), r.problem
			return
		}
	}
	switch {
	case !b.rejected.IsZero():
		item.Reason, item.Since = reasonRejected, second(b.rejected)
	case b.state != string(journal.InForce):
		item.Reason = reasonNotInForce
	}
}

// WriteCSV writes the items, one a line; where they may not be told, the
// reasons with their numbers.
func (r *Receipt) WriteCSV(w io.Writer) error {
	if len(r.Items) == 0 {
		counts := append([]ReasonCount{{"processed", r.Processed}}, r.Reasons...)
		return writeCSV(w, []string{"reason", "count"}, len(counts), func(i int) []string {
			return []string{counts[i].Reason, digits(uint64(counts[i].Count))}
		})
	}
	result := map[bool]string{true: "processed", false: "unprocessed"}
	return writeCSV(w, []string{"ticket", "kind", "item", "result", "reason", "since", "generation", "entry", "sha256", "detail"}, len(r.Items), func(i int) []string {
		t := &r.Items[i]
		return []string{t.Ticket, t.Kind, t.Item, result[t.Processed], t.Reason, stamp(t.Since), digits(t.Generation), digits(t.Entry), t.SHA256, t.Detail}
	})
}

// WritePage writes the receipt as an HTML page, beside files that belong to it.
func (r *Receipt) WritePage(w io.Writer, l *Language, beside []Beside) error {
	return writePage(w, "receipt", l, struct {
		*Receipt
		page
		Public bool
	}{r, newPage(r.Frame, beside), r.Says.Publicity == order.Public.String()})
}
