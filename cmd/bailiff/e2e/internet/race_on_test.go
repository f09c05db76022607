//go:build race

package internet

// buildFlags: the binary looks for races where its tests do.
var buildFlags = []string{"-race"}
