package list

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"bailiff/policy/name"
	"bailiff/policy/problem"
)

// read is Read of a text, with the entries and the problems spelt out: one
// "line match name" or "file:line: …" each.
func read(text string, format Format) (entries, problems []string) {
	return readWith(text, Options{Format: format})
}

// readWith is read with options.
func readWith(text string, options Options) (entries, refusals []string) {
	var problems problem.List
	got := Read(strings.NewReader(text), "a.txt", options, &problems)
	return spell(got), spellProblems(&problems)
}

// spell prints the entries: dates and purpose of their group, line, what they
// are.
func spell(groups []Group) (spelt []string) {
	for _, g := range groups {
		purpose := ""
		for _, date := range []time.Time{g.From, g.Until} {
			if !date.IsZero() || !g.From.IsZero() {
				purpose += date.Format("2006-01-02T15:04Z07:00 ")
			}
		}
		if g.Except {
			purpose += "except "
		}
		spelt = append(spelt, spellNames(purpose, g.Names)...)
		spelt = append(spelt, spellPrefixes(purpose+"address ", g.Addresses)...)
		spelt = append(spelt, spellNames(purpose+"nameserver ", g.Nameservers)...)
		spelt = append(spelt, spellPrefixes(purpose+"nameserver address ", g.NameserverAddresses)...)
	}
	return spelt
}

func spellNames(purpose string, names Names) (spelt []string) {
	for e := range names.All() {
		spelt = append(spelt, fmt.Sprintf("%s%d %s %s", purpose, e.Line, e.Match, name.Name(e.Name)))
	}
	return spelt
}

func spellPrefixes(purpose string, prefixes []Prefix) (spelt []string) {
	for _, p := range prefixes {
		spelt = append(spelt, fmt.Sprintf("%s%d %s", purpose, p.Line, p.Prefix))
	}
	return spelt
}

func spellProblems(problems *problem.List) (spelt []string) {
	for _, p := range problems.Sorted() {
		spelt = append(spelt, p.Error())
	}
	return spelt
}

func equal(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func TestRead_emptyListIsRefused(t *testing.T) {
	const want = "a.txt: holds no name; fetch the list again, or remove the rule if that is meant"
	for _, tt := range []struct {
		name, in string
		format   Format
	}{
		{"no octet", "", Domains},
		{"byte order mark", "\ufeff", Domains},
		{"blank lines", "\n \r\n\t\n", Domains},
		{"comments", "# nothing today\n", Domains},
		{"hosts with the machine's own lines", "127.0.0.1 localhost\n", Hosts},
	} {
		t.Run(tt.name, func(t *testing.T) {
			names, problems := read(tt.in, tt.format)
			equal(t, names, nil)
			equal(t, problems, []string{want})
		})
	}
}

func TestRead_binaryIsReportedOnceAndReadNoFurther(t *testing.T) {
	const remedy = "is not a text file in UTF-8; unpack it or convert it"
	for _, tt := range []struct {
		name, in string
		want     string
	}{
		{"gzip", "\x1f\x8b\x08\x00\nx\x00\ny\n", "a.txt:1: " + remedy},
		{"zip", "PK\x03\x04\x00\x00\nx\x00\n", "a.txt:1: " + remedy},
		{"UTF-16 without a byte order mark", "a\x00\n\x00b\x00\n", "a.txt:1: " + remedy},
		{"latin-1 on a later line", "ads.example\n# caf\xe9\nb\xfc.example\n", "a.txt:2: " + remedy},
		{"zeros without a line end", strings.Repeat("\x00", 1<<20), "a.txt:1: " + remedy},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, problems := read(tt.in, Domains)
			equal(t, problems, []string{tt.want})
		})
	}
}

func TestRead_aLongLineIsRefusedAndTheNextIsRead(t *testing.T) {
	const refusal = "a.txt:2: is a line of more than 4096 octets; write one name a line"
	for _, tt := range []struct {
		name   string
		octets int // of line 2, its end included
		want   []string
	}{
		{"at the limit", maxLine, nil},
		{"one more", maxLine + 1, []string{refusal}},
		{"longer than a chunk, cut inside a character", 1 << 20, []string{refusal}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			line := "#" + strings.Repeat("é", tt.octets/2)
			line = line[:tt.octets-1-tt.octets%2] + strings.Repeat("#", tt.octets%2)
			names, problems := read("a.example\n"+line+"\nb.example", Domains)
			equal(t, problems, tt.want)
			equal(t, names, []string{"1 subtree a.example", "3 subtree b.example"})
		})
	}
}

func TestRead_aFailingReaderIsRefusedAtItsLine(t *testing.T) {
	broken := io.MultiReader(strings.NewReader("a.example\nb.exam"), iotest.ErrReader(errors.New("input/output error")))
	var problems problem.List
	names := Read(broken, "a.txt", Options{}, &problems)
	equal(t, spell(names), []string{"1 subtree a.example"})
	equal(t, spellProblems(&problems), []string{
		"a.txt:2: cannot be read (input/output error); check the file and its disk",
	})
}

// endless never ends.
type endless string

func (e endless) Read(p []byte) (int, error) { return copy(p, e), nil }

func TestLines_aStreamWithoutEndIsCutOff(t *testing.T) {
	for _, in := range []endless{"\n", "# no line end", "a.example\n"} {
		l := newLines(in, 1<<20)
		var err error
		for err == nil {
			_, err = l.next()
		}
		if err != errLarge {
			t.Errorf("%q: got %v, want %v", in, err, errLarge)
		}
	}
}

func TestRead_moreThanTheBoundsIsRefusedOnce(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fills func(*collector)
		want  string
	}{
		{"names", func(c *collector) { c.entries = maxEntries }, "a.txt:1: holds more than 20000000 names; split it into smaller lists"},
		{"dates", func(c *collector) { c.groups = make([]*Group, maxGroups+1) },
			"a.txt:1: holds more than 100000 different pairs of dates; split it into smaller lists"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var problems problem.List
			c := newCollector("a.txt", Options{}, &problems)
			tt.fills(c)
			c.read(strings.NewReader("a.example\nb.example\n"))
			c.checkWhole()
			equal(t, spellProblems(&problems), []string{tt.want})
		})
	}
}

func TestEnums_everyValueHasItsWord(t *testing.T) {
	for _, tt := range []struct {
		unknown fmt.Stringer
		words   []fmt.Stringer
	}{
		{Format(len(Formats())), stringers(Formats())},
		{Encoding(len(Encodings())), stringers(Encodings())},
		{OnError(2), []fmt.Stringer{Refuse, Skip}},
	} {
		for i, word := range tt.words {
			if strings.Contains(word.String(), "(") {
				t.Errorf("%T: %d has no word", word, i)
			}
		}
		if !strings.HasSuffix(tt.unknown.String(), fmt.Sprintf("(%d)", len(tt.words))) {
			t.Errorf("%s is missing in this test or in the list of all", tt.unknown)
		}
	}
}

func stringers[T fmt.Stringer](values []T) (all []fmt.Stringer) {
	for _, value := range values {
		all = append(all, value)
	}
	return all
}

func TestNames_areYieldedAsAppended(t *testing.T) {
	var names Names
	names.Append(name.Root, name.Exact, 7)
	names.Append(name.MustParse("ads.example"), name.Below, 1<<30)
	equal(t, spellNames("", names), []string{"7 exact .", "1073741824 below ads.example"})
	if names.Len() != 2 {
		t.Errorf("got %d names, want 2", names.Len())
	}
	for range names.All() {
		break // must not yield again
	}
}
