package report

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"
)

// WriteJSON writes a document of this package as JSON.
func WriteJSON(w io.Writer, document any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(document)
}

// WriteCSV writes the spans, one a line.
func (o *Order) WriteCSV(w io.Writer) error {
	return writeCSV(w, []string{"what", "kind", "match", "effect", "from", "until", "generation", "entry", "file", "sha256", "notice", "count"},
		len(o.Spans), func(i int) []string {
			s := &o.Spans[i]
			return []string{s.What, s.Kind, s.Match, s.Effect, stamp(s.From), stamp(s.Until), digits(s.Generation), digits(s.Entry), s.File, s.SHA256, s.Notice, strconv.Itoa(s.Count)}
		})
}

// writeCSV writes rows below a header.
func writeCSV(w io.Writer, header []string, rows int, row func(int) []string) error {
	out := csv.NewWriter(w)
	err := out.Write(header)
	for i := 0; i < rows && err == nil; i++ {
		fields := row(i)
		for j := range fields {
			fields[j] = cell(fields[j])
		}
		err = out.Write(fields)
	}
	out.Flush()
	if err == nil {
		err = out.Error()
	}
	return err
}

// cell keeps a text from being a formula to a spreadsheet.
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

// stamp is a time in JSON's form, empty for the zero time.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

func digits(n uint64) string { return strconv.FormatUint(n, 10) }
