package list

import (
	"strings"

	"bailiff/policy/problem"
)

// maxTokens bounds one record: a SOA has eleven, a DNSSEC signature about 20.
const maxTokens = 64

// zoneFile reads the records of a zone file (RFC 1035 section 5) one at a
// time: as much of it as response policy zones use, with names as text.
type zoneFile struct {
	origin string // what relative names are relative to, with its final dot; empty: not said
	owner  string // of the record before

	tokens   []string // of the record at hand, which may run over lines
	inherits bool     // the record at hand began with a blank: its owner is that of the one before
	open     bool     // a parenthesis is
}

// record is one resource record. A name without a final dot is relative to an
// origin that the file does not say.
type record struct {
	owner, kind string // kind: the type, in capitals
	data        []string
}

// Faults of next.
var (
	errDirective = problem.Fault{
		Text:   "is a directive that is not read",
		Remedy: "write the records themselves",
	}
	errParentheses = problem.Fault{
		Text:   "opens or closes a parenthesis that has no other half",
		Remedy: "correct the record",
	}
	errLongRecord = problem.Fault{
		Text:   "is too long for a record of a response policy zone",
		Remedy: "correct the record",
	}
	errNoType = problem.Fault{
		Text:   "is no record: owner name, type and data are needed",
		Remedy: "correct the record",
	}
)

// next takes one more line. It returns the record that ends with it, or one
// without a type if none does. Every error is a problem.Fault.
func (z *zoneFile) next(line []byte) (record, error) {
	if !z.open {
		z.tokens = z.tokens[:0]
		z.inherits = len(line) > 0 && isBlank(line[0])
	}
	switch err := z.tokenize(line); {
	case err != nil:
		z.open, z.tokens = false, z.tokens[:0]
		return record{}, err
	case z.open || len(z.tokens) == 0:
		return record{}, nil
	case strings.HasPrefix(z.tokens[0], "$"):
		return record{}, z.directive()
	}
	return z.record()
}

// tokenize appends the words of line to tokens and follows its parentheses.
func (z *zoneFile) tokenize(line []byte) error {
	for at := 0; at < len(line) && line[at] != ';'; {
		switch octet := line[at]; {
		case isBlank(octet):
			at++
		case octet == '(' || octet == ')':
			if z.open == (octet == '(') {
				return errParentheses
			}
			z.open = octet == '('
			at++
		case len(z.tokens) == maxTokens:
			return errLongRecord
		default:
			end := at + wordLength(line[at:])
			z.tokens = append(z.tokens, string(line[at:end]))
			at = end
		}
	}
	return nil
}

func isBlank(octet byte) bool {
	return octet == ' ' || octet == '\t' || octet == '\r' || octet == '\n'
}

// wordLength is the length of the word, or of the quoted string, that text
// begins with.
func wordLength(text []byte) int {
	quoted := text[0] == '"'
	for at := 1; at < len(text); at++ {
		switch octet := text[at]; {
		case octet == '\\':
			at++ // the next octet means itself
		case quoted && octet == '"':
			return at + 1
		case !quoted && (isBlank(octet) || octet == ';' || octet == '(' || octet == ')'):
			return at
		}
	}
	return len(text)
}

// directive obeys a line that begins with a dollar sign.
func (z *zoneFile) directive() error {
	switch {
	case strings.EqualFold(z.tokens[0], "$ORIGIN") && len(z.tokens) == 2:
		z.origin = z.absolute(z.tokens[1])
	case strings.EqualFold(z.tokens[0], "$TTL") && len(z.tokens) == 2: // the order has its own
	default:
		return errDirective
	}
	return nil
}

// record makes a record of the tokens: owner, TTL and class in either order,
// type, data.
func (z *zoneFile) record() (record, error) {
	rest := z.tokens
	if !z.inherits {
		z.owner = z.absolute(rest[0])
		rest = rest[1:]
	}
	for len(rest) > 0 && (isTTL(rest[0]) || strings.EqualFold(rest[0], "IN")) {
		rest = rest[1:]
	}
	if len(rest) < 2 || z.owner == "" {
		return record{}, errNoType
	}
	return record{owner: z.owner, kind: strings.ToUpper(rest[0]), data: rest[1:]}, nil
}

// isTTL reports whether word is a number, perhaps with units (1h30m).
func isTTL(word string) bool {
	return word[0] >= '0' && word[0] <= '9' && strings.Trim(word, "0123456789smhdwSMHDW") == ""
}

// absolute is a name in lower case, made absolute if it is not and the origin
// is known.
func (z *zoneFile) absolute(text string) string {
	text = strings.ToLower(text)
	switch {
	case text == "@" && z.origin != "":
		return z.origin
	case z.origin == "" || strings.HasSuffix(text, "."):
		return text
	case z.origin == ".":
		return text + "."
	}
	return text + "." + z.origin
}
