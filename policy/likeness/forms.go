package likeness

import (
	"iter"
	"slices"
	"strings"
)

// forms are a label in the spellings in which two labels may be equal.
type forms struct {
	label    string
	skeleton string // what it looks like (UTS 39)
	caseless string // what it looks like in plain letters of any case
	squeezed string // plain letters and digits, without hyphens
	lettered string // plain letters alone
	core     string // those without the words around them
	words    string // the telling words, sorted; empty unless others stand beside them
}

// formsOf takes a label in lower case.
func formsOf(label string) forms {
	u := unicodeOf(label)
	plain := plainOf(u)
	f := forms{label: label, skeleton: skeletonOf(u), caseless: caselessOf(plain)}
	var words []string
	for _, w := range wordsOf(plain) {
		f.squeezed += w
		if !isNumber(w) {
			words = append(words, w)
		}
	}
	f.lettered = strings.Join(words, "")
	f.core = coreOf(words)
	f.words = tellingOf(words)
	return f
}

// Letters that a form needs to tell anything beyond the label itself.
const (
	minForm  = 4
	minWords = 6 // of words that stand elsewhere: royal and crazy are everybody's
)

// keys yields the forms by the kind of likeness they stand for.
func (f *forms) keys() iter.Seq[key] {
	return func(yield func(key) bool) {
		for _, k := range []key{
			{SameLabel, f.label}, {LookAlike, f.skeleton}, {LookAlike, f.caseless}, {Hyphenated, f.squeezed},
			{Numbered, f.lettered}, {Decorated, f.core}, {SameWords, f.words},
		} {
			if (k.kind == SameLabel || len(k.text) >= minForm) && !yield(k) {
				return
			}
		}
	}
}

// ends yields what the label begins and ends with, itself left out.
func (f *forms) ends() iter.Seq[string] {
	return func(yield func(string) bool) {
		for n := minExtended; n < len(f.squeezed); n++ {
			if !yield(f.squeezed[:n]) || !yield(f.squeezed[len(f.squeezed)-n:]) {
				return
			}
		}
	}
}

// Words that say nothing about which service it is.
const (
	// decorations are put before and after a name to make the next one. Those
	// of four letters or more count also where no hyphen sets them off.
	decorations = " 4k app club free fhd hd live net new now official online plus premium pro proxy mirror " +
		"site stream streaming streams the top tv uhd unblock unblocked vip watch web world www "
	// trades name what many such services sell.
	trades = " iptv tv live stream streaming streams sport sports calcio film films serie the " +
		"bet bets betting bingo casino casinos game games gaming lotto poker slot slots spin spins vegas win "
)

func isIn(list, word string) bool { return strings.Contains(list, " "+word+" ") }

// wordsOf splits a label at hyphens, and between letters and digits.
func wordsOf(label string) (words []string) {
	for part := range strings.FieldsFuncSeq(label, func(r rune) bool { return r == '-' || r == '_' }) {
		if isIn(decorations, part) {
			words = append(words, part)
			continue
		}
		start := 0
		for i := 1; i <= len(part); i++ {
			if i == len(part) || isDigit(part[i]) != isDigit(part[start]) {
				words = append(words, part[start:i])
				start = i
			}
		}
	}
	return words
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isNumber(word string) bool { return isDigit(word[0]) && !isIn(decorations, word) }

// minCore is how many letters must stay when decorations go.
const minCore = 6

// coreOf joins the words without the decorations at both ends.
func coreOf(words []string) string {
	letters := len(strings.Join(words, ""))
	drop := func(word string) bool {
		isCode := len(word) == 2 // of a country or language
		if !isCode && !isIn(decorations, word) || letters-len(word) < minCore {
			return false
		}
		letters -= len(word)
		return true
	}
	for len(words) > 1 && drop(words[0]) {
		words = words[1:]
	}
	for len(words) > 1 && drop(words[len(words)-1]) {
		words = words[:len(words)-1]
	}
	core := strings.Join(words, "")
	for word := range strings.FieldsSeq(decorations) {
		for _, cut := range []func(string, string) (string, bool){strings.CutSuffix, strings.CutPrefix} {
			if rest, ok := cut(core, word); ok && len(word) >= minForm && len(rest) >= minCore {
				core = rest
			}
		}
	}
	return core
}

// trimmed is a form of plain letters without the trades and decorations at its
// ends: what tells one service from another.
func trimmed(form string) string {
	if isIn(trades+decorations, form) {
		return ""
	}
	for w := range strings.FieldsSeq(trades + decorations) {
		rest := strings.TrimSuffix(strings.TrimPrefix(form, w), w)
		if len(w) > 2 && len(rest) < len(form) {
			return trimmed(rest)
		}
	}
	return form
}

// tellingOf is the words that are neither trades nor decorations, sorted;
// empty if there are none but those, or if they are too short.
func tellingOf(words []string) string {
	var telling []string
	for _, w := range words {
		for trade := range strings.FieldsSeq(trades) {
			if rest, ok := strings.CutSuffix(w, trade); ok && len(trade) >= minForm && len(rest) >= minForm {
				w = rest
			}
		}
		if !isIn(trades, w) && !isIn(decorations, w) {
			telling = append(telling, w)
		}
	}
	letters := strings.Join(telling, "")
	if len(letters) < minWords || letters == strings.Join(words, "") {
		return ""
	}
	slices.Sort(telling)
	return strings.Join(slices.Compact(telling), " ")
}
