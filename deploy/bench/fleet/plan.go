package main

import "time"

// plan is how an order reaches the servers.
type plan struct {
	name  string
	waves []float64     // shares of all servers that have been told, ascending; the first may be one server
	soak  time.Duration // from when a wave has it until the next is told
	poll  time.Duration // each server asks for news so often, at a moment of its own; 0: it is told
}

var plans = []plan{
	{name: "all are told at once", waves: []float64{1}},
	{name: "each asks every 60 s", waves: []float64{1}, poll: time.Minute},
	{name: "one server, 2 min, then all", waves: []float64{0, 1}, soak: 2 * time.Minute},
	{name: "one server, one site, a quarter, all; 2 min between", waves: []float64{0, 0.05, 0.25, 1}, soak: 2 * time.Minute},
	{name: "the same, 10 min between", waves: []float64{0, 0.05, 0.25, 1}, soak: 10 * time.Minute},
}

// fleet is the servers, and what happens to them.
type fleet struct {
	sites, servers int // servers of each site

	listOctets float64       // that a server fetches
	linkOctets float64       // a second, to a site; its servers share it
	told       time.Duration // median until a server knows, spread as a lognormal
	reload     time.Duration // from the file until the order is in force; one core is busy meanwhile
	rejects    float64       // chance that a server refuses, and gets a whole file with the next try
	retry      time.Duration // until that
	restarts   float64       // chance that a server restarts within window
	window     time.Duration
	down       time.Duration // of a restart, until it is announced again
	noticed    time.Duration // from the first wrong answer until somebody stops the roll
}

// national is the provider of the last row of places, and a list of a million names
// that changed throughout: the worst case of a reload.
var national = fleet{
	sites: places[len(places)-1].sites, servers: places[len(places)-1].servers(),
	listOctets: 25e6, linkOctets: 125e6, told: time.Second, reload: 2500 * time.Millisecond,
	rejects: 0.01, retry: time.Minute, restarts: 0.02, window: 10 * time.Minute, down: 20 * time.Second,
	noticed: 90 * time.Second,
}
