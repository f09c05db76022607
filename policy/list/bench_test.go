package list

import (
	"bytes"
	"fmt"
	"testing"

	"bailiff/policy/problem"
)

// BenchmarkReadDomains1M reads a list twenty times the largest national one.
func BenchmarkReadDomains1M(b *testing.B) {
	const names = 1_000_000
	var text bytes.Buffer
	for i := range names {
		fmt.Fprintf(&text, "site-%d.sub%d.example\n", i, i%977)
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		var problems problem.List
		got := Read(bytes.NewReader(text.Bytes()), "bench.txt", Options{Format: Domains}, &problems)
		if len(got) != 1 || got[0].Len() != names || problems.Refused() {
			b.Fatalf("got %d groups, problems %v", len(got), problems.Sorted())
		}
	}
}
