package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bailiff/metrics/report"
	"bailiff/policy/outfile"
	"bailiff/policy/problem"
)

// reportCommand is `bailiff report` with its flags.
type reportCommand struct {
	configFile string
	state      string
	from, to   time.Time
	language   *report.Language
	out        string // folder
	all        bool
	receipt    bool
	ticket     string // file; empty: the order's own list
}

func newReportCommand() *cobra.Command {
	r := &reportCommand{}
	cmd := &cobra.Command{
		Use:   "report {ORDER | --all}",
		Short: "Write a report on an order for a court or an authority",
		Long: `Write a report on ORDER, for a court or an authority: what was blocked from when
until when, how soon, the queries that fell under it, and how to verify all that.

It is ORDER.html, a page that needs no other file and no network and prints to
A4; ORDER.json with the same; ORDER.csv with every name. With --all it is a
summary of all orders, with --receipt a receipt that says of each item of a
Piracy Shield ticket whether it is processed and, if not, why.

All comes from the journal in the folder of ` + "`state`" + `; no server need run. It
ends with the journal's last entry. Of an order with publicity summary it gives
numbers in place of names, of a hidden one also nothing that could tell them.

The exit code is 1, and the page says so, if the journal was tampered with.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return r.run(cmd.OutOrStdout(), args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&r.configFile, "config", "", "config `FILE`, whose state is read")
	flags.StringVar(&r.state, "state", "", "folder of the journal, `DIR` (default: that of the config file)")
	flags.Func("from", "report from `TIME` on: RFC 3339, or a date in UTC (default: the first entry)", func(text string) (err error) {
		r.from, err = parseTimeOrDate(text, 0)
		return err
	})
	flags.Func("to", "report until before `TIME`; of a date the day itself counts (default: the last entry)", func(text string) (err error) {
		r.to, err = parseTimeOrDate(text, 1)
		return err
	})
	flags.Func("lang", "language of the page, `CODE`: "+strings.Join(report.Languages(), " ")+" (default en)", func(text string) (err error) {
		if !slices.Contains(report.Languages(), text) {
			return problem.Fault{Text: "is no language of reports", Remedy: "write one of " + strings.Join(report.Languages(), " ")}
		}
		r.language, err = report.NewLanguage(text)
		return err
	})
	flags.StringVar(&r.out, "out", ".", "folder to write to, `DIR`")
	flags.BoolVar(&r.all, "all", false, "sum up all orders, as summary.html, .json and .csv")
	flags.BoolVar(&r.receipt, "receipt", false, "say what became of each item of a ticket, as ORDER-receipt.html, .json and .csv")
	flags.StringVar(&r.ticket, "ticket", "", "with --receipt: the ticket, JSON `FILE` (default: the order's last piracy-shield list)")
	return cmd
}

// parseTimeOrDate reads a time, or a date: midnight in UTC, some days later.
func parseTimeOrDate(text string, days int) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t.AddDate(0, 0, days), nil
	}
	return parseTime(text)
}

func (r *reportCommand) run(out io.Writer, args []string) error {
	switch {
	case r.all == (len(args) == 1):
		return errors.New("report: name an order, or give --all")
	case r.all && r.receipt:
		return errors.New("report: --receipt takes an order, not --all")
	case r.ticket != "" && !r.receipt:
		return errors.New("report: --ticket goes with --receipt only")
	case !r.from.IsZero() && !r.to.IsZero() && !r.from.Before(r.to):
		return errors.New("report: --from must be before --to")
	}
	if err := r.settle(); err != nil {
		return err
	}
	version, _ := buildVersion()
	q := report.Query{State: r.state, From: r.from, To: r.to, Made: time.Now(), Version: version}
	if !r.all {
		q.ID = args[0]
	}
	name, d, err := r.make(q)
	if err != nil {
		return failure{err.Error() + "\n"}
	}
	if err := r.write(out, name, d); err != nil {
		return failed(err)
	}
	if proof := d.Verified(); !proof.Whole {
		return failure{fmt.Sprintf("%s: the journal is not whole; bailiff journal verify tells where\n", proof.State)}
	}
	return nil
}

// settle finds the state folder and the language.
func (r *reportCommand) settle() (err error) {
	if r.state == "" && r.configFile != "" {
		var problems problem.List
		cfg := readConfig(r.configFile, &problems)
		if problems.Refused() {
			return refused(&problems)
		}
		r.state = cfg.state
	}
	if r.state == "" {
		return errors.New("report: name the journal's folder with --state, or a config file that has state with --config")
	}
	if r.language == nil {
		r.language, err = report.NewLanguage(report.Languages()[0])
	}
	return err
}

// reportDocument is what every document of package report can do.
type reportDocument interface {
	WriteCSV(io.Writer) error
	WritePage(io.Writer, *report.Language, []report.Beside) error
	Verified() report.Proof
}

// make makes the document, and the name of its files without their endings.
func (r *reportCommand) make(q report.Query) (name string, d reportDocument, err error) {
	switch {
	case r.all:
		d, err = report.NewSummary(q)
		return "summary", d, err
	case r.receipt:
		d, err = report.NewReceipt(q, r.ticket)
		return q.ID + "-receipt", d, err
	}
	d, err = report.NewOrder(q)
	return q.ID, d, err
}

// write writes the three files, the page last: it has the digests of the others.
func (r *reportCommand) write(out io.Writer, name string, d reportDocument) error {
	if err := os.MkdirAll(r.out, 0o755); err != nil { //nolint:gosec // reports are to be read
		return err
	}
	var beside []report.Beside
	for _, f := range []struct {
		ending string
		write  func(io.Writer) error
	}{
		{".json", func(w io.Writer) error { return report.WriteJSON(w, d) }},
		{".csv", d.WriteCSV},
		{".html", func(w io.Writer) error { return d.WritePage(w, r.language, beside) }},
	} {
		path, sum := filepath.Join(r.out, name+f.ending), sha256.New()
		if err := outfile.Replace(path, filePublic, func(w io.Writer) error { return f.write(io.MultiWriter(w, sum)) }); err != nil {
			return err
		}
		beside = append(beside, report.Beside{Name: name + f.ending, SHA256: hex.EncodeToString(sum.Sum(nil))})
		fmt.Fprintln(out, path)
	}
	return nil
}
