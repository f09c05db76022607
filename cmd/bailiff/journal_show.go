package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bailiff/metrics/journal"
	"bailiff/policy/problem"
)

// journalShowCommand is `bailiff journal show` with its flags.
type journalShowCommand struct {
	state    string
	order    string
	event    string
	from, to time.Time
	json     bool
}

func newJournalShowCommand() *cobra.Command {
	s := new(journalShowCommand)
	cmd := &cobra.Command{
		Use:   "show --state DIR",
		Short: "Show entries of the journal",
		Long: `Show the entries of the journal, oldest first: a line each, or with --json as
they were written. The flags choose among them.

It does not look whether the journal is whole: that is ` + "`bailiff journal verify`" + `.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.run(cmd.OutOrStdout(), cmd.ErrOrStderr()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&s.state, "state", "", "folder of the journal, `DIR`")
	flags.StringVar(&s.order, "order", "", "only entries about the order `ID`")
	flags.Func("event", "only entries of this `EVENT`: "+eventWords(), func(text string) error {
		if !slices.Contains(journal.Events(), journal.Event(text)) {
			return problem.Fault{Text: "is no event", Remedy: "write one of " + eventWords()}
		}
		s.event = text
		return nil
	})
	timeFlag := func(name, usage string, to *time.Time) {
		flags.Func(name, usage, func(text string) (err error) {
			*to, err = parseTime(text)
			return err
		})
	}
	timeFlag("from", "only entries from `RFC3339` on", &s.from)
	timeFlag("to", "only entries before `RFC3339`", &s.to)
	flags.BoolVar(&s.json, "json", false, "print JSON, an entry a line")
	_ = cmd.MarkFlagRequired("state") // fails for unknown flags only
	return cmd
}

func eventWords() string {
	words := []string{}
	for _, e := range journal.Events() {
		words = append(words, string(e))
	}
	return strings.Join(words, " ")
}

func (s *journalShowCommand) run(out, stderr io.Writer) error {
	damaged := false
	for e, err := range journal.Read(s.state) {
		if err != nil {
			damaged = true
			fmt.Fprintln(stderr, err)
			continue
		}
		if !s.wants(e) {
			continue
		}
		if err := s.print(out, e); err != nil {
			return failed(err)
		}
	}
	if damaged {
		return failure{}
	}
	return nil
}

func (s *journalShowCommand) wants(e journal.Entry) bool {
	return (s.order == "" || e.Order == s.order) && (s.event == "" || string(e.Event) == s.event) &&
		!e.Time.Before(s.from) && (s.to.IsZero() || e.Time.Before(s.to))
}

func (s *journalShowCommand) print(out io.Writer, e journal.Entry) error {
	if s.json {
		text, err := json.Marshal(e)
		if err == nil {
			_, err = fmt.Fprintf(out, "%s\n", text)
		}
		return err
	}
	var words []string
	if e.Order != "" {
		words = append(words, fmt.Sprintf("%s, revision %d;", e.Order, e.Revision))
	}
	if e.Rule != "" {
		words = append(words, e.Rule+":")
	}
	var detail any
	numbers := json.NewDecoder(bytes.NewReader(e.Detail))
	numbers.UseNumber()
	if numbers.Decode(&detail) == nil {
		words = appendWords(words, "", detail)
	}
	line := fmt.Sprintf("%8d  %s  %-12s  %s", e.Seq, e.Time.Format(time.RFC3339), e.Event, strings.Join(words, " "))
	_, err := fmt.Fprintln(out, strings.TrimRight(line, " "))
	return err
}

// Bounds of a line for people; --json has the rest.
const (
	maxWordsShown  = 5  // of a list
	maxDigestShown = 12 // digits
)

// appendWords appends a detail as key=value, by key.
func appendWords(words []string, key string, value any) []string {
	switch v := value.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			words = appendWords(words, strings.TrimPrefix(key+"."+k, "."), v[k])
		}
		return words
	case []any:
		for i, item := range v {
			if i == maxWordsShown {
				return append(words, fmt.Sprintf("%s=and %d more", key, len(v)-i))
			}
			words = appendWords(words, key, item)
		}
		return words
	case string:
		return append(words, key+"="+shownWord(v))
	}
	return append(words, fmt.Sprintf("%s=%v", key, value))
}

// shownWord is a text on one line, a digest by its beginning.
func shownWord(text string) string {
	digits := strings.TrimPrefix(text, "digest ")
	if raw, err := hex.DecodeString(digits); err == nil && len(raw) == sha256.Size {
		return digits[:maxDigestShown] + "…"
	}
	return problem.Quote(text)
}
