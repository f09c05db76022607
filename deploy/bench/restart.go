package main

import (
	"context"
	"os"
	"path/filepath"
	"time"
)

// The rows of restarts.
const (
	fromText     = "order files"
	fromCompiled = "kept compiled"
)

// measureRestarts starts bailiff without anything kept, and again with what that
// start has kept.
func (b *bench) measureRestarts(ctx context.Context) error {
	for range b.Rounds {
		at, err := b.site(bailiffPeer, b.allRules())
		if err != nil {
			return err
		}
		at.State = filepath.Join(at.Dir, "state")
		if err := os.Mkdir(at.State, 0o700); err != nil {
			return err
		}
		for _, row := range []string{fromText, fromCompiled} {
			cost, err := startupAt(ctx, bailiffPeer, at, b.Rules) // settles, and so has written all when it is stopped
			if err != nil {
				return err
			}
			b.record(restarting, restarting, row, cost.took.Seconds())
			b.record(restarting, restarting+" cpu", row, cost.cpu.Seconds())
			time.Sleep(settle)
		}
	}
	return nil
}
