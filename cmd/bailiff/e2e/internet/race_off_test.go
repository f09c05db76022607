//go:build !race

package internet

var buildFlags []string
