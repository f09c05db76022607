package report

import (
	"embed"
	"html/template"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

//go:embed pages/*
var pageFiles embed.FS

// maxRowsShown bounds each table of a page: JSON and CSV have the rest.
const maxRowsShown = 1000

// Beside is a file that belongs to a page.
type Beside struct{ Name, SHA256 string }

// writePage writes one page of pages/.
func writePage(w io.Writer, page string, l *Language, data any) error {
	t, err := template.New("").Funcs(template.FuncMap{
		"lang": func() string { return l.code },
		"t":    l.text, "n": l.plural, "word": l.word, "list": l.list, "number": l.number, "duration": l.duration, "kind": l.kind,
		"instant": instant, "moment": moment,
		"head":   head,
		"beyond": func(n int) int { return max(0, n-maxRowsShown) },
		"px":     func(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) },
	}).ParseFS(pageFiles, "pages/*")
	if err != nil {
		return err
	}
	return t.ExecuteTemplate(w, page, data)
}

// head is the part of a slice that a table shows.
func head(slice any) any {
	v := reflect.ValueOf(slice)
	return v.Slice(0, min(v.Len(), maxRowsShown)).Interface()
}

// kind says what a span is, and how it matches.
func (l *Language) kind(s Span) string {
	key := s.Kind
	if s.Match != "" && s.Kind != "nameserver" {
		key += "." + s.Match
	}
	if s.Effect == "observed" {
		return l.word("kind", key) + ", " + l.text("effect.observed")
	}
	return l.word("kind", key)
}

// page is what each page has beside the document.
type page struct {
	Beside   []Beside
	Commands []string
}

func newPage(f Frame, beside []Beside) page {
	p := page{Beside: beside}
	state := quoted(f.Proof.State)
	verify := "bailiff journal verify --state " + state
	if f.Proof.Head != "" {
		verify += " --head " + f.Proof.Head
	}
	p.Commands = append(p.Commands, verify)
	if len(beside) > 0 {
		names := make([]string, len(beside))
		for i, b := range beside {
			names[i] = b.Name
		}
		p.Commands = append(p.Commands, "sha256sum "+strings.Join(names, " "))
	}
	return p
}

var plainPath = regexp.MustCompile(`^[A-Za-z0-9/._-]+$`)

// quoted makes a path one word of a shell.
func quoted(path string) string {
	if plainPath.MatchString(path) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// sourceFile is a file that a page refers to by number.
type sourceFile struct{ Path, SHA256 string }

// orderPage is what the page of an order shows.
type orderPage struct {
	*Order
	page
	Public     bool
	Chart      chart
	Notices    int
	NoticeSums DeadlineSums
	Unknown    int // versions that are not in the archive
	Files      []sourceFile

	numbers map[string]int // of Files, from 1, by SHA-256
}

// FileNumber is the number of the file with that SHA-256, 0 if there is none.
func (p *orderPage) FileNumber(digest string) int { return p.numbers[digest] }

func (p *orderPage) addFile(path, digest string) {
	if digest != "" && p.numbers[digest] == 0 {
		p.Files = append(p.Files, sourceFile{path, digest})
		p.numbers[digest] = len(p.Files)
	}
}

// WritePage writes the report as an HTML page, beside files that belong to it.
func (o *Order) WritePage(w io.Writer, l *Language, beside []Beside) error {
	p := &orderPage{
		Order: o, page: newPage(o.Frame, beside), Public: o.Says.Publicity == "public", Chart: newChart(o.Matches, o.From),
		Notices: len(o.Deadlines) - 1, NoticeSums: sums(o.Deadlines[1:]), numbers: map[string]int{},
	}
	for i := range o.Versions {
		if o.Versions[i].Unknown {
			p.Unknown++
		}
	}
	for i := range o.Versions[:min(len(o.Versions), maxRowsShown)] {
		p.addFile(o.Versions[i].File, o.Versions[i].SHA256)
	}
	for i := range o.Spans[:min(len(o.Spans), maxRowsShown)] {
		p.addFile(o.Spans[i].File, o.Spans[i].SHA256)
	}
	return writePage(w, "order", l, p)
}
