package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bailiff/policy"
	"bailiff/policy/guard"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// candidatesCommand is `bailiff candidates` with its flags.
type candidatesCommand struct {
	configFile   string
	orders, logs []string
	server       string
	json         bool
	top          int
	minScore     float64
}

func newCandidatesCommand() *cobra.Command {
	c := new(candidatesCommand)
	cmd := &cobra.Command{
		Use:   "candidates --orders PATH… [--log FILE]… [--server ADDRESS]",
		Short: "List names that look like the next mirror of a service under order",
		Long: `List names of a query log, or of a running server, that look like the next mirror
of a service under order.

It proposes and never blocks: a person turns a candidate into a notice, with
bailiff notice. Nothing is asked of the DNS.

A log is text, compressed by gzip or not: one name a line; lines of the query logs
of BIND, dnsmasq or Unbound; or JSON lines with name or qname. It may also be dnstap, of
which the responses to clients are read. Where a log has answers (addresses), cname or
ns too, what a name shares with one under order, or with a rule on addresses or name
servers, is evidence. Without --log and --server,
standard input is read. At most 5,000,000 different names are kept, which takes up to
3 GiB; those beyond are counted and left out. Misspellings are looked for of 20,000
labels under order.

A server that runs with candidates: {watch: true} in its config file remembers the
names that it resolved of late; --server asks it for them.

Left out are names under order already, names that an exception frees, popular names
(of protected.popular in the config file), and what looks like a name of a hidden
order, which it would tell.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.run(cmd.OutOrStdout(), cmd.ErrOrStderr(), cmd.InOrStdin())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&c.configFile, "config", "", "config `FILE`")
	flags.StringArrayVar(&c.orders, "orders", nil, "order file or folder at `PATH`; may be repeated")
	flags.StringArrayVar(&c.logs, "log", nil, "query log `FILE`; may be repeated")
	flags.StringVar(&c.server, "server", "", "ask the server at `ADDRESS`: unix:PATH of its socket, or http://ADDR:PORT")
	flags.BoolVar(&c.json, "json", false, "print JSON")
	flags.IntVar(&c.top, "top", 100, "list at most `N` candidates of each order")
	flags.Float64Var(&c.minScore, "min-score", 0.5, "list candidates that score `X` or more, of 0 to 1")
	return cmd
}

func (c *candidatesCommand) run(out, stderr io.Writer, stdin io.Reader) error {
	switch {
	case len(c.orders) == 0:
		return errors.New("candidates: name order files or folders with --orders")
	case c.top < 1:
		return fmt.Errorf("candidates: --top %d: is less than one; leave it out for 100", c.top)
	case !(c.minScore >= 0 && c.minScore <= 1):
		return fmt.Errorf("candidates: --min-score %v: is not between 0 and 1; leave it out for 0.5", c.minScore)
	}
	s, err := c.load(time.Now())
	if err != nil {
		return err
	}
	if s.log, err = c.read(stdin); err != nil {
		return failed(err)
	}
	found := s.candidates(c.minScore)
	for id, list := range found {
		found[id] = list[:min(len(list), c.top)]
	}
	if err := c.print(out, s.log, found); err != nil {
		return failed(err)
	}
	if n := s.log.unread; n > 0 {
		fmt.Fprintf(stderr, "bailiff: no name was found in %d lines\n", n)
	}
	if n := s.log.leftOver; n > 0 {
		fmt.Fprintf(stderr, "bailiff: %d queries were left out: the log holds more than %d names\n", n, maxLogNames)
	}
	return nil
}

// read reads all there is to look through.
func (c *candidatesCommand) read(stdin io.Reader) (*queryLog, error) {
	log := newQueryLog()
	if c.server != "" {
		if err := log.readServer(c.server); err != nil {
			return nil, fmt.Errorf("--server %s: %w", problem.Quote(c.server), err)
		}
	} else if len(c.logs) == 0 {
		if err := log.read(stdin); err != nil {
			return nil, fmt.Errorf("standard input: %w", err)
		}
	}
	for _, path := range c.logs {
		if err := log.readFile(path); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return log, nil
}

// load reads the orders as serve would.
func (c *candidatesCommand) load(now time.Time) (*search, error) {
	var problems problem.List
	cfg := readConfig(c.configFile, &problems)
	set := order.Load(c.orders, &problems)
	s := newSearch(set.Orders, func(o *order.Order) bool {
		return !o.Valid.Until.IsZero() && !now.Before(o.Valid.Until)
	})
	guard.New(cfg.guard(), &problems).Check(set, nil, &problems)
	s.leaveOut(cfg.protected.Popular, &problems)
	program := policy.Compile(set, policy.Options{Notice: cfg.notice}, &problems)
	if problems.Refused() {
		return nil, refused(&problems)
	}
	s.law = policy.NewStore().Install(program, now)
	return s, nil
}

func (c *candidatesCommand) print(out io.Writer, log *queryLog, found map[string][]candidate) error {
	if c.json {
		return printJSON(out, candidateReport{Names: len(log.queries), Unread: log.unread, LeftOut: log.leftOver, Orders: found})
	}
	var b strings.Builder
	for _, id := range slices.Sorted(maps.Keys(found)) {
		fmt.Fprintf(&b, "Order %s:\n", id)
		for _, c := range found[id] {
			reasons := make([]string, len(c.Evidence))
			for i, e := range c.Evidence {
				reasons[i] = e.String()
			}
			fmt.Fprintf(&b, "  %.2f  %s  (%d queries): %s\n", c.Score, c.Name, c.Queries, strings.Join(reasons, "; "))
		}
	}
	if len(found) == 0 {
		fmt.Fprintf(&b, "No candidate among %d names.\n", len(log.queries))
	} else {
		b.WriteString("Nothing of this is blocked. Look at each; bailiff notice writes a notice for those that are mirrors.\n")
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// candidateReport is the JSON form of candidates.
type candidateReport struct {
	Names   int                    `json:"names"`    // in the log, each once
	Unread  int                    `json:"unread"`   // lines without a name
	LeftOut int                    `json:"left_out"` // queries for names beyond the bound
	Orders  map[string][]candidate `json:"orders"`
}
