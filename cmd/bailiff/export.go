package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bailiff/policy"
	"bailiff/policy/guard"
	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/outfile"
	"bailiff/policy/problem"
	"bailiff/policy/rpz"
)

// exportCommand is `bailiff export` with its flags.
type exportCommand struct {
	configFile string
	out        string // file; empty: standard output
	zone       rpz.Options
}

func newExportCommand() *cobra.Command {
	e := &exportCommand{zone: rpz.Options{Origin: name.MustParse("rpz.bailiff.test"), At: time.Now()}}
	cmd := &cobra.Command{
		Use:   "export rpz PATH…",
		Short: "Write orders as a response policy zone",
		Long: `Write orders as a response policy zone, for resolvers that are not bailiff.

The zone holds what is in force, with exceptions and precedence settled. What a
zone has no words for is not in it; standard error says what that is. Write the
zone again whenever orders change, begin or end.`,
		Args: cobra.MatchAll(cobra.MinimumNArgs(2), func(_ *cobra.Command, args []string) error {
			if args[0] != "rpz" {
				return fmt.Errorf("export: %s: is no format; write rpz", problem.Quote(args[0]))
			}
			return nil
		}),
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.run(cmd.OutOrStdout(), cmd.ErrOrStderr(), args[1:])
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&e.configFile, "config", "", "config `FILE`: notice addresses and what is protected")
	flags.StringVar(&e.out, "out", "", "write to `FILE` (default standard output)")
	flags.BoolVar(&e.zone.Hidden, "hidden", false, "write hidden orders too: their names then stand in the zone")
	flags.Func("origin", "`NAME` of the zone (default rpz.bailiff.test)", func(text string) (err error) {
		e.zone.Origin, err = name.Parse(text)
		return err
	})
	flags.Func("at", "write what is in force then, as `RFC3339` (default now)", func(text string) (err error) {
		e.zone.At, err = parseTime(text)
		return err
	})
	flags.Func("refuse-as", "write orders that answer REFUSED as `ACTION`: nxdomain or drop (default: leave them out)", func(text string) error {
		for _, a := range []order.Action{order.ActionNXDOMAIN, order.ActionDrop} {
			if a.String() == text {
				e.zone.RefuseAs = a
				return nil
			}
		}
		return errors.New("is no action to write; write nxdomain or drop")
	})
	return cmd
}

func (e *exportCommand) run(out, log io.Writer, paths []string) error {
	var problems problem.List
	cfg := readConfig(e.configFile, &problems)
	e.zone.Notice = cfg.notice
	set := order.Load(paths, &problems)
	guard.New(cfg.guard(), &problems).Check(set, nil, &problems)
	zone := rpz.Plan(set, e.zone)
	policy.Compile(set, policy.Options{Notice: cfg.notice}, &problems)
	if problems.Refused() {
		return refused(&problems)
	}
	report, err := e.write(out, zone)
	if err != nil {
		return failed(err)
	}
	printReport(log, report)
	return nil
}

// write writes the zone where it is wanted.
func (e *exportCommand) write(out io.Writer, zone *rpz.Zone) (report *rpz.Report, err error) {
	if e.out == "" {
		return zone.Write(out)
	}
	mode := filePublic
	if e.zone.Hidden {
		mode = filePrivate
	}
	err = outfile.Replace(e.out, mode, func(w io.Writer) error {
		report, err = zone.Write(w)
		return err
	})
	return report, err
}

// printReport says what the zone holds and what it does not.
func printReport(log io.Writer, r *rpz.Report) {
	for _, left := range r.Left {
		orders := ""
		if len(left.Orders) > 0 {
			orders = " (" + strings.Join(shortened(left.Orders), ", ") + ")"
		}
		fmt.Fprintf(log, "not in the zone: %d %s%s; %s\n", left.Count, left.Reason, orders, left.Reason.Remedy())
	}
	fmt.Fprintf(log, "in the zone: %d orders, %d records", r.Orders, r.Records)
	if !r.Until.IsZero() {
		fmt.Fprintf(log, "; orders begin or end at %s: export again then", r.Until.UTC().Format(time.RFC3339))
	}
	fmt.Fprintln(log)
}

// parseTime reads a time of the command line.
func parseTime(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		err = problem.Fault{Text: "is no time with a zone", Remedy: "write it as 2021-02-16T09:12:00+01:00"}
	}
	return t, err
}
