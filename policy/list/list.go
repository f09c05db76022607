// Package list reads the files that rules point at.
package list
