package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
)

// engineSizes are how many rules the policy engine is given.
var engineSizes = []struct{ Title, flag string }{
	{"1,000,000 names", "--names=1000000"},
	{"10,000,000 names", "--names=10000000"},
	{"1,000,000 prefixes", "--prefixes=1000000"},
}

// engineGroup is the table of sizes. The names of its measures are those that the
// program engine prints.
func engineGroup() group {
	g := group{
		workload: engine, Name: engine, Title: "bailiff's policy alone, on one core",
		Measures: []measure{
			{Name: "LoadSeconds", Heading: "CPU time of a load", Unit: "s"},
			{Name: "ResidentMebibytes", Heading: "resident", Unit: "MiB"},
			{Name: "PeakMebibytes", Heading: "most while loading", Unit: "MiB"},
			{Name: "MatchNanoseconds", Heading: "look-up, under order", Unit: "ns"},
			{Name: "FreeNanoseconds", Heading: "look-up, free", Unit: "ns"},
		},
	}
	for _, size := range engineSizes {
		g.rows = append(g.rows, row{folder: size.Title, Title: size.Title})
	}
	return g
}

// measureEngine runs the program engine for each size, in every round.
func (b *bench) measureEngine(ctx context.Context) error {
	program := filepath.Join(b.folder, "engine-program")
	_, others := cores()
	if said, err := pinned(ctx, others, "go", "build", "-o", program, "./deploy/bench/engine").CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, said)
	}
	core, _ := cores()
	for range b.Rounds {
		for _, size := range engineSizes {
			out, err := pinned(ctx, core, program, size.flag).Output()
			if err != nil {
				return fmt.Errorf("engine %s: %w", size.flag, err)
			}
			var figures map[string]float64
			if err := json.Unmarshal(out, &figures); err != nil {
				return fmt.Errorf("engine %s: %w", size.flag, err)
			}
			for measure, value := range figures {
				b.record(engine, measure, size.Title, value)
			}
		}
	}
	return nil
}
