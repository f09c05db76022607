package order

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"bailiff/policy/problem"
	"bailiff/policy/strictyaml"
)

// Bounds of an order's values.
const (
	maxRevision       = 1<<53 - 1 // exact for readers of JSON that know floating point only
	maxPriority       = 1_000_000
	maxAuthorityRunes = 200 // EXTRA-TEXT carries it in every answer
	maxDeadline       = 3650 * 24 * time.Hour
	maxNotices        = 10_000 // each is compared with those before
	maxDatabases      = 8      // EXTRA-TEXT may carry them
)

// order reads one document; found is where its values report to.
func (l *loader) order(v strictyaml.Value, source Source, found *problem.List) *Order {
	o := &Order{Source: source, Answer: defaultAnswer()}
	r := ruleReader{loader: l, order: o, found: found}
	spelt := v.Mapping(
		strictyaml.Key("id", &o.ID, identifier).Required(),
		strictyaml.Key("revision", &o.Revision, strictyaml.Int[uint64](0, maxRevision)),
		strictyaml.Key("title", &o.Title, strictyaml.String),
		strictyaml.Key("jurisdiction", &o.Jurisdiction, jurisdiction),
		strictyaml.Key("category", &o.Category, category),
		strictyaml.Key("authority", &o.Authority, authority).Required(),
		strictyaml.Key("legal_basis", &o.LegalBasis, strictyaml.List(strictyaml.String)),
		strictyaml.Key("reference", &o.Reference, reference),
		strictyaml.Key("received", &o.Received, strictyaml.Time),
		strictyaml.Key("deadline", &o.Deadline, deadline),
		strictyaml.Key("valid", &o.Valid, valid),
		strictyaml.Key("clients", &o.Clients, strictyaml.List(strictyaml.Prefix)),
		strictyaml.Key("mode", &o.Mode, strictyaml.Enum(Enforce, Observe)),
		strictyaml.Key("priority", &o.Priority, strictyaml.Int(-maxPriority, maxPriority)),
		strictyaml.Key("answer", &o.Answer, answer),
		strictyaml.Key("publicity", &o.Publicity, strictyaml.Enum(Public, Summary, Hidden)),
		strictyaml.Key("notices", &o.Notices, notices), // before the rules that point at them
		strictyaml.Key("block", &o.Rules, r.block),
		strictyaml.Key("rules", &o.Rules, r.rules),
		strictyaml.Key("limits", &o.Limits, limits),
		strictyaml.Key("overrides", &o.Overrides, overrides),
	)
	if spelt && !slices.ContainsFunc(o.Rules, func(r Rule) bool { return !r.Except }) {
		v.Refuse("puts no name under order", "give block or rules")
	}
	return o
}

var (
	identifierPattern   = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)
	jurisdictionPattern = regexp.MustCompile(`^[A-Z]{2}(-[A-Z0-9]{1,3})?$`)
	databasePattern     = regexp.MustCompile(`^[a-z0-9-]{1,63}$`)
	entryPattern        = regexp.MustCompile(`^[[:graph:]]{1,63}$`)
	languagePattern     = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$`) // BCP 47 in outline
)

func identifier(v strictyaml.Value) string {
	return strictyaml.Pattern(identifierPattern,
		"write 1 to 63 of a-z, 0-9, dot, underscore and hyphen, a letter or digit first")(v)
}

func jurisdiction(v strictyaml.Value) string {
	return strictyaml.Pattern(jurisdictionPattern, "write an ISO 3166 code in capitals, such as IT or GB-SCT")(v)
}

func category(v strictyaml.Value) string {
	return strictyaml.Word("copyright", "copyright-live", "gambling", "child-abuse", "terrorism", "finance",
		"tobacco", "sanctions", "consumer", "malware", "other")(v)
}

// sha256Hex reads a SHA-256 in hexadecimal, in any case; it returns lower case.
func sha256Hex(v strictyaml.Value) string {
	return strictyaml.Parsed(func(text string) (string, error) {
		if octets, err := hex.DecodeString(text); err != nil || len(octets) != 32 {
			return "", problem.Fault{Text: "is no SHA-256", Remedy: "write its 64 hexadecimal digits, as sha256sum prints them"}
		}
		return strings.ToLower(text), nil
	})(v)
}

// authority reads the name alone, or kind and name.
func authority(v strictyaml.Value) (a Authority) {
	if !v.IsMapping() {
		a.Name = authorityName(v)
		return a
	}
	v.Mapping(
		strictyaml.Key("kind", &a.Kind, strictyaml.Enum(KindCourt, KindRegulator, KindPolice, KindMinistry, KindOperator)),
		strictyaml.Key("name", &a.Name, authorityName).Required(),
	)
	return a
}

func authorityName(v strictyaml.Value) string {
	name := strictyaml.String(v)
	if utf8.RuneCountInString(name) > maxAuthorityRunes {
		v.Refuse(fmt.Sprintf("is longer than %d characters", maxAuthorityRunes), "shorten it: clients see it in answers")
	}
	return name
}

func reference(v strictyaml.Value) (r Reference) {
	v.Mapping(
		strictyaml.Key("case", &r.Case, strictyaml.String),
		strictyaml.Key("issued", &r.Issued, strictyaml.Date),
		strictyaml.Key("document", &r.Document, strictyaml.String),
		strictyaml.Key("sha256", &r.SHA256, sha256Hex),
		strictyaml.Key("databases", &r.Databases, databases),
	)
	return r
}

// databases reads the order's entries in public databases.
func databases(v strictyaml.Value) []DatabaseEntry {
	entries := strictyaml.List(databaseEntry)(v)
	if len(entries) > maxDatabases {
		v.Refuse(fmt.Sprintf("holds more than %d entries", maxDatabases), "leave some out")
	}
	return entries
}

func databaseEntry(v strictyaml.Value) (e DatabaseEntry) {
	v.Mapping(
		strictyaml.Key("db", &e.DB, strictyaml.Pattern(databasePattern,
			"write its registered name, such as lumen: 1 to 63 of a-z, 0-9 and hyphen")).Required(),
		strictyaml.Key("id", &e.ID, strictyaml.Pattern(entryPattern,
			"write 1 to 63 visible ASCII characters")).Required(),
	)
	return e
}

func deadline(v strictyaml.Value) (d Deadline) {
	v.Mapping(
		strictyaml.Key("block", &d.Block, strictyaml.Duration(0, maxDeadline)),
		strictyaml.Key("unblock", &d.Unblock, strictyaml.Duration(0, maxDeadline)),
	)
	return d
}

func valid(v strictyaml.Value) (span Valid) {
	v.Mapping(
		strictyaml.Key("from", &span.From, strictyaml.Time),
		strictyaml.Key("until", &span.Until, strictyaml.Time),
		strictyaml.Key("review", &span.Review, strictyaml.Date),
	)
	checkSpan(v, span.From, span.Until)
	return span
}

// checkSpan refuses a span of time that is empty.
func checkSpan(v strictyaml.Value, from, until time.Time) {
	if !from.IsZero() && !until.IsZero() && !until.After(from) {
		v.Refuse(fmt.Sprintf("until %s is not after from %s", until.Format(time.RFC3339), from.Format(time.RFC3339)),
			"give a later until")
	}
}

// notices reads what was added later.
func notices(v strictyaml.Value) []Notice {
	items := v.Items()
	if len(items) > maxNotices {
		v.Refuse(fmt.Sprintf("holds more than %d notices", maxNotices), "split the order")
		return nil
	}
	list := make([]Notice, 0, len(items))
	for i, item := range items {
		item = item.At(fmt.Sprintf("notice %d", i+1))
		n := readNotice(item)
		if n.ID != "" && hasNotice(list, n.ID) {
			item.Refuse("has the id of an earlier notice ("+n.ID+")", "give each notice its own id")
		}
		list = append(list, n)
	}
	return list
}

func hasNotice(list []Notice, id string) bool {
	return slices.ContainsFunc(list, func(n Notice) bool { return n.ID == id })
}

func readNotice(v strictyaml.Value) (n Notice) {
	v.Mapping(
		strictyaml.Key("id", &n.ID, identifier).Required(),
		strictyaml.Key("at", &n.At, strictyaml.Time),
		strictyaml.Key("kind", &n.Kind, strictyaml.String),
		strictyaml.Key("by", &n.By, strictyaml.String),
		strictyaml.Key("document", &n.Document, strictyaml.String),
		strictyaml.Key("sha256", &n.SHA256, sha256Hex),
	)
	return n
}
