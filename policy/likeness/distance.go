package likeness

import "math/bits"

// maxSlips is how many slips are looked for.
const maxSlips = 2

// lettersOf is a set of the octets that occur, each standing for one bit;
// letters and digits have bits of their own.
func lettersOf(text string) (set uint64) {
	for i := range len(text) {
		set |= 1 << (text[i] % 64)
	}
	return set
}

// differ is how many octets occur in one of two sets only.
func differ(a, b uint64) int { return bits.OnesCount64(a ^ b) }

// distance counts the slips between two labels: an octet too many, too few or
// wrong, or two neighbours exchanged (Damerau-Levenshtein in its restricted
// form: no octet takes part in two slips). ok is false beyond maxSlips, and
// for what is no label.
func distance(a, b string) (slips int, ok bool) {
	const most = 64
	if len(a) >= most || len(b) >= most || max(len(a)-len(b), len(b)-len(a)) > maxSlips {
		return 0, false
	}
	var rows [3][most]uint8 // the row before the last, the last and this one
	for j := range len(b) + 1 {
		rows[1][j] = uint8(j)
	}
	for i := 1; i <= len(a); i++ {
		before, last, this := &rows[(i+2)%3], &rows[i%3], &rows[(i+1)%3]
		this[0] = uint8(i)
		least := this[0]
		for j := 1; j <= len(b); j++ {
			wrong := uint8(1)
			if a[i-1] == b[j-1] {
				wrong = 0
			}
			this[j] = min(last[j]+1, this[j-1]+1, last[j-1]+wrong)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				this[j] = min(this[j], before[j-2]+1)
			}
			least = min(least, this[j])
		}
		if least > maxSlips {
			return 0, false
		}
	}
	slips = int(rows[(len(a)+1)%3][len(b)])
	return slips, slips <= maxSlips
}
