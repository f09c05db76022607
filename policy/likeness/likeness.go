// Package likeness says how much a name looks like one under order: whether it
// may be the next mirror of the same service.
//
// It compares labels and nothing else. It proposes and never blocks: whether a
// name is a mirror is for a person to find out. It reads no file and asks
// nobody. Beside the standard library it imports policy/name, the public
// suffix list, IDNA and Unicode normalisation. Start reading at Index.Look.
package likeness

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"bailiff/policy/name"
)

// Kind is a way in which two labels are alike.
type Kind uint8

// The kinds, the most telling first.
const (
	SameLabel  Kind = iota // under another public suffix
	LookAlike              // other characters that look the same
	Hyphenated             // hyphens apart
	Numbered               // digits apart
	Decorated              // words such as live, tv or new before or after it
	Misspelt               // one or two slips of a typist apart
	Extended               // begins or ends with it
	SameWords              // the same telling words
)

// String is the word of reports.
func (k Kind) String() string {
	switch k {
	case SameLabel:
		return "same-label"
	case LookAlike:
		return "look-alike"
	case Hyphenated:
		return "hyphenated"
	case Numbered:
		return "numbered"
	case Decorated:
		return "decorated"
	case Misspelt:
		return "misspelt"
	case Extended:
		return "extended"
	case SameWords:
		return "same-words"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// weight is the score of a kind between long labels.
func (k Kind) weight() float64 {
	switch k {
	case SameLabel:
		return 0.95
	case LookAlike, Hyphenated, Numbered:
		return 0.9
	case Decorated:
		return 0.8
	case Misspelt:
		return 0.75 // for one slip
	case Extended:
		return 0.6
	}
	return 0.5
}

// Service is a label under order.
type Service struct {
	Order string // its id
	Name  string // under order, to be told as evidence
	Label string // in lower case; an A-label where it is international
}

// Likeness is how a label is like a service's.
type Likeness struct {
	Service
	Kind  Kind
	Score float64 // 0 to 1: how telling it is, not how probable
}

// Bounds of the comparison.
const (
	fullLength   = 8      // letters from which on a label is as telling as it gets
	minSpelling  = 7      // letters: shorter labels are often one slip apart
	lettersASlip = 6      // telling letters for each slip: any two casinos are two apart
	minExtended  = 8      // letters: shorter ones begin many words
	maxSpellings = 20_000 // labels that each label is compared with, letter by letter: some 0.1 ms
)

// Index finds the services that a label may be like. The zero value is empty
// and ready; not safe for concurrent writes.
type Index struct {
	services []service
	seen     map[Service]bool
	by       map[key][]int // numbers of services
	spelling [][]spelt     // by length
	spelled  int
}

// service is a Service with the forms of its label.
type service struct {
	Service
	forms
	telling int // letters, those of trades left aside
}

// key is a form of a label.
type key struct {
	kind Kind
	text string
}

// spelt is a label that others are compared with letter by letter.
type spelt struct {
	letters uint64 // which occur
	number  int    // of the service
}

// Add makes a service known. One that is known already counts once.
func (x *Index) Add(s Service) {
	s.Label = strings.ToLower(s.Label)
	identity := Service{Order: s.Order, Label: s.Label}
	if x.seen[identity] {
		return
	}
	if x.by == nil {
		x.by, x.seen = map[key][]int{}, map[Service]bool{}
		x.spelling = make([][]spelt, name.MaxLabel+1)
	}
	x.seen[identity] = true
	number, f := len(x.services), formsOf(s.Label)
	telling := len(trimmed(f.lettered))
	x.services = append(x.services, service{s, f, telling})
	isNew := false
	for k := range f.keys() {
		if (k.kind == Numbered || k.kind == Decorated) && trimmed(k.text) == "" {
			continue // 24casino and casino7 are two
		}
		if same := x.by[k]; len(same) == 0 || x.services[same[len(same)-1]].Order != s.Order {
			x.by[k] = append(same, number)
			isNew = isNew || k.kind == Numbered
		}
	}
	if n := len(f.lettered); isNew && telling >= lettersASlip && n >= minSpelling && n < len(x.spelling) && x.spelled < maxSpellings {
		x.spelling[n] = append(x.spelling[n], spelt{lettersOf(f.lettered), number})
		x.spelled++
	}
}

// Len is the number of services.
func (x *Index) Len() int { return len(x.services) }

// Look returns for each order the service that the label is most like, in the
// most telling way; the highest score first.
func (x *Index) Look(label string) []Likeness {
	l := look{index: x, forms: formsOf(strings.ToLower(label)), found: map[string]Likeness{}}
	for k := range l.forms.keys() {
		for _, number := range x.by[k] {
			l.put(number, k.kind, k.kind.weight())
		}
	}
	for end := range l.forms.ends() {
		for _, number := range x.by[key{Hyphenated, end}] {
			if x.services[number].telling >= minForm {
				l.put(number, Extended, Extended.weight())
			}
		}
	}
	l.misspelt()
	return slices.SortedFunc(maps.Values(l.found), func(a, b Likeness) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Order, b.Order))
	})
}

// look is one search for the services that a label is like.
type look struct {
	index *Index
	forms forms
	found map[string]Likeness // by order
}

// put keeps what was found, unless the order has something more telling.
func (l *look) put(number int, kind Kind, score float64) {
	s := &l.index.services[number]
	score *= min(1, float64(min(len(s.squeezed), len(l.forms.squeezed)))/fullLength)
	if old, ok := l.found[s.Order]; !ok || score > old.Score || score == old.Score && kind < old.Kind {
		l.found[s.Order] = Likeness{Service: s.Service, Kind: kind, Score: score}
	}
}

// misspelt puts the services whose letters are one or two slips away.
func (l *look) misspelt() {
	lettered := l.forms.lettered
	if len(lettered) < minSpelling {
		return
	}
	letters := lettersOf(lettered)
	for n := len(lettered) - maxSlips; n <= len(lettered)+maxSlips && n < len(l.index.spelling); n++ {
		for _, s := range l.index.spelling[n] {
			if differ(letters, s.letters) > 2*maxSlips { // each slip changes two letters at most
				continue
			}
			other := &l.index.services[s.number]
			if old, ok := l.found[other.Order]; ok && old.Kind < Misspelt {
				continue
			}
			if slips, ok := distance(lettered, other.lettered); ok && slips > 0 && slips*lettersASlip <= other.telling {
				l.put(s.number, Misspelt, Misspelt.weight()-0.2*float64(slips-1))
			}
		}
	}
}

// Registrable returns the part of a name that somebody registered, the public
// suffix and one label, and that label. ok is false if the name is a public
// suffix itself, or above one.
func Registrable(n name.Name) (domain, label string, ok bool) {
	domain, err := publicsuffix.EffectiveTLDPlusOne(n.String())
	if err != nil {
		return "", "", false
	}
	label, _, _ = strings.Cut(domain, ".")
	return domain, label, true
}
