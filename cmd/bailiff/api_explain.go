package main

import (
	"net/http"
	"net/netip"
	"strings"
	"time"

	"bailiff/metrics/journal"
	"bailiff/policy"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// serveExplain answers /explain?name=&type=&client=&at= as bailiff explain
// --json does, from the orders of the running server. It counts no match.
func (a *api) serveExplain(w http.ResponseWriter, r *http.Request) {
	question := []string{r.FormValue("name")}
	if t := r.FormValue("type"); t != "" {
		question = append(question, t)
	}
	asked, qtype, err := readQuestion(question)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	client, err := readClient(r.FormValue("client"))
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	law, at := a.keeper.law.Load(), time.Now()
	if text := r.FormValue("at"); text != "" {
		if at, err = parseTime(text); err != nil {
			refuse(w, http.StatusBadRequest, "at "+problem.Quote(text)+": "+err.Error())
			return
		}
		if !law.Holds(at) {
			refuse(w, http.StatusConflict, "other rules hold at that time than now; bailiff explain --at answers for any time")
			return
		}
	}
	found := explain(law, ruleInForce, asked, qtype, client, at)
	found.Generation = law.Generation
	sendJSON(w, found)
}

// ruleInForce is the place of a rule whose names are compiled. Where the names of
// a hidden order stand is not told.
func ruleInForce(m *policy.Match, _ []byte) string {
	place := m.Order.Rules[m.Rule].Place
	if m.Order.Publicity == order.Hidden {
		place, _, _ = strings.Cut(place, " (")
	}
	return place
}

// readClient reads a client's address; without one it is this machine.
func readClient(text string) (netip.Addr, error) {
	if text == "" {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return a, problem.Fault{Text: "client " + problem.Quote(text) + ": is no address", Remedy: "write one such as 192.0.2.7"}
	}
	return a.Unmap().WithZone(""), nil
}

// journalHead is the end of the journal.
type journalHead struct {
	Head      string    `json:"head"` // for bailiff journal verify --head; empty: none is signed yet
	Seq       uint64    `json:"seq"`  // of the entry that the head signs
	SHA256    string    `json:"sha256"`
	SignedAt  time.Time `json:"signed_at,omitzero"`
	PublicKey []byte    `json:"public_key"` // ed25519, base64
	Signature []byte    `json:"signature"`
	Key       string    `json:"key"`     // short name of the public key
	Entries   uint64    `json:"entries"` // seq of the last entry
	Last      time.Time `json:"last,omitzero"`
}

// serveJournalHead answers /journal/head: what somebody keeps elsewhere to
// prove later that the journal still leads there.
func (a *api) serveJournalHead(w http.ResponseWriter, _ *http.Request) {
	if a.journal == nil {
		refuse(w, http.StatusNotFound, "no journal is kept; set state in the config file")
		return
	}
	head, last, err := journal.LastHead(a.config.state)
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	told := journalHead{
		PublicKey: head.Signature.PublicKey, Signature: head.Signature.Signature, SignedAt: head.SignedAt,
		Seq: head.Seq, SHA256: head.Hash, Key: a.journal.KeyID(), Entries: last.Seq, Last: last.Time,
	}
	if head.Seq > 0 {
		told.Head, told.Key = head.String(), journal.KeyID(head.Signature.PublicKey)
	}
	sendJSON(w, told)
}
