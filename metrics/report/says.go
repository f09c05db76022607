package report

import (
	"strings"
	"time"

	"bailiff/policy/order"
)

// Says is what the order says beside its rules, as it was last read.
type Says struct {
	Publicity      string    `json:"publicity"`
	Revision       uint64    `json:"revision"`
	Title          string    `json:"title,omitempty"`
	AuthorityKind  string    `json:"authority_kind"`
	Authority      string    `json:"authority,omitempty"`
	Jurisdiction   string    `json:"jurisdiction,omitempty"`
	Category       string    `json:"category,omitempty"`
	LegalBasis     []string  `json:"legal_basis,omitempty"`
	Case           string    `json:"case,omitempty"`
	Issued         string    `json:"issued,omitempty"`
	Document       string    `json:"document,omitempty"`
	DocumentSHA256 string    `json:"document_sha256,omitempty"`
	Received       time.Time `json:"received,omitzero"`
	BlockSeconds   float64   `json:"block_within_seconds,omitempty"`
	UnblockSeconds float64   `json:"unblock_within_seconds,omitempty"`
	ValidFrom      time.Time `json:"valid_from,omitzero"`
	ValidUntil     time.Time `json:"valid_until,omitzero"`
	Review         string    `json:"review,omitempty"`
	Clients        []string  `json:"clients,omitempty"` // networks; empty: everybody
	Mode           string    `json:"mode"`
	Action         string    `json:"action"`
}

// saysOf is what an order says.
func saysOf(o *order.Order) Says {
	s := Says{
		Publicity: o.Publicity.String(), Revision: o.Revision, Title: o.Title,
		AuthorityKind: o.Authority.Kind.String(), Authority: o.Authority.Name,
		Jurisdiction: o.Jurisdiction, Category: o.Category, LegalBasis: o.LegalBasis,
		Case: o.Reference.Case, Issued: o.Reference.Issued, Document: o.Reference.Document, DocumentSHA256: o.Reference.SHA256,
		Received: second(o.Received), BlockSeconds: o.Deadline.Block.Seconds(), UnblockSeconds: o.Deadline.Unblock.Seconds(),
		ValidFrom: second(o.Valid.From), ValidUntil: second(o.Valid.Until), Review: o.Valid.Review,
		Mode: o.Mode.String(), Action: o.Answer.Action.String(),
	}
	for _, p := range o.Clients {
		s.Clients = append(s.Clients, p.String())
	}
	return s
}

// facts are what the order says as texts, by their keys in translations.
func (s Says) facts() []Change {
	within := func(seconds float64) string { return time.Duration(seconds * float64(time.Second)).String() }
	return []Change{
		{Key: "title", After: s.Title}, {Key: "authority", After: s.Authority}, {Key: "case", After: s.Case},
		{Key: "issued", After: s.Issued}, {Key: "jurisdiction", After: s.Jurisdiction}, {Key: "category", After: s.Category},
		{Key: "legal-basis", After: strings.Join(s.LegalBasis, "; ")}, {Key: "document", After: s.Document + " " + s.DocumentSHA256},
		{Key: "received", After: stamp(s.Received)}, {Key: "deadline", After: within(s.BlockSeconds)}, {Key: "unblock", After: within(s.UnblockSeconds)},
		{Key: "valid", After: stamp(s.ValidFrom) + " – " + stamp(s.ValidUntil)}, {Key: "review", After: s.Review},
		{Key: "clients", After: strings.Join(s.Clients, " ")}, {Key: "action", After: s.Action + ", " + s.Mode}, {Key: "publicity", After: s.Publicity},
	}
}

// changes are what says something else now.
func changes(before, now Says) (changed []Change) {
	were := before.facts()
	for i, c := range now.facts() {
		if c.Before = were[i].After; c.Before != c.After {
			changed = append(changed, c)
		}
	}
	return changed
}
