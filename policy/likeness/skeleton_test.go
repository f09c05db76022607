package likeness

import (
	"cmp"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/idna"
)

// lookup maps as UTS 46 does before a name is looked up, whole labels
// unchecked.
func lookup(label string) (mapped string, err error) {
	return idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(true)).ToUnicode(label)
}

func TestSkeleton_uts39Examples(t *testing.T) {
	tests := []struct{ name, a, b string }{
		{"three scripts", "ρ⍺у𝓅𝒂ן", "paypal"},
		{"letters of formulas", "𝔭𝒶ỿ𝕡𝕒ℓ", "paypal"},
		{"one script", "so̷s", "søs"},
		{"another whole script", "ѕсоре", "scope"},
		{"one letter of another script", "pаypаl", "paypal"},
		{"two letters like one", "barn", "bam"},
		{"a digit", "paypa1", "paypal"},
		{"a joiner", "क्\u200dष", "क्ष"},
	}
	for _, tt := range tests {
		a, errA := lookup(tt.a)
		b, errB := lookup(tt.b)
		if skeletonOf(a) != skeletonOf(b) || cmp.Or(errA, errB) != nil {
			t.Errorf("%s: got %q and %q, %v, %v, want the same", tt.name, skeletonOf(a), skeletonOf(b), errA, errB)
		}
	}
	for _, pair := range [][2]string{{"paypal", "paypai"}, {"sos", "søs"}, {"Al", "AI"}} {
		if same := skeletonOf(pair[0]) == skeletonOf(pair[1]); same != (pair[0] == "Al") {
			t.Errorf("%s and %s: got the same: %t", pair[0], pair[1], same)
		}
	}
}

func TestConfusables_areSorted(t *testing.T) {
	if !slices.IsSortedFunc(confusables[:], func(a, b confusable) int { return cmp.Compare(a.from, b.from) }) {
		t.Error("they are not, and some will not be found")
	}
}

// icuSkeletons prints the skeleton of each line, after the version of Unicode.
const icuSkeletons = `
import icu, sys
print(icu.UNICODE_VERSION)
spoof = icu.SpoofChecker()
for line in sys.stdin.buffer.read().decode().splitlines():
    print(spoof.getSkeleton(0, line))
`

// TestSkeleton_isThatOfICU compares with another implementation: each
// character that a label can hold, and labels of characters picked at random.
func TestSkeleton_isThatOfICU(t *testing.T) {
	var labels []string
	for r := 'a'; r < 0x20000; r++ {
		if mapped, err := lookup("a" + string(r)); err == nil && mapped == "a"+string(r) && !isJoiner(r) {
			labels = append(labels, mapped)
		}
	}
	single := len(labels)
	for range 2000 {
		label := ""
		for range 8 {
			label += labels[rand.IntN(single)][1:]
		}
		labels = append(labels, label)
	}
	icu := exec.Command("/usr/bin/python3", "-c", icuSkeletons)
	icu.Env = append(icu.Environ(), "PYTHONIOENCODING=utf-8")
	icu.Stdin = strings.NewReader(strings.Join(labels, "\n"))
	out, err := icu.Output()
	if err != nil {
		t.Skipf("python3-icu is not there: %v", err)
	}
	version, want, _ := strings.Cut(strings.TrimSuffix(string(out), "\n"), "\n")
	if version+".0" != confusablesVersion {
		t.Skipf("this ICU is of Unicode %s, the table of %s", version, confusablesVersion)
	}
	for i, want := range strings.Split(want, "\n") {
		if got := skeletonOf(labels[i]); got != want {
			t.Errorf("%q: got %q, want %q", labels[i], got, want)
		}
	}
}
