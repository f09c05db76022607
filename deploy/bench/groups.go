package main

import (
	"fmt"
	"slices"
)

// group is measures that stand in one table.
type group struct {
	workload string // where its samples come from
	Name     string
	Title    string // after the name
	Measures []measure
	Servers  bool // a row is a server; else what rows says
	rows     []row
}

// groups returns every table of the document, in its order.
func groups() []group {
	return slices.Concat(queryGroups(), latencyGroups(), reloadGroups(),
		[]group{collectingGroup()}, loadingGroups(), []group{restartGroup(), engineGroup()})
}

func queryGroups() (all []group) {
	for _, w := range queryLoads {
		all = append(all, ofServers(w.name, w.name, w.Title,
			measure{Name: w.name, Heading: "CPU time an answer", Unit: "µs", Plot: w.name + ": " + w.Plot + ", CPU time", compared: true},
			measure{Name: w.name + " share", Heading: "share of its core", Unit: "%"}))
	}
	return all
}

func latencyGroups() (all []group) {
	for _, w := range latencyLoads {
		name := latency + " " + w.name
		title := fmt.Sprintf("%s, %s queries a second", w.Title, thousands(latencyRate))
		all = append(all, ofServers(latency, name, title, latencyMeasures(name)...))
	}
	return all
}

func loadingGroups() []group {
	return []group{
		ofServers(loading, loading, "from the start until the rules are carried out",
			measure{Name: loading, Heading: "CPU time", Unit: "s", Plot: "load: CPU time of a start with all rules", compared: true},
			measure{Name: loading + " elapsed", Heading: "elapsed", Unit: "s"}),
		ofServers(loading, "memory", "resident, over the same server with one rule",
			measure{Name: "memory", Heading: "for the rules", Unit: "MiB", Plot: "memory: resident, for the rules", compared: true},
			measure{Name: "memory in all", Heading: "in all", Unit: "MiB"}),
	}
}

func collectingGroup() group {
	return group{
		workload: collecting, Name: collecting, Title: "bailiff while its memory is collected",
		Measures: append(latencyMeasures(collecting), measure{Name: collecting + " cycles", Heading: "collections a second", Unit: "1/s"}),
		rows:     []row{{folder: quiet, Title: quiet}, {folder: collecting, Title: "collecting, cache filling"}},
	}
}

func restartGroup() group {
	return group{
		workload: restarting, Name: restarting, Title: "bailiff from its order files, and from what it kept compiled",
		Measures: []measure{
			{Name: restarting, Heading: "elapsed", Unit: "s"},
			{Name: restarting + " cpu", Heading: "CPU time", Unit: "s"},
		},
		rows: []row{{folder: fromText, Title: fromText}, {folder: fromCompiled, Title: fromCompiled}},
	}
}

// ofServers is a group in which each row is a server.
func ofServers(workload, name, title string, measures ...measure) group {
	g := group{workload: workload, Name: name, Title: title, Measures: measures, Servers: true}
	for _, p := range append([]peer{bailiffPeer}, peers...) {
		g.rows = append(g.rows, row{folder: p.folder, Title: p.Title})
	}
	return g
}

// latencyMeasures are those of a latency table; the first is what it is sorted by.
func latencyMeasures(of string) []measure {
	plot := ""
	if of != collecting {
		plot = of + ", p99.9"
	}
	return []measure{
		{Name: of + " p50", Heading: "p50", Unit: "µs", compared: true},
		{Name: of + " p99", Heading: "p99", Unit: "µs", compared: true},
		{Name: of + " p99.9", Heading: "p99.9", Unit: "µs", Plot: plot, compared: true},
		{Name: of + " max", Heading: "longest", Unit: "µs"},
		{Name: of + " lost", Heading: "lost"},
	}
}

// reloadGroups are the tables of reloads: what changes, at each rate.
func reloadGroups() (all []group) {
	for _, c := range changes {
		for i, rate := range reloadRates {
			all = append(all, ofServers(reloading, c.at(rate), c.Title, reloadMeasures(c.at(rate), i == 0, i == len(reloadRates)-1)...))
		}
	}
	return all
}

// reloadMeasures are those of a reload table: CPU time at the lowest rate only, where
// queries hardly cost any, and a panel at the highest.
func reloadMeasures(of string, lowest, highest bool) []measure {
	inForce := measure{Name: of + ": in force", Heading: "new names blocked after", Unit: "s", compared: true}
	if highest {
		inForce.Plot = inForce.Name
	}
	all := []measure{
		inForce,
		{Name: of + ": lost", Heading: "queries lost", compared: true},
		{Name: of + ": gap", Heading: "longest without an answer", Unit: "ms", compared: true},
		{Name: of + ": p99.9", Heading: "p99.9", Unit: "ms", compared: true},
		{Name: of + ": quiet", Heading: "p99.9 before", Unit: "ms"},
	}
	if lowest {
		all = append(all, measure{Name: of + ": CPU time", Heading: "CPU time spent", Unit: "s", compared: true})
	}
	return all
}
