package report

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"bailiff/policy/order"
)

// written is the page of a document in a language.
func written(t *testing.T, code string, write func(*bytes.Buffer, *Language) error) string {
	t.Helper()
	var page bytes.Buffer
	if err := write(&page, languages(t)[code]); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

// samplePages are a page of each kind.
func samplePages(t *testing.T, code string) map[string]string {
	t.Helper()
	beside := []Beside{{"it-milano-2026-00417.json", sha("7")}, {"it-milano-2026-00417.csv", sha("8")}}
	return map[string]string{
		"order":   written(t, code, func(w *bytes.Buffer, l *Language) error { return sampleOrder().WritePage(w, l, beside) }),
		"summary": written(t, code, func(w *bytes.Buffer, l *Language) error { return sampleSummary().WritePage(w, l, beside) }),
		"receipt": written(t, code, func(w *bytes.Buffer, l *Language) error { return sampleReceipt().WritePage(w, l, beside) }),
	}
}

// elements are the elements of a page, in its order.
func elements(t *testing.T, page string) (found []*html.Node) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			found = append(found, n)
		}
	}
	return found
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func TestPage_isWholeAccessibleAndNeedsNothingElse(t *testing.T) {
	for _, code := range Languages() {
		for kind, page := range samplePages(t, code) {
			t.Run(code+" "+kind, func(t *testing.T) {
				level := 0
				for _, n := range elements(t, page) {
					for _, key := range []string{"src", "href", "srcset", "action", "style", "onload", "xlink:href"} {
						if got := attribute(n, key); got != "" {
							t.Errorf("%s: got %s=%q", n.Data, key, got)
						}
					}
					switch n.Data {
					case "html":
						if got := attribute(n, "lang"); got != code {
							t.Errorf("got lang %q", got)
						}
					case "script", "link", "iframe", "img", "object", "embed", "form", "base":
						t.Errorf("got element %s", n.Data)
					case "th":
						if attribute(n, "scope") == "" {
							t.Errorf("a table header has no scope")
						}
					case "h1", "h2", "h3":
						next := int(n.Data[1] - '0')
						if next > level+1 || next == 1 && level > 0 {
							t.Errorf("got %s after h%d", n.Data, level)
						}
						level = next
					case "svg":
						if attribute(n, "role") != "img" || attribute(n, "aria-labelledby") == "" {
							t.Error("the chart has no text")
						}
					}
				}
				for _, unwanted := range []string{"url(", "@import", "http:", "https:", "%!", "ZgotmplZ", "<no value>"} {
					if strings.Contains(page, unwanted) {
						t.Errorf("got %s in the page", unwanted)
					}
				}
				if strings.Count(page, "<tr") != strings.Count(page, "</tr>") || strings.Count(page, "<section") != strings.Count(page, "</section>") {
					t.Error("an element has no end")
				}
			})
		}
	}
}

func TestPage_saysWhatMatters(t *testing.T) {
	page := samplePages(t, "en")["order"]
	for _, want := range []string{
		"<h1><bdi>Tribunale di Milano</bdi>, <bdi>R.G. 00417/2026</bdi></h1>",
		"Deadline met: the order was carried out after 46\u00a0min 31\u00a0s; 48\u00a0h were allowed.",
		"bailiff journal verify --state /var/lib/bailiff --head 41237:" + sha("3"),
		"sha256sum it-milano-2026-00417.json it-milano-2026-00417.csv",
		"9b1c22f07de54a6b", sha("1"), "iptv-the-best.example", "2026-11-02 17:04:51", "A. Rossi, legal department",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("got no %q", want)
		}
	}
	broken := sampleOrder()
	broken.Proof.Whole, broken.Proof.Problems = false, []string{"journal.jsonl:4: entry 4: was changed"}
	page = written(t, "en", func(w *bytes.Buffer, l *Language) error { return broken.WritePage(w, l, nil) })
	if !strings.Contains(page, "is NOT whole") || !strings.Contains(page, "entry 4: was changed") {
		t.Error("the page of a journal that was tampered with does not say so")
	}
}

func TestPage_hostileTextIsText(t *testing.T) {
	for _, hostile := range []string{
		"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "\u202egnp.exe\u2066", "</title></style>{{.}}", strings.Repeat("W", 4096), "\xff\x00",
	} {
		o := sampleOrder()
		o.Says.Title, o.Says.Authority, o.Says.Case, o.Says.Category, o.Says.LegalBasis = hostile, hostile, hostile, hostile, []string{hostile}
		o.Spans[0].What, o.Spans[0].File, o.Deadlines[1].By, o.Deadlines[1].Kind = hostile, hostile, hostile, hostile
		o.Overrides[0].Reason, o.Proof.State, o.Interruption[1].Cause, o.Versions[1].File = hostile, hostile, hostile, hostile
		r := sampleReceipt()
		r.Items[0].Item, r.Items[0].Ticket, r.Items[0].Detail, r.Ticket = hostile, hostile, hostile, hostile
		for kind, page := range map[string]string{
			"order":   written(t, "en", func(w *bytes.Buffer, l *Language) error { return o.WritePage(w, l, nil) }),
			"receipt": written(t, "en", func(w *bytes.Buffer, l *Language) error { return r.WritePage(w, l, nil) }),
		} {
			names := func(page string) (names []string) {
				for _, n := range elements(t, page) {
					names = append(names, n.Data)
				}
				slices.Sort(names)
				return slices.Compact(names)
			}
			if got, want := names(page), names(samplePages(t, "en")[kind]); !slices.Equal(got, want) {
				t.Errorf("%.20q: got elements %v, want %v", hostile, got, want)
			}
		}
	}
}

func TestPage_manyRowsAreCutAndSaidSo(t *testing.T) {
	o := sampleOrder()
	began := o.Spans[0].From
	for i := range 100_000 {
		o.Spans = append(o.Spans, Span{What: fmt.Sprintf("n%d.example", i), Kind: "name", Match: "subtree", Effect: "enforced", From: began, Count: 1})
	}
	for i := range 10_000 {
		o.Deadlines = append(o.Deadlines, Deadline{Notice: fmt.Sprintf("n-%d", i), Kind: "addition", From: began, Done: began, AllowedSeconds: 60, Result: resultMet})
	}
	start := time.Now()
	page := written(t, "en", func(w *bytes.Buffer, l *Language) error { return o.WritePage(w, l, nil) })
	if took := time.Since(start); took > 10*time.Second || len(page) > 2<<20 {
		t.Errorf("got %d octets in %v, want at most 2 MiB in 10 s", len(page), took)
	}
	for _, want := range []string{"99,008 more rows are in the CSV or JSON file", "9,003 more rows", "10,002 notices were given"} {
		if !strings.Contains(page, want) {
			t.Errorf("got no %q", want)
		}
	}
	var csv bytes.Buffer
	if err := o.WriteCSV(&csv); err != nil || strings.Count(csv.String(), "\n") != len(o.Spans)+1 {
		t.Errorf("got %d lines (%v), want one for each of %d spans", strings.Count(csv.String(), "\n"), err, len(o.Spans))
	}
}

// TestRedact_tellsNothing looks for the order's texts in all that is written.
func TestRedact_tellsNothing(t *testing.T) {
	secrets := map[order.Publicity][]string{
		order.Summary: {"energy-iptv", "192.0.2.44", "iptv-the-best.", "video.example", "the court names it", "2027-03-15"},
		order.Hidden: {"energy-iptv", "192.0.2.44", "iptv-the-best", "video.example", "Milano\"", "Tribunale", "R.G. 00417", "IPTV THE BEST", "633/1941",
			"notice-1", "counsel", "Rossi", "orders.d", sha("1"), sha("4"), sha("a"), "2027-03-15"},
	}
	for p, texts := range secrets {
		o := sampleOrder()
		o.redact(p)
		var all bytes.Buffer
		for _, err := range []error{WriteJSON(&all, o), o.WriteCSV(&all), o.WritePage(&all, languages(t)["en"], nil)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, text := range texts {
			if strings.Contains(all.String(), text) {
				t.Errorf("%s: %q is told:\n%s", p, text, all.String())
			}
		}
		counts := 0
		for _, s := range o.Spans {
			counts += s.Count
		}
		if counts != len(sampleOrder().Spans) || len(o.Deadlines) != 3 || o.Matches.Enforced == 0 {
			t.Errorf("%s: got %d entries and %d deadlines, want %d and 3", p, counts, len(o.Deadlines), len(sampleOrder().Spans))
		}
	}
	r := sampleReceipt()
	r.redact(order.Hidden)
	var all bytes.Buffer
	for _, err := range []error{WriteJSON(&all, r), r.WriteCSV(&all), r.WritePage(&all, languages(t)["en"], nil)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if text := all.String(); strings.Contains(text, ".example") || strings.Contains(text, "Tribunale") || !strings.Contains(text, "processed,3\n") {
		t.Errorf("the receipt of a hidden order tells names, or no numbers:\n%s", text)
	}
}

func TestQuoted_isOneWordOfAShell(t *testing.T) {
	for in, want := range map[string]string{"/var/lib/bailiff": "/var/lib/bailiff", "a b": "'a b'", "it's": `'it'\''s'`, "$(x)": "'$(x)'", "": "''"} {
		if got := quoted(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

func TestCell_isNoFormula(t *testing.T) {
	for in, want := range map[string]string{"": "", "a.example": "a.example", "=1+1": "'=1+1", "@x": "'@x", "-x": "'-x", "\tx": "'\tx"} {
		if got := cell(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
