package report

import (
	"slices"

	"bailiff/policy/order"
)

// redact takes out what a document may not tell. Of a summary order that is
// every name, and every text made to hold names: what is left of them is how
// many there were, from when until when. Of a hidden order it is all but what
// can be counted, its dates, whom it is for and the kind of its authority:
// digests of files too, from which a short list could be guessed. An order that was hidden once
// is hidden in all of its document.
func (o *Order) redact(p order.Publicity) {
	o.Says.Publicity = p.String()
	if p == order.Public {
		return
	}
	for i := range o.Overrides {
		o.Overrides[i].Lifts, o.Overrides[i].Reason = "", ""
	}
	for i := range o.Versions {
		for j := range o.Versions[i].Changes {
			o.Versions[i].Changes[j] = Change{Key: o.Versions[i].Changes[j].Key}
		}
	}
	for i := range o.Spans {
		o.Spans[i].What = ""
	}
	if p == order.Hidden {
		o.hide()
	}
	o.Spans = added(o.Spans)
}

func (o *Order) hide() {
	o.Says = o.Says.hidden()
	for i := range o.Deadlines {
		d := &o.Deadlines[i]
		d.Notice, d.By, d.Document, d.SHA256 = "", "", "", ""
	}
	for i := range o.Overrides {
		o.Overrides[i].ApprovedBy = ""
	}
	for i := range o.Versions {
		o.Versions[i].File, o.Versions[i].SHA256, o.Versions[i].Changes = "", "", nil
	}
	for i := range o.Spans {
		o.Spans[i].File, o.Spans[i].SHA256, o.Spans[i].Notice = "", "", ""
	}
}

// hidden is what may be told of what a hidden order says.
func (s Says) hidden() Says {
	return Says{
		Publicity: order.Hidden.String(), Revision: s.Revision, AuthorityKind: s.AuthorityKind,
		Received: s.Received, BlockSeconds: s.BlockSeconds, UnblockSeconds: s.UnblockSeconds,
		ValidFrom: s.ValidFrom, ValidUntil: s.ValidUntil, Review: s.Review, Clients: s.Clients, Mode: s.Mode, Action: s.Action,
	}
}

// added makes one span of those that differ in nothing, with their number.
func added(spans []Span) []Span {
	at := map[Span]int{}
	sums := []Span{}
	for _, s := range spans {
		n := s.Count
		s.Count = 0
		i, known := at[s]
		if !known {
			i = len(sums)
			at[s] = i
			sums = append(sums, s)
		}
		sums[i].Count += n
	}
	sortSpans(sums)
	return slices.Clip(sums)
}
