package main

import (
	"slices"
	"time"
)

// patience is how long a query may take: a stub resolver asks again after a second
// or more. What is not answered then is lost.
const patience = time.Second

// answer is what became of one query. Both are counted from when it was to be
// sent: a generator that is late makes the figures worse, never better.
type answer struct {
	due  time.Duration // since the flow began
	took time.Duration // patience if it was lost
}

// outcome is what became of a flow.
type outcome struct {
	answers     []answer // by due
	lost, wrong int
}

// between are the answers to what was due from one time on, until another.
func (o outcome) between(from, until time.Duration) (some []answer) {
	for _, a := range o.answers {
		if from <= a.due && a.due < until {
			some = append(some, a)
		}
	}
	return some
}

// lost counts those without an answer.
func lost(answers []answer) (n int) {
	for _, a := range answers {
		if a.took == patience {
			n++
		}
	}
	return n
}

// percentile is what so many of a hundred queries took at most, lost ones as
// patience.
func percentile(answers []answer, percent float64) time.Duration {
	if len(answers) == 0 {
		return 0
	}
	took := make([]time.Duration, len(answers))
	for i, a := range answers {
		took[i] = a.took
	}
	slices.Sort(took)
	return took[min(len(took)-1, int(percent/100*float64(len(took))))]
}

// longestGap is the longest time in which no answer came.
func longestGap(answers []answer) (gap time.Duration) {
	var came []time.Duration
	for _, a := range answers {
		if a.took < patience {
			came = append(came, a.due+a.took)
		}
	}
	slices.Sort(came)
	for i := 1; i < len(came); i++ {
		gap = max(gap, came[i]-came[i-1])
	}
	return gap
}
