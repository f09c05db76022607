package report

import (
	"fmt"
	"strings"
	"time"
)

// at is a time of the samples.
func at(text string) time.Time {
	t, err := time.Parse(time.DateTime, text)
	if err != nil {
		panic(err)
	}
	return t
}

// sha is a digest of the samples.
func sha(c string) string { return strings.Repeat(c, 64) }

// sampleFrame is what the sample documents begin with.
func sampleFrame() Frame {
	return Frame{
		Made: at("2026-11-23 09:30:00"), Version: "v1.0.0", From: at("2026-09-14 06:58:31"), To: at("2026-11-23 09:20:04"), JournalFrom: at("2026-02-01 00:00:00"),
		Interruption: []Interruption{
			{Kind: interruptStopped, From: at("2026-10-06 02:00:11"), To: at("2026-10-06 02:00:19")},
			{Kind: interruptGap, From: at("2026-10-20 13:04:00"), To: at("2026-10-20 13:05:30"), Cause: "the disk did not keep up", Lost: 3},
		},
		Proof: Proof{
			State: "/var/lib/bailiff", Whole: true, Entries: 41238, Head: "41237:" + sha("3f"[:1]), SignedAt: at("2026-11-23 09:20:04"), Unsigned: 2,
			Key: "9b1c22f07de54a6b",
		},
	}
}

// sampleOrder is a report with something in every part of it.
func sampleOrder() *Order {
	file, list, notice := "/etc/bailiff/orders.d/it-milano-2026-00417.yaml", "/etc/bailiff/orders.d/lists/mirrors.txt", "/etc/bailiff/orders.d/notices/notice-1.yaml"
	began := at("2026-09-14 06:58:31")
	o := &Order{
		Frame: sampleFrame(), ID: "it-milano-2026-00417", State: "in-force", Since: began,
		Says: Says{
			Publicity: "public", Revision: 3, Title: "Lega Calcio Example v. unknown persons: IPTV THE BEST, ENERGY IPTV", AuthorityKind: "court", Authority: "Tribunale di Milano",
			Jurisdiction: "IT", Category: "copyright-live", LegalBasis: []string{"l. 633/1941 art. 156 e 163", "d.lgs. 70/2003 art. 14-16"},
			Case: "R.G. 00417/2026", Issued: "2026-09-11", Document: "archive/2026/it-milano-2026-00417.pdf", DocumentSHA256: sha("a"),
			Received: at("2026-09-14 07:12:00").Add(-time.Hour), BlockSeconds: 172800, UnblockSeconds: 172800, ValidFrom: at("2026-09-14 06:12:00"), Review: "2027-09-15",
			Mode: "enforce", Action: "notice",
		},
		FirstAnswer: at("2026-09-14 06:58:40"),
		Held:        Held{Rules: map[string]int{"name": 7, "address": 1}, Exceptions: 1},
		Probe:       &Probe{Started: at("2026-11-22 03:00:00"), Seconds: 41, Queries: 182340, Proved: 45012, NotProbed: 31},
		Overrides: []Override{{
			At: at("2026-10-02 08:15:27"), Guard: "popular", ApprovedBy: "A. Rossi, legal department", Approved: at("2026-10-02 08:00:00"), Reason: "the court names it",
			Lifts: "it-milano-2026-00417.yaml:31: note: override 1: video.example: would hit video.example, rank 8123 of top.csv",
		}},
		Versions: []Version{
			{At: began, Generation: 12, Entry: 40112, Revision: 1, File: file, SHA256: sha("1"), Held: Held{Rules: map[string]int{"name": 5, "address": 1}, Exceptions: 1}},
			{At: at("2026-10-02 08:15:27"), Generation: 15, Entry: 40530, Revision: 2, File: file, SHA256: sha("2"), Held: Held{Rules: map[string]int{"name": 7, "address": 1}, Exceptions: 1},
				Changes: []Change{{Key: "review", Before: "2027-03-15", After: "2027-09-15"}}},
			{At: at("2026-11-02 17:04:51"), Generation: 21, Entry: 41002, Revision: 3, File: file, SHA256: sha("2"), Held: Held{Rules: map[string]int{"name": 7, "address": 1}, Exceptions: 1}},
		},
	}
	span := func(what, kind, match, from, until string, generation, entry uint64, file, digest, notice string) {
		s := Span{What: what, Kind: kind, Match: match, Effect: "enforced", From: at(from), Generation: generation, Entry: entry, File: file, SHA256: digest, Notice: notice, Count: 1}
		if until != "" {
			s.Until = at(until)
		}
		o.Spans = append(o.Spans, s)
	}
	first := "2026-09-14 06:58:31"
	span("192.0.2.44/32", "address", "", first, "", 12, 40112, file, sha("1"), "")
	span("energy-iptv.example", "name", "subtree", first, "", 12, 40112, file, sha("1"), "")
	span("iptv-the-best.example", "name", "subtree", first, "2026-11-02 17:04:51", 12, 40112, file, sha("1"), "")
	span("mirror1.energy-iptv.test", "name", "subtree", first, "", 12, 40112, list, sha("3"), "")
	span("panel.iptv-the-best.test", "name", "exact", first, "", 12, 40112, file, sha("1"), "")
	span("status.energy-iptv.example", "exception", "exact", first, "", 12, 40112, file, sha("1"), "")
	span("energy-iptv2.example", "name", "subtree", "2026-10-02 08:15:27", "", 15, 40530, notice, sha("4"), "notice-1")
	span("video.example", "name", "subtree", "2026-10-02 08:15:27", "", 15, 40530, notice, sha("4"), "notice-1")
	o.Deadlines = []Deadline{
		{Kind: "order", From: at("2026-09-14 06:12:00"), Done: began, AllowedSeconds: 172800, FirstAnswer: o.FirstAnswer},
		{Notice: "notice-1", Kind: "addition", By: "applicants’ counsel", From: at("2026-09-28 15:55:00"), Done: at("2026-10-02 08:15:27"), AllowedSeconds: 172800, FirstAnswer: at("2026-10-02 08:16:03")},
		{Notice: "notice-2", Kind: "removal", By: "Tribunale di Milano", From: at("2026-11-02 15:40:00"), Done: at("2026-11-02 17:04:51"), AllowedSeconds: 172800},
	}
	for i := range o.Deadlines {
		o.Deadlines[i] = o.Deadlines[i].settled(o.From, o.To)
	}
	o.Sums = sums(o.Deadlines)
	o.Matches = sampleMatches(70, 40)
	return o
}

// sampleMatches are those of some days, the busiest with that many and a few
// observed ones.
func sampleMatches(days int, most uint64) Matches {
	m := Matches{Until: at("2026-11-23 00:00:00")}
	for i := range days {
		d := Day{Day: at("2026-09-14 00:00:00").AddDate(0, 0, i).Format(time.DateOnly), Enforced: most*uint64((i*7)%11+1) + uint64(i%7*31), Observed: uint64(i%9) * most / 8}
		m.Days = append(m.Days, d)
		m.Enforced += d.Enforced
		m.Observed += d.Observed
	}
	return m
}

// sampleSummary has many orders, one of them hidden.
func sampleSummary() *Summary {
	s := &Summary{Frame: sampleFrame(), MatchesUntil: at("2026-11-23 00:00:00")}
	for i := range 40 {
		o := SummaryOrder{
			ID: fmt.Sprintf("it-agcom-2026-%05d", i+1), State: "in-force", Since: at("2026-09-14 06:58:31"), Notices: i % 4, Enforced: uint64(i * 9137),
			Says: Says{Authority: "Autorità per le garanzie nelle comunicazioni", AuthorityKind: "regulator", Jurisdiction: "IT", Received: at("2026-09-14 06:12:00"), BlockSeconds: 1800},
			Held: Held{Rules: map[string]int{"name": 3 * i}},
		}
		o.Deadline = Deadline{Kind: "order", From: o.Says.Received, Done: o.Since.Add(-time.Duration(i) * time.Minute), AllowedSeconds: 1800}.settled(s.From, s.To)
		s.Sums.add(o.Deadline)
		s.Enforced += o.Enforced
		s.Orders = append(s.Orders, o)
	}
	s.Orders[7].Says, s.Orders[7].State = s.Orders[7].Says.hidden(), "lapsed"
	return s
}

// sampleReceipt has an item for each outcome.
func sampleReceipt() *Receipt {
	r := &Receipt{Frame: sampleFrame(), ID: "it-piracy-shield", State: "in-force", Says: sampleOrder().Says, Ticket: "tickets/2026-11-22.json", TicketSHA256: sha("c")}
	r.add(Item{Ticket: "6f1a", Kind: "fqdn", Item: "live1.example", Processed: true, Since: at("2026-11-22 18:02:11"), Generation: 31, SHA256: sha("d")})
	r.add(Item{Ticket: "6f1a", Kind: "fqdn", Item: "a.live2.example", Processed: true, Since: at("2026-11-22 18:02:11"), Generation: 31, Detail: "live2.example"})
	r.add(Item{Ticket: "6f1a", Kind: "ipv4", Item: "198.51.100.7", Processed: true, Since: at("2026-11-22 18:02:11"), Generation: 31})
	for _, reason := range reasons() {
		r.add(Item{Ticket: "6f1b", Kind: "fqdn", Item: reason + ".example", Reason: reason})
	}
	return r
}

// reasons are all reasons why an item is not processed.
func reasons() []string {
	return []string{reasonInvalid, reasonAbsent, reasonEnded, reasonGuard, reasonRejected, reasonExcepted, reasonObserved, reasonNotInForce}
}
