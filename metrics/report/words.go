package report

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

//go:embed languages/*.json
var languageFiles embed.FS

// Language is what a page is written in: its texts by key, and how numbers are
// spelt. A key that ends in .one is for a single thing, .other for any other
// number of them; the files hold the same keys.
type Language struct {
	code    string
	texts   map[string]string
	numbers *message.Printer
}

// Languages are the codes of the languages that there are, the default first.
func Languages() []string { return []string{"en", "fr", "it", "de", "es"} }

// NewLanguage reads the language with that code; a code that Languages does not
// have is an error.
func NewLanguage(code string) (*Language, error) {
	text, err := languageFiles.ReadFile("languages/" + code + ".json")
	if err != nil {
		return nil, fmt.Errorf("%s: there is no such language", code)
	}
	l := &Language{code: code, numbers: message.NewPrinter(language.Make(code))}
	return l, json.Unmarshal(text, &l.texts)
}

// text is the text of a key with arguments in place of its %s; a key
// that is not there stands for itself.
func (l *Language) text(key string, args ...any) string {
	text, ok := l.texts[key]
	if !ok {
		return key
	}
	if len(args) == 0 || !strings.Contains(text, "%") { // "One …" needs no number
		return text
	}
	return fmt.Sprintf(text, args...)
}

// list are the texts of the keys prefix.1, prefix.2 and so on.
func (l *Language) list(prefix string) (texts []string) {
	for i := 1; ; i++ {
		text, ok := l.texts[fmt.Sprintf("%s.%d", prefix, i)]
		if !ok {
			return texts
		}
		texts = append(texts, text)
	}
}

// word is the text for a value of a closed set, or the value itself.
func (l *Language) word(set, value string) string {
	if text, ok := l.texts[set+"."+value]; ok {
		return text
	}
	return value
}

// plural is the text for n things, with the number in place of its %s. In French
// none is singular, so there .one has a %s too.
func (l *Language) plural(key string, n any) string {
	count := l.number(n)
	if count == "1" || count == "0" && l.code == "fr" {
		return l.text(key+".one", count)
	}
	return l.text(key+".other", count)
}

// number spells an integer.
func (l *Language) number(n any) string { return l.numbers.Sprintf("%d", n) }

// duration spells seconds, the two largest units of them. What is less than
// three days is told in hours, as deadlines are.
func (l *Language) duration(seconds float64) string {
	left := int64(seconds)
	var parts []string
	for _, u := range []struct {
		key     string
		seconds int64
	}{{"unit.day", 86400}, {"unit.hour", 3600}, {"unit.minute", 60}, {"unit.second", 1}} {
		if u.seconds == 86400 && left < 3*86400 {
			continue
		}
		if n := left / u.seconds; n > 0 && len(parts) < 2 {
			parts = append(parts, l.number(n)+"\u00a0"+l.text(u.key))
		} else if len(parts) > 0 {
			break
		}
		left %= u.seconds
	}
	if len(parts) == 0 {
		return "0\u00a0" + l.text("unit.second")
	}
	return strings.Join(parts, " ")
}

// instant spells a time alike in all languages, in UTC.
func instant(t time.Time) string { return t.UTC().Format(time.DateTime) }

// moment is instant, with a dash for the zero time.
func moment(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return instant(t)
}
