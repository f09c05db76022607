package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"bailiff/metrics/journal"
	"bailiff/policy"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// loadPast reads the orders that were in force from the journal's archive. The
// guard let them pass when they were loaded.
func (e *explainCommand) loadPast(cfg *config, problems *problem.List) (lawAt, *config, error) {
	past, err := journal.LoadAt(e.state, e.at)
	if err != nil {
		return lawAt{}, nil, failure{err.Error() + "\n"}
	}
	folder, err := os.MkdirTemp("", "bailiff-past-")
	if err != nil {
		return lawAt{}, nil, failed(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	paths, were, err := past.Restore(folder)
	if err != nil {
		return lawAt{}, nil, failure{err.Error() + "\n"}
	}
	set := order.Load(paths, problems)
	law := lawAt{policy.NewStore(), map[string][]order.Rule{}}
	for _, o := range set.Orders {
		for i := range o.Rules {
			o.Rules[i].File = were[o.Rules[i].File]
		}
		law.rules[o.ID] = o.Rules
	}
	notice := order.Addresses{IPv4: past.NoticeIPv4, IPv6: past.NoticeIPv6}
	program := policy.Compile(set, policy.Options{Notice: notice}, problems)
	if problems.Refused() {
		return lawAt{}, nil, refused(problems)
	}
	law.store.Install(program, e.at)
	e.past = past
	return law, cfg, nil
}

// printPast says where the answer comes from, and how sure that is.
func printPast(b *strings.Builder, past *journal.LoadedAt) {
	fmt.Fprintf(b, "From the journal: generation %d, loaded at %s (entry %d).\n",
		past.Generation, past.Since.Format(time.RFC3339), past.Seq)
	switch {
	case past.Unsure && past.To.IsZero():
		fmt.Fprintf(b, "The journal says nothing after %s: whether the server ran is not recorded.\n", past.From.Format(time.RFC3339))
	case past.Unsure:
		fmt.Fprintf(b, "The server ended without a word after %s and began again at %s: whether it ran is not recorded.\n",
			past.From.Format(time.RFC3339), past.To.Format(time.RFC3339))
	}
}
