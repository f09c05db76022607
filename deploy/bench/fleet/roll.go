package main

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Rolls are drawn so often, from this seed.
const (
	rolls = 500
	seed  = 20261123
)

// course is one roll. Times count from when the order is published.
type course struct {
	half, nearly, all time.Duration // until 50, 99 and 100 % of clients are covered
	out               float64       // share of the capacity that was missing at worst
	stopped           time.Duration // a list that blocks too much: when it was stopped
	reached           float64       // share of clients it had reached then
}

// server is one in a roll.
type server struct {
	weight    float64 // share of clients
	coveredAt time.Duration
}

// absence is capacity that is missing for a while, in servers.
type absence struct {
	from, until time.Duration
	servers     float64
}

// roll draws one roll.
func (f fleet) roll(p plan, r *rand.Rand) course {
	servers := f.place(r)
	var missing []absence
	var told time.Duration
	next := 0
	for _, share := range p.waves {
		end := max(next+1, int(math.Ceil(share*float64(len(servers)))))
		last := told
		for i := next; i < end; i++ {
			at, out := f.cover(p, told, end-next, r)
			servers[i].coveredAt, missing = at, append(missing, out...)
			last = max(last, at)
		}
		next, told = end, last+p.soak
	}
	return f.judge(servers, missing)
}

// place gives each site a share of the clients, which its servers divide evenly.
// Sites differ by a factor of four or so.
func (f fleet) place(r *rand.Rand) []server {
	weights := make([]float64, f.sites)
	sum := 0.0
	for i := range weights {
		weights[i] = math.Exp(0.4 * r.NormFloat64())
		sum += weights[i]
	}
	var servers []server
	for _, w := range weights {
		for range f.servers {
			servers = append(servers, server{weight: w / sum / float64(f.servers)})
		}
	}
	return servers
}

// cover draws when a server that is told with others of its wave has the order in
// force, and the capacity that is missing for it.
func (f fleet) cover(p plan, told time.Duration, together int, r *rand.Rand) (at time.Duration, missing []absence) {
	at = told + scale(f.told, math.Exp(0.5*r.NormFloat64()))
	if p.poll > 0 {
		at += scale(p.poll, r.Float64())
	}
	sharing := min(together, f.servers)
	if p.poll > 0 {
		sharing = 1
	}
	at += scale(time.Second, float64(sharing)*f.listOctets/f.linkOctets)
	if r.Float64() < f.rejects {
		at += f.retry
	}
	if r.Float64() < f.restarts {
		from := scale(f.window, r.Float64())
		until := from + f.down
		missing = append(missing, absence{from, until, 1})
		if from <= at && at < until {
			return until, missing // it starts with the new files
		}
	}
	missing = append(missing, absence{at, at + f.reload, 1.0 / coresOfServer})
	return at + f.reload, missing
}

func scale(d time.Duration, by float64) time.Duration { return time.Duration(float64(d) * by) }

// judge says how the roll went.
func (f fleet) judge(servers []server, missing []absence) course {
	slices.SortFunc(servers, func(a, b server) int { return cmp.Compare(a.coveredAt, b.coveredAt) })
	c := course{all: servers[len(servers)-1].coveredAt, stopped: servers[0].coveredAt + f.noticed}
	covered := 0.0
	for _, s := range servers {
		before := covered
		covered += s.weight
		if before < 0.5 && covered >= 0.5 {
			c.half = s.coveredAt
		}
		if before < 0.99 && covered >= 0.99 {
			c.nearly = s.coveredAt
		}
		if s.coveredAt <= c.stopped {
			c.reached = covered
		}
	}
	c.out = worst(missing) / float64(len(servers))
	return c
}

// worst is the most that was missing at once.
func worst(missing []absence) (most float64) {
	for _, at := range missing {
		sum := 0.0
		for _, m := range missing {
			if m.from <= at.from && at.from < m.until {
				sum += m.servers
			}
		}
		most = max(most, sum)
	}
	return most
}

// rollTable has the median of each figure over all rolls, and the 99th of a hundred.
func rollTable() string {
	t := newTable("plan", "50 % of clients", "99 %", "100 %", "capacity missing at worst", "a list that blocks too much is stopped after", "and had reached")
	for _, p := range plans {
		r := rand.New(rand.NewPCG(seed, 0))
		var courses []course
		for range rolls {
			courses = append(courses, national.roll(p, r))
		}
		t.row(p.name,
			spread(courses, func(c course) float64 { return c.half.Seconds() }, lasting),
			spread(courses, func(c course) float64 { return c.nearly.Seconds() }, lasting),
			spread(courses, func(c course) float64 { return c.all.Seconds() }, lasting),
			spread(courses, func(c course) float64 { return 100 * c.out }, inPercent),
			spread(courses, func(c course) float64 { return c.stopped.Seconds() }, lasting),
			spread(courses, func(c course) float64 { return 100 * c.reached }, inPercent))
	}
	return t.String()
}

// spread is the median and, in brackets, the 99th of a hundred.
func spread(courses []course, figure func(course) float64, format func(float64) string) string {
	var all []float64
	for _, c := range courses {
		all = append(all, figure(c))
	}
	slices.Sort(all)
	return format(all[len(all)/2]) + " (" + format(all[len(all)*99/100]) + ")"
}

// lasting writes seconds as a reader would.
func lasting(seconds float64) string {
	if seconds < 120 {
		return fmt.Sprintf("%.0f s", seconds)
	}
	return fmt.Sprintf("%.1f min", seconds/60)
}
