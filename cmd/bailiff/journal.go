package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bailiff/metrics/journal"
	"bailiff/policy/problem"
)

func newJournalCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "journal",
		Short: "Verify and show the journal of a server",
		Long: `Verify and show the journal that a server keeps in the folder of ` + "`state`" + `:
its starts and stops, its reloads, and the life of each order.`,
		RunE: func(*cobra.Command, []string) error { return fmt.Errorf("journal: name verify or show") },
	}
	cmd.AddCommand(newJournalVerifyCommand(), newJournalShowCommand())
	return cmd
}

// journalVerifyCommand is `bailiff journal verify` with its flags.
type journalVerifyCommand struct {
	state string
	key   string // file; empty: the one in state
	kept  []journal.KeptHead
	json  bool
}

func newJournalVerifyCommand() *cobra.Command {
	v := new(journalVerifyCommand)
	cmd := &cobra.Command{
		Use:   "verify --state DIR",
		Short: "Find entries that were changed, removed, moved or put in",
		Long: `Verify that every entry is chained to the one before, and that the signed heads
fit. Each entry that was changed, taken out, moved or put in is named.

A signed head vouches for all entries before it. Entries behind the last head
can be cut off, and the very last one changed, without a trace: give with --head
a head from the server's log (` + "`journal: head signed`" + `) to prove that the journal
still leads to it. Who holds journal.key can write another journal: give with
--key a copy of journal.pub that was kept elsewhere.

The exit code is 0 if the journal is whole, 1 if not.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return v.run(cmd.OutOrStdout()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&v.state, "state", "", "folder of the journal, `DIR`")
	flags.StringVar(&v.key, "key", "", "public key, `FILE` (default journal.pub in DIR)")
	flags.Func("head", "a head that was kept, `SEQ:SHA256`; may be repeated", func(text string) error {
		k, err := journal.ParseKeptHead(text)
		v.kept = append(v.kept, k)
		return err
	})
	flags.BoolVar(&v.json, "json", false, "print JSON")
	_ = cmd.MarkFlagRequired("state") // fails for unknown flags only
	return cmd
}

// verifyReport is the JSON form of a verification.
type verifyReport struct {
	Problems  []problemReport `json:"problems"`
	Dropped   int             `json:"dropped"`
	Entries   uint64          `json:"entries"`
	First     time.Time       `json:"first"`
	Last      time.Time       `json:"last"`
	Heads     uint64          `json:"heads"`
	Head      string          `json:"head"`      // the last that is signed, for --head
	SignedAt  time.Time       `json:"signed_at"` // of it
	Unsigned  uint64          `json:"unsigned"`  // entries behind it
	Gaps      uint64          `json:"gaps"`
	Backwards uint64          `json:"backwards"`
	Key       string          `json:"key"`
}

func (v *journalVerifyCommand) run(out io.Writer) error {
	if v.key == "" {
		v.key = filepath.Join(v.state, journal.PublicKeyFile)
	}
	key, err := journal.ReadPublicKey(v.key)
	if err != nil {
		return failure{err.Error() + "\n"}
	}
	var problems problem.List
	r := journal.Verify(v.state, key, v.kept, &problems)
	if v.json {
		err = printJSON(out, verifyReport{
			Problems: reports(&problems), Dropped: problems.Dropped(), Entries: r.Entries, First: r.First, Last: r.Last,
			Heads: r.Heads, Head: headText(r), SignedAt: r.SignedAt, Unsigned: r.After, Gaps: r.Gaps, Backwards: r.Backwards, Key: journal.KeyID(key),
		})
	} else {
		printProblems(out, &problems)
		_, err = io.WriteString(out, reportText(r, journal.KeyID(key), problems.Refused()))
	}
	switch {
	case err != nil:
		return failed(err)
	case problems.Refused():
		return failure{}
	}
	return nil
}

func headText(r journal.Report) string {
	if r.SignedAt.IsZero() {
		return ""
	}
	return r.Signed.String()
}

// reportText says what the verification proves, and what not.
func reportText(r journal.Report, key string, broken bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d entries, %s to %s, %d heads signed with key %s\n", r.Entries, r.First.Format(time.RFC3339), r.Last.Format(time.RFC3339), r.Heads, key)
	if r.Gaps > 0 {
		fmt.Fprintf(&b, "the server itself tells of %d gaps: bailiff journal show --event gap\n", r.Gaps)
	}
	if r.Backwards > 0 {
		fmt.Fprintf(&b, "%d entries are more than a minute older than the one before: a clock was set back\n", r.Backwards)
	}
	switch {
	case broken:
		b.WriteString("refused: this is not the journal that was written\n")
	case r.SignedAt.IsZero():
		b.WriteString("whole, but nothing is signed: entries at the end may have been cut off, or the last one changed\n")
	default:
		fmt.Fprintf(&b, "whole: nothing up to the head %s, signed at %s, was changed, removed, moved or put in\n", r.Signed, r.SignedAt.Format(time.RFC3339))
		if r.After > 0 {
			fmt.Fprintf(&b, "not proved: %d entries stand behind it; more may have been cut off, or the last one changed\n", r.After)
		}
	}
	return b.String()
}
