package main

import (
	"cmp"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"bailiff/policy"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// Orders on one page of the list.
const (
	ordersOnPage    = 100
	maxOrdersOnPage = 1000
)

// orderPage is a page of the list of orders, by id.
type orderPage struct {
	Orders []orderBrief `json:"orders"`
	Next   string       `json:"next"` // the value of after for the next page; empty: this is the last
}

// orderBrief is an order in the list. What of a hidden order may hold a name,
// which is all free text, is left out.
type orderBrief struct {
	ID           string       `json:"id"`
	Revision     uint64       `json:"revision"`
	State        string       `json:"state"`
	Title        string       `json:"title"`
	Jurisdiction string       `json:"jurisdiction"`
	Category     string       `json:"category"`
	Authority    authority    `json:"authority"`
	Mode         string       `json:"mode"`
	Action       string       `json:"action"`
	Publicity    string       `json:"publicity"`
	From         time.Time    `json:"from,omitzero"`
	Until        time.Time    `json:"until,omitzero"`
	Rules        ruleCounts   `json:"rules"`
	Matches      orderMatches `json:"matches"`
}

type authority struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// ruleCounts are names by trigger; each name of a list counts.
type ruleCounts map[string]int

// orderMatches are queries that fell under the order since the server's start.
type orderMatches struct {
	Enforced uint64    `json:"enforced"`
	Observed uint64    `json:"observed"`
	Last     time.Time `json:"last,omitzero"`
}

// orderWhole is all that is known of one order but its names.
type orderWhole struct {
	orderBrief
	Priority   int            `json:"priority"`
	LegalBasis []string       `json:"legal_basis"`
	Reference  orderReference `json:"reference"`
	Received   time.Time      `json:"received,omitzero"`
	Review     string         `json:"review"`
	Deadline   orderDeadline  `json:"deadline"`
	Clients    []netip.Prefix `json:"clients"` // empty: all
	TTLSeconds uint32         `json:"ttl_seconds"`
	Exceptions int            `json:"exceptions"`
	Notices    []orderNotice  `json:"notices"`
	Overrides  []orderOver    `json:"overrides"`
	File       string         `json:"file"`
	Line       int            `json:"line"`
	SHA256     string         `json:"sha256"` // of the file
}

type orderReference struct {
	Case     string `json:"case"`
	Issued   string `json:"issued"`
	Document string `json:"document"`
	SHA256   string `json:"sha256"`
}

// orderDeadline is how the order fares against its deadlines; delays are
// seconds, and as times left out where there is none.
type orderDeadline struct {
	BlockSeconds   float64   `json:"block_seconds"`
	UnblockSeconds float64   `json:"unblock_seconds"`
	BlockBy        time.Time `json:"block_by,omitzero"`
	FirstAnswer    time.Time `json:"first_answer,omitzero"`
	DelaySeconds   float64   `json:"delay_seconds"` // from received, or from, to the first answer
}

type orderNotice struct {
	ID           string    `json:"id"`
	At           time.Time `json:"at,omitzero"`
	Kind         string    `json:"kind"`
	By           string    `json:"by"`
	Document     string    `json:"document"`
	FirstAnswer  time.Time `json:"first_answer,omitzero"`
	DelaySeconds float64   `json:"delay_seconds"` // from at to the first answer
}

type orderOver struct {
	Guard      string    `json:"guard"`
	About      string    `json:"about"` // a name or prefix; empty: the order as a whole
	ApprovedBy string    `json:"approved_by"`
	Reason     string    `json:"reason"`
	At         time.Time `json:"at,omitzero"`
}

// serveOrders answers /orders?limit=&after=.
func (a *api) serveOrders(w http.ResponseWriter, r *http.Request) {
	limit, err := readLimit(r.FormValue("limit"))
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	page, now := orderPage{Orders: []orderBrief{}}, time.Now()
	orders, after := a.keeper.law.Load().Orders(), r.FormValue("after")
	start, found := slices.BinarySearchFunc(orders, after, func(o *policy.Order, id string) int { return cmp.Compare(o.ID, id) })
	if found {
		start++
	}
	for _, o := range orders[start:min(start+limit, len(orders))] {
		page.Orders = append(page.Orders, briefOf(o, now))
		page.Next = o.ID
	}
	if start+limit >= len(orders) {
		page.Next = ""
	}
	sendJSON(w, page)
}

func readLimit(text string) (int, error) {
	if text == "" {
		return ordersOnPage, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxOrdersOnPage {
		return 0, fmt.Errorf("limit %s: is not between 1 and %d; leave it out for %d", problem.Quote(text), maxOrdersOnPage, ordersOnPage)
	}
	return n, nil
}

// serveOrder answers /orders/{id}.
func (a *api) serveOrder(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	for _, o := range a.keeper.law.Load().Orders() {
		if o.ID == id {
			sendJSON(w, wholeOf(o, time.Now()))
			return
		}
	}
	refuse(w, http.StatusNotFound, "no order of that id is loaded; "+apiBase+"orders lists them")
}

func briefOf(o *policy.Order, now time.Time) orderBrief {
	b := orderBrief{
		ID: o.ID, Revision: o.Revision, State: o.State(now).String(), Jurisdiction: o.Jurisdiction, Category: o.Category,
		Authority: authority{Kind: o.Authority.Kind.String()}, Mode: o.Mode.String(), Action: o.Answer.Action.String(),
		Publicity: o.Publicity.String(), From: o.Valid.From, Until: o.Valid.Until, Rules: ruleCounts{},
		Matches: orderMatches{Last: o.Tally.LastMatch()},
	}
	if o.Publicity != order.Hidden {
		b.Title, b.Authority.Name = o.Title, o.Authority.Name
	}
	for t, n := range o.RulesByTrigger() {
		if n > 0 {
			b.Rules[order.Trigger(t).String()] = n
		}
	}
	for t := range order.Trigger(order.Triggers) {
		for action := range order.Action(order.Actions) {
			b.Matches.Enforced += o.Tally.Matches(t, action, policy.Enforced)
			b.Matches.Observed += o.Tally.Matches(t, action, policy.Observed)
		}
	}
	return b
}

func wholeOf(o *policy.Order, now time.Time) orderWhole {
	whole := orderWhole{
		orderBrief: briefOf(o, now), Priority: o.Priority, LegalBasis: []string{}, Received: o.Received, Review: o.Valid.Review,
		Deadline: deadlineOf(o), Clients: append([]netip.Prefix{}, o.Clients...), TTLSeconds: o.TTLSeconds,
		Notices: []orderNotice{}, Overrides: []orderOver{}, File: o.Source.File, Line: o.Source.Line, SHA256: o.Source.SHA256,
	}
	for i := range o.Rules {
		if o.Rules[i].Except {
			whole.Exceptions += o.Rules[i].Names
		}
	}
	isHidden := o.Publicity == order.Hidden
	for _, n := range o.Notices {
		first, _ := o.FirstAnswerUnder(n.ID)
		told := orderNotice{ID: n.ID, At: n.At, Kind: n.Kind, By: n.By, Document: n.Document, FirstAnswer: first, DelaySeconds: delay(n.At, first)}
		if isHidden {
			told.By, told.Document = "", ""
		}
		whole.Notices = append(whole.Notices, told)
	}
	for _, v := range o.Overrides {
		told := orderOver{Guard: v.Guard.String()}
		if !isHidden {
			told = orderOver{told.Guard, aboutOf(&v), v.ApprovedBy, v.Reason, v.At}
		}
		whole.Overrides = append(whole.Overrides, told)
	}
	if !isHidden {
		whole.LegalBasis = append(whole.LegalBasis, o.LegalBasis...)
		whole.Reference = orderReference{o.Reference.Case, o.Reference.Issued, o.Reference.Document, o.Reference.SHA256}
	}
	return whole
}

// aboutOf is what the override is about.
func aboutOf(v *order.Override) string {
	switch {
	case v.Prefix.IsValid():
		return v.Prefix.String()
	case v.Name != "":
		return v.Name.String()
	}
	return ""
}

func deadlineOf(o *policy.Order) orderDeadline {
	d := orderDeadline{BlockSeconds: o.Deadline.Block.Seconds(), UnblockSeconds: o.Deadline.Unblock.Seconds(), FirstAnswer: o.Tally.FirstAnswer()}
	if !o.Received.IsZero() && o.Deadline.Block > 0 {
		d.BlockBy = o.Received.Add(o.Deadline.Block)
	}
	since := o.Received
	if since.IsZero() {
		since = o.Valid.From
	}
	d.DelaySeconds = delay(since, d.FirstAnswer)
	return d
}

// delay is how many seconds after since the first answer came; 0 if one of them
// is not known.
func delay(since, first time.Time) float64 {
	if since.IsZero() || first.IsZero() {
		return 0
	}
	return max(0, first.Sub(since).Seconds())
}
