package policy

import (
	"encoding/json"
	"strings"
	"testing"

	"bailiff/policy/order"
)

func TestStructuredErrors_texts(t *testing.T) {
	full := StructuredErrors{Contact: []string{"mailto:legal@isp.example", "tel:+390000000000"}, Organisation: "Example ISP", Language: "it", Databases: true}
	const contact = `"c":["mailto:legal@isp.example","tel:+390000000000"]`
	court := order.Authority{Kind: order.KindCourt, Name: "Court"}
	operator := order.Authority{Kind: order.KindOperator, Name: "Ourselves"}
	lumen := order.Reference{Databases: []order.DatabaseEntry{{DB: "lumen", ID: "1"}, {DB: "other", ID: "2"}}}
	text := func(pairs ...string) (a order.Answer) {
		a.Text = map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			a.Text[pairs[i]] = pairs[i+1]
		}
		return a
	}
	cases := []struct {
		name        string
		server      StructuredErrors
		in          order.Order
		want, brief string
	}{
		{"without a text: who blocks", full, order.Order{Authority: court},
			`{` + contact + `,"j":"id: Court","o":"Example ISP","l":"it"}`, `{` + contact + `}`},
		{"the server's language", full, order.Order{Authority: court, Answer: text("en", "Blocked", "it", "Bloccato", "de", "Gesperrt")},
			`{` + contact + `,"j":"Bloccato","o":"Example ISP","l":"it"}`, `{` + contact + `}`},
		{"else English", full, order.Order{Authority: court, Answer: text("de", "Gesperrt", "en", "Blocked")},
			`{` + contact + `,"j":"Blocked","o":"Example ISP","l":"en"}`, `{` + contact + `}`},
		{"else the first", full, order.Order{Authority: court, Answer: text("fr", "Bloqué", "de", "Gesperrt")},
			`{` + contact + `,"j":"Gesperrt","o":"Example ISP","l":"de"}`, `{` + contact + `}`},
		{"databases, in both forms", full, order.Order{Authority: court, Reference: lumen},
			`{` + contact + `,"j":"id: Court","o":"Example ISP","l":"it","fdbs":[{"db":"lumen","id":"1"},{"db":"other","id":"2"}]}`,
			`{` + contact + `,"fdbs":[{"db":"lumen","id":"1"},{"db":"other","id":"2"}]}`},
		{"databases that are not to be told", StructuredErrors{Language: "en"}, order.Order{Authority: court, Reference: lumen},
			`{"j":"id: Court","l":"en"}`, ``},
		{"hidden", full, order.Order{Authority: operator, Publicity: order.Hidden, Category: "malware", Reference: lumen, Answer: text("it", "Bloccato")},
			`{` + contact + `,"j":"id: Court","s":5,"o":"Example ISP","l":"it"}`, `{` + contact + `,"s":5}`},
		{"the operator's own", StructuredErrors{Language: "en"}, order.Order{Authority: operator},
			`{"j":"id: Court","s":5,"l":"en"}`, `{"s":5}`},
		{"the operator's own, malware", StructuredErrors{Language: "en"}, order.Order{Authority: operator, Category: "malware"},
			`{"j":"id: Court","s":1,"l":"en"}`, `{"s":1}`},
		{"an authority's, malware: no sub-error", StructuredErrors{Language: "en"}, order.Order{Authority: court, Category: "malware"},
			`{"j":"id: Court","l":"en"}`, ``},
		{"quotes, lines and HTML", StructuredErrors{Language: "en"}, order.Order{Authority: court, Answer: text("en", "a \"b\"\n<c> & è")},
			`{"j":"a \"b\"\n<c> & è","l":"en"}`, ``},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, brief := c.server.texts(&c.in, "id: Court")
			if got != c.want || brief != c.brief {
				t.Errorf("got\n%s\n%s\nwant\n%s\n%s", got, brief, c.want, c.brief)
			}
			if !json.Valid([]byte(got)) || strings.ContainsAny(got, "\n") {
				t.Errorf("got %q, want JSON on one line", got)
			}
		})
	}
}
