package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bailiff/policy"
	"bailiff/policy/guard"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// checkCommand is `bailiff check` with its flags.
type checkCommand struct {
	configFile string
	against    string // list of popular names; empty: none
	json       bool
}

func newCheckCommand() *cobra.Command {
	c := new(checkCommand)
	cmd := &cobra.Command{
		Use:   "check PATH…",
		Short: "Check order files, and the config file",
		Long: `Check order files and folders, and the config file, as serve would.

Every problem is printed, then a summary. Without a PATH the orders of the config
file are checked. The exit code is 0 if serve would accept them, notes included.`,
		RunE: func(cmd *cobra.Command, paths []string) error { return c.run(cmd.OutOrStdout(), paths) },
	}
	cmd.Flags().StringVar(&c.configFile, "config", "", "config `FILE`")
	cmd.Flags().StringVar(&c.against, "against", "", "say which names of the popularity list `LIST` would be hit")
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON")
	return cmd
}

func (c *checkCommand) run(out io.Writer, paths []string) error {
	if len(paths) == 0 && c.configFile == "" {
		return errors.New("check: name order files or folders, or a config file with --config")
	}
	var problems problem.List
	cfg := readConfig(c.configFile, &problems)
	if c.configFile != "" && !problems.Refused() {
		cfg.settleResolution(resolvConf, &problems)
	}
	if len(paths) > 0 {
		cfg.orders = paths
	}
	set := order.Load(cfg.orders, &problems)
	guard.New(cfg.guard(), &problems).Check(set, nil, &problems)
	options := policy.Options{Notice: cfg.notice}
	hits := c.measure(set, options, &problems)
	program := policy.Compile(set, options, &problems)
	var found *summary
	if !problems.Refused() {
		found = summarise(policy.NewStore().Install(program, time.Now()).Orders())
	}
	if err := c.print(out, &problems, found, hits); err != nil {
		return failed(err)
	}
	if problems.Refused() {
		return failure{}
	}
	return nil
}

// measure compares with the list of popular names, if one is given and nothing
// is wrong so far.
func (c *checkCommand) measure(set *order.Set, options policy.Options, problems *problem.List) *impact {
	if c.against == "" {
		return nil
	}
	popular := guard.ReadPopular(c.against, problems)
	if problems.Refused() {
		return nil
	}
	return newImpact(lawForAll(set, options), c.against, popular)
}

func (c *checkCommand) print(out io.Writer, problems *problem.List, found *summary, hits *impact) error {
	if found == nil {
		hits = nil
	}
	if c.json {
		return printJSON(out, checkReport{Problems: reports(problems), Dropped: problems.Dropped(), Summary: found, Against: hits})
	}
	printProblems(out, problems)
	if found == nil {
		_, err := fmt.Fprintln(out, "refused: nothing of this would be loaded")
		return err
	}
	_, err := fmt.Fprintln(out, found)
	if err == nil && hits != nil {
		_, err = fmt.Fprintln(out, hits)
	}
	return err
}

// summary is what the orders amount to.
type summary struct {
	Orders     map[string]int `json:"orders"` // by state
	Rules      map[string]int `json:"rules"`  // by trigger; each name of a list counts
	Exceptions int            `json:"exceptions"`
	Names      int            `json:"names"` // rules and exceptions
}

func summarise(orders []*policy.Order) *summary {
	s := &summary{Orders: map[string]int{}, Rules: map[string]int{}}
	for state, n := range countStates(orders, time.Now()) {
		s.Orders[policy.State(state).String()] = n
	}
	for _, o := range orders {
		for t, n := range o.RulesByTrigger() {
			if n > 0 {
				s.Rules[order.Trigger(t).String()] += n
			}
		}
		for i := range o.Rules {
			s.Names += o.Rules[i].Names
			if o.Rules[i].Except {
				s.Exceptions += o.Rules[i].Names
			}
		}
	}
	return s
}

// String is the summary in two lines.
func (s *summary) String() string {
	states, total := []string{}, 0
	for state := range policy.Lapsed + 1 {
		n := s.Orders[state.String()]
		total += n
		states = append(states, fmt.Sprintf("%d %s", n, state))
	}
	rules := []string{}
	for t := range order.Trigger(order.Triggers) {
		if n := s.Rules[t.String()]; n > 0 {
			rules = append(rules, fmt.Sprintf("%d %s", n, t))
		}
	}
	if len(rules) == 0 {
		rules = append(rules, "none")
	}
	return fmt.Sprintf("orders: %d (%s)\nrules: %s; exceptions: %d; names: %d",
		total, strings.Join(states, ", "), strings.Join(rules, ", "), s.Exceptions, s.Names)
}

// checkReport is the JSON form of a check. Summary is null if something was
// refused.
type checkReport struct {
	Problems []problemReport `json:"problems"`
	Dropped  int             `json:"dropped"` // problems beyond the bound of what is reported
	Summary  *summary        `json:"summary"`
	Against  *impact         `json:"against,omitempty"` // with --against
}

type problemReport struct {
	File     string `json:"file"`
	Line     int    `json:"line"` // 0: the file as a whole
	Severity string `json:"severity"`
	Place    string `json:"place"`
	Value    string `json:"value"`
	Text     string `json:"text"`
	Remedy   string `json:"remedy"`
}

func reports(problems *problem.List) []problemReport {
	list := []problemReport{}
	for _, p := range problems.Sorted() {
		list = append(list, problemReport{p.File, p.Line, p.Severity.String(), p.Place, p.Value, p.Text, p.Remedy})
	}
	return list
}

// printJSON prints one value, indented for people.
func printJSON(out io.Writer, value any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(value)
}
