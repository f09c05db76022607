package list

import (
	"testing"
	"time"
)

func TestCSV_columnsAreFoundByNumberOrHeader(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		table    Table
		want     []string
	}{
		{"first column of a bare list", "a.example\n", Table{Name: Column{Number: 1}}, []string{"1 subtree a.example"}},
		{"third column", "1,x,a.example\n", Table{Name: Column{Number: 3}}, []string{"1 subtree a.example"}},
		{"header passed over", "b.example\na.example\n", Table{Name: Column{Number: 1}, Header: true}, []string{"2 subtree a.example"}},
		{"by header", "id, Name ,x\n1,a.example,\n", Table{Name: Column{Header: "Name"}, Header: true}, []string{"2 subtree a.example"}},
		{"a tab between", "\ta.example\t\n", Table{Name: Column{Number: 2}, Delimiter: '\t'}, []string{"1 subtree a.example"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.table.Delimiter == 0 {
				tt.table.Delimiter = ','
			}
			entries, problems := readWith(tt.in, Options{Format: CSV, Table: tt.table})
			equal(t, entries, tt.want)
			equal(t, problems, nil)
		})
	}
}

func TestCSV_aHeaderWithoutTheColumnIsRefusedWhateverOnErrorSays(t *testing.T) {
	table := Table{Name: Column{Header: "Name"}, Removed: Column{Header: "Removed"}, Header: true, Delimiter: ';'}
	_, problems := readWith("Name,Removed\na.example,\n", Options{Format: CSV, OnError: Skip, MaxErrors: 9, Table: table})
	const remedy = "is no column of the header; correct columns, encoding or delimiter"
	equal(t, problems[:2], []string{"a.txt:1: Name: " + remedy, "a.txt:1: Removed: " + remedy})
	table.Header = false
	_, problems = readWith("Name;Removed\na.example;\n", Options{Format: CSV, Table: table})
	equal(t, problems[:2], []string{"a.txt: Name: " + remedy, "a.txt: Removed: " + remedy})
}

func TestParseLayout_takesDatesOnly(t *testing.T) {
	for in, want := range map[string]string{
		"dd.mm.yyyy": "02.01.2006", "d.m.yyyy": "2.1.2006", "yyyy-mm-dd": "2006-01-02", "mm/dd/yyyy": "01/02/2006",
		"yyyymmdd": "20060102", "02.01.2006": "02.01.2006",
		"": "", "yyyy": "", "dd.mm.yy": "", "dd.mm": "", "dd.mm.yyyy hh:mm": "", "26.07.2017": "", "dd.mm.yyyy.dd": "", "Jan 2, 2006": "",
	} {
		if got, err := ParseLayout(in); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestParseZone_isTheSameOnEveryMachine(t *testing.T) {
	for in, known := range map[string]bool{
		"Europe/Prague": true, "UTC": true, "": false, "Local": false, "Europe/Atlantis": false, "../../etc/passwd": false,
	} {
		if _, err := ParseZone(in); (err == nil) != known {
			t.Errorf("%q: got %v, want known %t", in, err, known)
		}
	}
}

// TestCSV_daysBeginInTheirZone: a day has 23 hours when summer time begins.
func TestCSV_daysBeginInTheirZone(t *testing.T) {
	prague, err := ParseZone("Europe/Prague")
	if err != nil {
		t.Fatal(err)
	}
	table := Table{
		Name: Column{Number: 1}, Added: Column{Number: 2}, Removed: Column{Number: 3},
		Delimiter: ';', Dates: Dates{"2.1.2006", prague},
	}
	entries, problems := readWith("a.example;29.3.2026;30.3.2026\n", Options{Format: CSV, Table: table})
	equal(t, problems, nil)
	equal(t, entries, []string{"2026-03-29T00:00+01:00 2026-03-30T00:00+02:00 1 subtree a.example"})
}

func TestCollector_equalDatesShareAGroup(t *testing.T) {
	c := newCollector("a.txt", Options{}, nil)
	day := time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)
	same := day.In(time.FixedZone("", 3600))
	if c.group(day, time.Time{}) != c.group(same, time.Time{}) || c.group(time.Time{}, time.Time{}) != c.plain {
		t.Error("got two groups for the same dates")
	}
	if c.group(day, time.Time{}) == c.group(time.Time{}, day) {
		t.Error("got one group for a beginning and an end")
	}
}
