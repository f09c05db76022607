// Package e2e tests the bailiff binary from outside: dig asks it, Unbound and
// NSD stand upstream, promtool reads its metrics. Everything runs on loopback
// with free ports. A program that is missing skips its tests, but in CI
// (BAILIFF_CI=1) fails them.
package e2e
