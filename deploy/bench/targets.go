package main

import (
	"cmp"
	"fmt"
	"slices"
)

// target is something that bailiff is meant to reach, and what it got.
type target struct {
	What, Wanted, Got string
	Met               bool
}

// The limits that bailiff set itself.
const (
	maxDisturbance = 3   // times the quiet p99.9, while orders are reloaded or memory is collected
	maxInForce     = 1.5 // seconds from SIGHUP until a changed order is in force
	maxRestart     = 0.3 // seconds until a restart answers
)

// targets looks up what the tables say about each; one without figures is left out.
func targets(tables []table) (all []target) {
	cells := ownCells(tables)
	for _, t := range tables {
		for i, m := range t.Measures {
			if t.workload == latency && m.compared {
				all = append(all, t.bestIn(i))
			}
		}
	}
	busiest := reloadRates[len(reloadRates)-1]
	for _, c := range changes {
		name := c.at(busiest)
		all = append(all, steady(name, cells[name+": p99.9"], cells[name+": quiet"])...)
		all = append(all, none(name, cells[name+": lost"])...)
		if c.name == changes[0].name {
			all = append(all, atMost(name+": in force", maxInForce, cells[name+": in force"])...)
		}
	}
	all = append(all, steady(collecting, cells[collecting+" p99.9"], cells[quiet])...)
	all = append(all, none(collecting, cells[collecting+" lost"])...)
	return append(all, atMost("restart from compiled orders", maxRestart, cells[restarting])...)
}

// ownCells are bailiff's cells by measure. Of the tables about bailiff alone it has
// the last row's, and the p99.9 of the first under quiet.
func ownCells(tables []table) map[string]*cell {
	cells := map[string]*cell{}
	for _, t := range tables {
		own := t.Rows[len(t.Rows)-1]
		if t.Servers {
			own = t.Rows[t.own()]
		}
		for i := range own.Cells {
			cells[own.Cells[i].Name] = &own.Cells[i]
		}
		if t.workload == collecting && len(t.Rows) > 1 {
			cells[quiet] = &t.Rows[0].Cells[2]
		}
	}
	return cells
}

// bestIn is the target to need no more than the best peer.
func (t table) bestIn(i int) target {
	own := t.Rows[t.own()].Cells[i]
	wanted := "no peer to compare with"
	if others := slices.DeleteFunc(slices.Clone(t.Rows), func(r row) bool { return r.folder == bailiffPeer.folder }); len(others) > 0 {
		best := slices.MinFunc(others, func(a, b row) int { return cmp.Compare(a.Cells[i].Median, b.Cells[i].Median) })
		wanted = fmt.Sprintf("at most %s %s (%s)", own.Figure(best.Cells[i].Median), own.Unit, best.Title)
	}
	return target{What: own.Name, Wanted: wanted, Got: own.Figure(own.Median) + " " + own.Unit, Met: len(t.defeatIn(i).Peers) == 0}
}

func steady(what string, during, before *cell) []target {
	if during == nil || before == nil {
		return nil
	}
	return []target{{
		What: what + ": p99.9", Wanted: fmt.Sprintf("under %d × quiet (%s %s)", maxDisturbance, before.Figure(before.Median), before.Unit),
		Got: during.Figure(during.Median) + " " + during.Unit, Met: during.Median < maxDisturbance*before.Median,
	}}
}

func none(what string, lost *cell) []target {
	if lost == nil {
		return nil
	}
	return []target{{What: what + ": lost", Wanted: "0 in every round", Got: lost.String(), Met: lost.Max == 0}}
}

func atMost(what string, limit float64, got *cell) []target {
	if got == nil {
		return nil
	}
	return []target{{
		What: what, Wanted: fmt.Sprintf("at most %v %s", limit, got.Unit), Got: got.Figure(got.Median) + " " + got.Unit, Met: got.Median <= limit,
	}}
}
