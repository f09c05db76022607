package problem

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestProblem_printsItsPartsInOrderAndLeavesEmptyOnesOut(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   Problem
		want string
	}{
		{"all parts",
			Problem{File: "a.yaml", Line: 31, Place: "rule 4", Value: "192.0.2.0/8", Text: "is too wide", Remedy: "narrow it"},
			"a.yaml:31: rule 4: 192.0.2.0/8: is too wide; narrow it"},
		{"a whole file", Problem{File: "a.yaml", Text: "is empty"}, "a.yaml: is empty"},
		{"a note", Problem{Severity: Note, File: "a.yaml", Line: 2, Text: "is short"}, "a.yaml:2: note: is short"},
		{"hostile value", Problem{File: "a.yaml", Value: "x\n\x1b[31m", Text: "is bad"}, `a.yaml: "x\n\x1b[31m": is bad`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.in.Error(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestProblemBecause_takesTheRemedyOfAFaultHoweverDeep(t *testing.T) {
	fault := Fault{Text: "is a URL", Remedy: "write the name"}
	at := Problem{File: "a.txt", Line: 1}
	for _, tt := range []struct {
		name string
		in   error
		want string
	}{
		{"fault", fault, "a.txt:1: is a URL; write the name"},
		{"wrapped fault", fmt.Errorf("name: %w", fault), "a.txt:1: is a URL; write the name"},
		{"any error", errors.New("is odd"), "a.txt:1: is odd"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := at.Because(tt.in).Error(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestQuote_hostileTextFitsOnOneLine(t *testing.T) {
	long := strings.Repeat("é", 80)
	for _, tt := range []struct{ name, in, want string }{
		{"empty", "", ""},
		{"a name", "ads.example", "ads.example"},
		{"letters of any script", "bücher.example", "bücher.example"},
		{"blanks", "two words", `"two words"`},
		{"what the form itself uses", "a:b", `"a:b"`},
		{"quotation mark", `a"b`, `"a\"b"`},
		{"line feed", "a\nb", `"a\nb"`},
		{"right-to-left override", "a\u202eb", `"a\u202eb"`},
		{"invalid UTF-8", "a\xffb", `"a\xffb"`},
		{"80 characters", long, long},
		{"81 characters", long + "é", long + "…"},
		{"long and hostile", strings.Repeat("\x00", 81), `"` + strings.Repeat(`\x00`, 80) + `"…`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Quote(tt.in); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestList_redactKeepsPlaceAndReason(t *testing.T) {
	var l List
	l.Add(Problem{File: "a", Line: 3, Place: "block 1", Value: "secret.test", Text: "is bad"})
	l.Redact()
	if got, want := l.Sorted()[0].Error(), "a:3: block 1: is bad"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestList_sortsByFileAndLine(t *testing.T) {
	var l List
	for _, p := range []Problem{
		{File: "b", Line: 1, Text: "x"},
		{File: "a", Line: 10, Text: "x"},
		{File: "a", Line: 9, Place: "rule 2", Text: "x"},
		{File: "a", Line: 9, Place: "rule 1", Text: "first"},
		{File: "a", Line: 9, Place: "rule 1", Text: "again"},
		{File: "a", Text: "x"},
	} {
		l.Add(p)
	}
	var got []string
	for _, p := range l.Sorted() {
		got = append(got, p.Error())
	}
	want := []string{"a: x", "a:9: rule 2: x", "a:9: rule 1: first", "a:9: rule 1: again", "a:10: x", "b:1: x"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestList_onlyARefusalRefuses(t *testing.T) {
	var l List
	if l.Refused() {
		t.Error("got an empty list refused")
	}
	l.Add(Problem{Severity: Note})
	if l.Refused() {
		t.Error("got a note refused")
	}
	l.Add(Problem{Severity: Refusal})
	if !l.Refused() {
		t.Error("got a refusal accepted")
	}
}

func TestList_isBoundedAndNotesNeverCrowdOutARefusal(t *testing.T) {
	var l List
	for range 3 * maxReported {
		l.Add(Problem{Severity: Note})
	}
	for range 3 * maxReported {
		l.Add(Problem{Severity: Refusal})
	}
	if got := len(l.Sorted()); got != 2*maxReported {
		t.Errorf("got %d problems, want %d", got, 2*maxReported)
	}
	if got, want := l.Dropped(), 4*maxReported; got != want {
		t.Errorf("got %d dropped, want %d", got, want)
	}
	if !l.Refused() {
		t.Error("got the refusals lost")
	}
}
