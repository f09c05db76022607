package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"bailiff/policy/name"
	"bailiff/policy/order"
)

// orderFile is an order as import writes it, in the keys of order files.
type orderFile struct {
	ID           string        `yaml:"id"`
	Jurisdiction string        `yaml:"jurisdiction,omitempty"`
	Category     string        `yaml:"category,omitempty"`
	Authority    authorityFile `yaml:"authority,flow"`
	LegalBasis   []string      `yaml:"legal_basis,omitempty"`
	Answer       answerFile    `yaml:"answer,omitempty,flow"`
	Publicity    string        `yaml:"publicity,omitempty"`
	Block        []string      `yaml:"block,omitempty"`
	Rules        []ruleFile    `yaml:"rules,omitempty"`
}

type authorityFile struct {
	Kind string `yaml:"kind,omitempty"`
	Name string `yaml:"name"`
}

type answerFile struct {
	Action string `yaml:"action,omitempty"`
}

// ruleFile is one rule: a list with how it is written, or one name or address.
type ruleFile struct {
	List      string         `yaml:"list,omitempty"`
	Format    string         `yaml:"format,omitempty"`
	SHA256    string         `yaml:"sha256,omitempty"`
	OnError   string         `yaml:"on_error,omitempty"`
	MaxErrors int            `yaml:"max_errors,omitempty"`
	Columns   map[string]any `yaml:"columns,omitempty,flow"`
	Delimiter string         `yaml:"delimiter,omitempty"`
	Encoding  string         `yaml:"encoding,omitempty"`
	Header    bool           `yaml:"header,omitempty"`
	Dates     string         `yaml:"dates,omitempty"`
	Zone      string         `yaml:"zone,omitempty"`

	Name              string `yaml:"name,omitempty"`
	Except            string `yaml:"except,omitempty"`
	Address           string `yaml:"address,omitempty"`
	Nameserver        string `yaml:"nameserver,omitempty"`
	NameserverAddress string `yaml:"nameserver_address,omitempty"`
	Match             string `yaml:"match,omitempty"`
	Reason            string `yaml:"reason,omitempty"`
	From              string `yaml:"from,omitempty"`
	Until             string `yaml:"until,omitempty"`
}

// write writes the order below a comment.
func (o *orderFile) write(w io.Writer, comment string) error {
	if _, err := fmt.Fprintf(w, "# %s\n", strings.ReplaceAll(comment, "\n", "\n# ")); err != nil {
		return err
	}
	text, err := yaml.Dump(o, yaml.WithV4Defaults())
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// inline puts the names and addresses of the rules in place of the order's
// own, unless order files have no words for one of them.
func (o *orderFile) inline(rules []order.Rule) bool {
	var written orderFile
	for i := range rules {
		r := &rules[i]
		dated := ruleFile{From: date(r.From), Until: date(r.Until)}
		for e := range r.Names.All() {
			n := name.Name(e.Name).String()
			if r.Trigger == order.TriggerNameserver && e.Match != name.Subtree {
				return false
			}
			if r.Trigger == order.TriggerName && e.Match == name.Subtree && !r.Except && dated.From+dated.Until == "" {
				written.Block = append(written.Block, n)
				continue
			}
			written.Rules = append(written.Rules, dated.withName(r, n, e.Match))
		}
		for _, p := range r.Prefixes {
			rule := dated
			rule.Address = p.String()
			if r.Trigger == order.TriggerNameserverAddress {
				rule.Address, rule.NameserverAddress = "", rule.Address
			}
			written.Rules = append(written.Rules, rule)
		}
	}
	o.Block, o.Rules = written.Block, written.Rules
	return true
}

// withName is the rule for one name of r.
func (f ruleFile) withName(r *order.Rule, n string, match name.Match) ruleFile {
	if match != name.Subtree {
		f.Match = match.String()
	}
	switch {
	case r.Except:
		f.Except, f.Reason = n, r.Reason
	case r.Trigger == order.TriggerNameserver:
		f.Nameserver = n
	default:
		f.Name = n
	}
	return f
}

// date is a time as order files have it, empty if it is zero.
func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}
