package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// part is what one workload gave in its last run, as it is kept: a run of some
// workloads replaces their parts, and the documents are written from all.
type part struct {
	Workload               string
	Rules, Rounds, Seconds int
	Environment            environment
	Notes                  []string
	Samples                samples
}

// readParts reads the parts in the folder, in the order of workloads. A workload that
// was never run has none.
func readParts(folder string) ([]part, error) {
	var all []part
	for _, w := range workloadNames() {
		text, err := os.ReadFile(filepath.Join(folder, w+".json"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		var p part
		if err := json.Unmarshal(text, &p); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// keep writes what the workloads gave in this run, with what is to be said about it.
// Those without a figure keep their old part.
func (b *bench) keep(workloads ...string) error {
	if err := os.MkdirAll(b.kept, 0o755); err != nil { //nolint:gosec // results are for everybody
		return err
	}
	for _, w := range workloads {
		if len(b.samples[w]) == 0 {
			continue
		}
		text, err := json.MarshalIndent(part{
			Workload: w, Rules: b.Rules, Rounds: b.Rounds, Seconds: b.Seconds,
			Environment: b.environment, Notes: slices.Concat(b.notes[""], b.notes[w]), Samples: b.samples[w],
		}, "", "\t")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(b.kept, w+".json"), text, 0o644); err != nil { //nolint:gosec // as above
			return err
		}
	}
	return nil
}
