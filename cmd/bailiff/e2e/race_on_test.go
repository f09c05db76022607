//go:build race

package e2e

// buildFlags: the binary looks for races where its tests do.
var buildFlags = []string{"-race"}
