package policy

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"bailiff/policy/order"
)

// StructuredErrors is the server's own share of what structured errors say
// (draft-ietf-dnsop-structured-dns-error): extended DNS errors whose EXTRA-TEXT
// is JSON, for clients that ask for it.
type StructuredErrors struct {
	Contact      []string // URIs, mailto or tel, of who looks into mistakes
	Organisation string   // who runs the server; may be empty
	Language     string   // of Organisation; the first choice among an order's texts
	Databases    bool     // tell the order's entries in databases of blocking incidents
}

// structured is the I-JSON object (RFC 7493) that goes into EXTRA-TEXT.
type structured struct {
	Contact       []string   `json:"c,omitempty"`
	Justification string     `json:"j,omitempty"`
	SubError      int        `json:"s,omitempty"`
	Organisation  string     `json:"o,omitempty"`
	Language      string     `json:"l,omitempty"` // of Justification and Organisation
	Databases     []database `json:"fdbs,omitempty"`
}

// database is an entry as draft-nottingham-dnsop-censorship-transparency
// writes it.
type database struct {
	DB string `json:"db"`
	ID string `json:"id"`
}

// Sub-errors of Blocked. None may go with Censored.
const (
	subErrorMalware       = 1
	subErrorNetworkPolicy = 5
)

// texts are the structured forms of plain, the order's EXTRA-TEXT. brief is for
// replies that have no room for full; it is empty if clients could use nothing
// of what is left.
func (s *StructuredErrors) texts(o *order.Order, plain string) (full, brief string) {
	e := structured{Contact: s.Contact, SubError: subError(o), Organisation: s.Organisation}
	e.Justification, e.Language = s.justification(o, plain)
	if s.Databases && o.Publicity != order.Hidden {
		for _, d := range o.Reference.Databases {
			e.Databases = append(e.Databases, database(d))
		}
	}
	full = e.text()
	e.Justification, e.Organisation, e.Language = "", "", ""
	if len(e.Contact) > 0 || e.SubError > 0 {
		brief = e.text()
	}
	return full, brief
}

// justification is the order's own text, in the language that the server
// prefers, else in English, else in any; plain if it has none. Of a hidden
// order nothing but plain is told.
func (s *StructuredErrors) justification(o *order.Order, plain string) (text, language string) {
	texts := o.Answer.Text
	if len(texts) == 0 || o.Publicity == order.Hidden {
		return plain, s.Language
	}
	for _, language := range []string{s.Language, "en"} {
		if text, ok := texts[language]; ok {
			return text, language
		}
	}
	language = slices.Min(slices.Collect(maps.Keys(texts)))
	return texts[language], language
}

// subError says why the operator blocks; it is 0, none, where an authority
// does.
func subError(o *order.Order) int {
	switch {
	case o.Authority.Kind != order.KindOperator:
		return 0
	case o.Category == "malware" && o.Publicity != order.Hidden:
		return subErrorMalware
	}
	return subErrorNetworkPolicy
}

// text is the object as JSON without white space.
func (e *structured) text() string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(e) // strings, and a number: nothing to fail
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}
