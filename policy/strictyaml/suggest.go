package strictyaml

import (
	"fmt"
	"strings"
)

// suggest is the remedy for a word that is none of those known here.
func suggest(word string, known []string) string {
	remedy := "known here: " + strings.Join(known, ", ")
	for _, k := range known {
		if near(word, k) {
			return fmt.Sprintf("did you mean %s? %s", k, remedy)
		}
	}
	return remedy
}

// near reports whether a slip of the fingers leads from one word to the other:
// one octet changed, added, left out or swapped with its neighbour in a short
// word, two in a long one; capitals and the choice of - or _ never count.
func near(word, known string) bool {
	const maxWord = 40 // bounds the work; no known word is that long
	allowed := 1
	if len(known) > 5 {
		allowed = 2
	}
	word = strings.ReplaceAll(strings.ToLower(word), "-", "_")
	known = strings.ReplaceAll(known, "-", "_")
	return len(word) <= maxWord && distance(word, known) <= allowed
}

// distance is the optimal string alignment distance of two words, in octets.
func distance(a, b string) int {
	row := make([]int, len(b)+1) // distances of a[:i] to each b[:j]
	for j := range row {
		row[j] = j
	}
	var before []int // the row of a[:i-1]
	for i := range len(a) {
		above := row
		row = make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			change := above[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, above[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before = above
	}
	return row[len(b)]
}
