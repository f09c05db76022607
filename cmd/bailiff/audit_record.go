package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"
	"time"

	"bailiff/policy/name"
	"bailiff/policy/order"
)

// maxElements bounds what the audit keeps of a rule: of longer ones, and of
// lists, it tells how many names they hold.
const maxElements = 1000

// orderRecord is what the audit keeps of an order to compare a later load with.
type orderRecord struct {
	Digest string       `json:"digest"` // of all that the order says; without the journal's keys nobody can guess names with it
	Hidden bool         `json:"hidden"`
	Facts  []fact       `json:"facts"`
	Rules  []ruleRecord `json:"rules"`
}

// ruleRecord is one rule of an order. A list is one rule, whatever dates its
// names have.
type ruleRecord struct {
	Place    string   `json:"place"`
	Notice   string   `json:"notice,omitempty"`
	List     string   `json:"list,omitempty"` // path of the list; empty: none
	Names    int      `json:"names"`
	Sum      string   `json:"sum"`                // of names, ways of matching and dates
	Elements []string `json:"elements,omitempty"` // names as people read them, with dates of their own; nil: a list, or over maxElements
}

// record takes an order down.
func (a *audit) record(o *order.Order) *orderRecord {
	r := &orderRecord{Hidden: o.Publicity == order.Hidden, Facts: facts(o)}
	at := map[[2]string]int{} // place and notice → index in r.Rules
	for i := range o.Rules {
		rule := &o.Rules[i]
		place, _, isList := strings.Cut(rule.Place, " (")
		key := [2]string{place, rule.Notice}
		if _, ok := at[key]; !ok {
			at[key] = len(r.Rules)
			r.Rules = append(r.Rules, ruleRecord{Place: place, Notice: rule.Notice})
			if isList {
				r.Rules[at[key]].List = rule.File
			}
		}
		r.Rules[at[key]].take(rule)
	}
	whole := sha256.New()
	for _, f := range r.Facts {
		_, _ = fmt.Fprintf(whole, "%s\x00%s\x00", f.Key, f.Value)
	}
	for _, rule := range r.Rules {
		_, _ = fmt.Fprintf(whole, "%s\x00%s\x00%s\x00", rule.Place, rule.Notice, rule.Sum)
	}
	r.Digest = a.journal.Digest(hex.EncodeToString(whole.Sum(nil)))
	return r
}

// take adds what rule holds.
func (r *ruleRecord) take(rule *order.Rule) {
	own := qualifiersOf(rule)
	r.Names += rule.Len()
	told := r.List == "" && r.Names <= maxElements
	if !told {
		r.Elements = nil
	}
	sum := sha256.New()
	in := bufio.NewWriterSize(sum, 1<<15) // a name at a time takes ten times as long
	_, _ = in.WriteString(r.Sum + own)
	for e := range rule.Names.All() {
		_ = in.WriteByte(byte(e.Match))
		_, _ = in.Write(e.Name)
		if told {
			r.Elements = append(r.Elements, name.Name(e.Name).String()+matchWord(e.Match)+own)
		}
	}
	for _, p := range rule.Prefixes {
		_, _ = in.WriteString(p.String() + " ")
		if told {
			r.Elements = append(r.Elements, p.String()+own)
		}
	}
	_ = in.Flush()
	r.Sum = hex.EncodeToString(sum.Sum(nil))
}

func matchWord(m name.Match) string {
	if m == name.Subtree {
		return ""
	}
	return " (" + m.String() + ")"
}

// qualifiersOf is what a rule says beside its names.
func qualifiersOf(rule *order.Rule) (text string) {
	if rule.Except {
		text += " (exception)"
	}
	if rule.Trigger != order.TriggerName {
		text += " (" + rule.Trigger.String() + ")"
	}
	if !rule.From.IsZero() {
		text += " from " + stamp(rule.From)
	}
	if !rule.Until.IsZero() {
		text += " until " + stamp(rule.Until)
	}
	return text
}

// fact is one thing that an order says beside its rules.
type fact struct {
	Key   string `json:"key"`
	Value string `json:"value,omitempty"` // empty: nothing
	Free  bool   `json:"free,omitempty"`  // text that may hold a name
}

// facts are what the order says beside its rules, in the keys of order files.
func facts(o *order.Order) []fact {
	return []fact{
		{Key: "revision", Value: said(o.Revision)},
		{Key: "title", Value: said(o.Title), Free: true},
		{Key: "jurisdiction", Value: said(o.Jurisdiction)},
		{Key: "category", Value: said(o.Category)},
		{Key: "authority.kind", Value: said(o.Authority.Kind)},
		{Key: "authority.name", Value: said(o.Authority.Name), Free: true},
		{Key: "legal_basis", Value: said(o.LegalBasis), Free: true},
		{Key: "reference", Value: said(o.Reference), Free: true},
		{Key: "received", Value: said(o.Received)},
		{Key: "deadline", Value: said(o.Deadline)},
		{Key: "valid.from", Value: said(o.Valid.From)},
		{Key: "valid.until", Value: said(o.Valid.Until)},
		{Key: "valid.review", Value: said(o.Valid.Review)},
		{Key: "clients", Value: said(o.Clients)},
		{Key: "mode", Value: o.Mode.String()},
		{Key: "priority", Value: said(o.Priority)},
		{Key: "answer.action", Value: said(o.Answer.Action)},
		{Key: "answer.ttl", Value: said(o.Answer.TTL)},
		{Key: "answer.notice", Value: said(o.Answer.Notice)},
		{Key: "answer.text", Value: said(o.Answer.Text), Free: true},
		{Key: "publicity", Value: o.Publicity.String()},
		{Key: "notices", Value: said(o.Notices), Free: true},
		{Key: "limits", Value: said(o.Limits)},
		{Key: "overrides", Value: said(overrideTexts(o.Overrides)), Free: true},
	}
}

// said is a value as text, empty if the order does not say it.
func said(value any) string {
	if t, ok := value.(time.Time); ok {
		return stamp(t)
	}
	if v := reflect.ValueOf(value); v.IsZero() || (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0 {
		return ""
	}
	return fmt.Sprintf("%+v", value)
}

// overrideTexts are the overrides without their lines.
func overrideTexts(overrides []order.Override) (texts []string) {
	for _, o := range overrides {
		about := o.Name.String()
		if o.Prefix.IsValid() {
			about = o.Prefix.String()
		}
		texts = append(texts, fmt.Sprintf("%s %s approved by %s: %s", o.Guard, about, o.ApprovedBy, o.Reason))
	}
	return texts
}

// stamp is a time as the journal writes it, empty for the zero time.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
