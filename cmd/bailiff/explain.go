package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
	"github.com/spf13/cobra"

	"bailiff/metrics/journal"
	"bailiff/policy"
	"bailiff/policy/guard"
	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// explainCommand is `bailiff explain` with its flags.
type explainCommand struct {
	configFile string
	orders     []string
	client     netip.Addr
	at         time.Time
	isPast     bool // at was given
	json       bool
	state      string            // folder of the journal to answer from; empty: none
	past       *journal.LoadedAt // what the journal says; nil: it was not asked
}

func newExplainCommand() *cobra.Command {
	e := &explainCommand{client: netip.AddrFrom4([4]byte{127, 0, 0, 1}), at: time.Now()}
	cmd := &cobra.Command{
		Use:   "explain NAME [TYPE]",
		Short: "Say which order and rule decide a query",
		Long: `Say which order and rule decide a query for NAME, and what is answered.

Nothing is asked upstream: a name that NAME leads to by CNAME is not looked at.
TYPE is A where it is not given.

With --state the answer comes from the journal in DIR: what the server had in
force at the time of --at, also where the order files have changed or are gone.
The folder is that of ` + "`state`" + ` in the config file where --at is given, and
neither --state nor --orders.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error { return e.run(cmd.OutOrStdout(), args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&e.configFile, "config", "", "config `FILE`")
	flags.StringArrayVar(&e.orders, "orders", nil, "order file or folder at `PATH`; may be repeated")
	flags.BoolVar(&e.json, "json", false, "print JSON")
	flags.Func("client", "address of the client, `IP` (default 127.0.0.1)", func(text string) (err error) {
		if e.client, err = netip.ParseAddr(text); err != nil {
			return problem.Fault{Text: "is no address", Remedy: "write one such as 192.0.2.7"}
		}
		e.client = e.client.Unmap().WithZone("")
		return nil
	})
	flags.Func("at", "time of the query, as `RFC3339` (default now)", func(text string) (err error) {
		e.isPast = true
		e.at, err = parseTime(text)
		return err
	})
	flags.StringVar(&e.state, "state", "", "answer from the journal in `DIR`")
	return cmd
}

func (e *explainCommand) run(out io.Writer, args []string) error {
	asked, qtype, err := readQuestion(args)
	if err != nil {
		return err
	}
	switch {
	case len(e.orders) > 0 && e.state != "":
		return errors.New("explain: --orders and --state do not go together: the journal knows which orders were in force")
	case len(e.orders) == 0 && e.configFile == "" && e.state == "":
		return errors.New("explain: name order files or folders with --orders, a config file with --config, or a journal with --state")
	}
	law, cfg, err := e.load()
	if err != nil {
		return err
	}
	found := explain(law.store.Load(), law.place, asked, qtype, e.client, e.at)
	if found.order != nil {
		found.reply = law.reply(asked, qtype, e.client, e.at)
	}
	found.past = e.past
	if e.past != nil {
		found.Generation, found.JournalSeq = e.past.Generation, e.past.Seq
	}
	found.unserved = e.configFile != "" && !slices.ContainsFunc(cfg.clients, func(p netip.Prefix) bool { return p.Contains(e.client) })
	if e.json {
		err = printJSON(out, found)
	} else {
		err = found.print(out)
	}
	if err != nil {
		return failed(err)
	}
	return nil
}

// readQuestion reads NAME and TYPE.
func readQuestion(args []string) (name.Name, uint16, error) {
	asked, err := name.Parse(args[0])
	if err != nil {
		return "", 0, fmt.Errorf("explain: %s: %w", problem.Quote(args[0]), err)
	}
	if len(args) == 1 {
		return asked, dns.TypeA, nil
	}
	text := strings.ToUpper(args[1])
	if qtype, ok := dns.StringToType[text]; ok {
		return asked, qtype, nil
	}
	number, isNumber := strings.CutPrefix(text, "TYPE") // RFC 3597 section 5
	if n, err := strconv.ParseUint(number, 10, 16); isNumber && err == nil {
		return asked, uint16(n), nil
	}
	return "", 0, fmt.Errorf("explain: %s: is no RR type; write one such as AAAA, HTTPS or TYPE65", problem.Quote(args[1]))
}

// lawAt is the law at an instant, with the rules as they were written.
type lawAt struct {
	store *policy.Store
	rules map[string][]order.Rule // by order id; compiling takes them from the orders
}

// load reads config and orders as serve would.
func (e *explainCommand) load() (lawAt, *config, error) {
	var problems problem.List
	cfg := readConfig(e.configFile, &problems)
	if e.state == "" && e.isPast && len(e.orders) == 0 {
		e.state = cfg.state
	}
	if e.state != "" {
		return e.loadPast(cfg, &problems)
	}
	if len(e.orders) > 0 {
		cfg.orders = e.orders
	}
	law, err := loadLaw(cfg, e.at, &problems)
	return law, cfg, err
}

// loadLaw reads the orders of the config as serve would. The error has every
// problem.
func loadLaw(cfg *config, at time.Time, problems *problem.List) (lawAt, error) {
	set := order.Load(cfg.orders, problems)
	guard.New(cfg.guard(), problems).Check(set, nil, problems)
	law := lawAt{policy.NewStore(), map[string][]order.Rule{}}
	for _, o := range set.Orders {
		law.rules[o.ID] = o.Rules
	}
	program := policy.Compile(set, policy.Options{Notice: cfg.notice}, problems)
	if problems.Refused() {
		return lawAt{}, refused(problems)
	}
	law.store.Install(program, at)
	return law, nil
}

// explanation is why a query is answered as it is; the JSON form of explain.
type explanation struct {
	Name    string       `json:"name"`
	Type    string       `json:"type"`
	Client  netip.Addr   `json:"client"`
	At      time.Time    `json:"at"`
	Verdict string       `json:"verdict"`
	Order   string       `json:"order"` // empty, as rule and trigger, where the verdict is pass
	Rule    string       `json:"rule"`
	Trigger string       `json:"trigger"`
	Matched []matchFound `json:"matched"`

	// From the journal: what was in force, and the entry that put it there.
	Generation uint64 `json:"generation,omitempty"`
	JournalSeq uint64 `json:"journal_seq,omitempty"`

	past     *journal.LoadedAt // nil: not from the journal
	order    *policy.Order     // that answers; nil: none
	reply    string            // what dig would show
	unserved bool              // the config file's access list does not hold the client
}

// matchFound is one order that the query falls under.
type matchFound struct {
	Order   string `json:"order"`
	Rule    string `json:"rule"`
	Trigger string `json:"trigger"`
	Action  string `json:"action"`
	Outcome string `json:"outcome"`
	Answers bool   `json:"answers"`
}

// explain asks the law. place names the rule of a match whose name is owner.
func explain(law *policy.Snapshot, place func(m *policy.Match, owner []byte) string, asked name.Name, qtype uint16, client netip.Addr, at time.Time) *explanation {
	e := &explanation{
		Name: asked.String(), Type: dns.Type(qtype).String(), Client: client, At: at,
		Verdict: order.ActionPass.String(), Matched: []matchFound{},
	}
	var qname name.Buffer
	qname.Set([]byte(asked))
	matches, answers := law.Match(&qname, client, nil)
	if answers >= 0 {
		e.order = matches[answers].Order
	}
	slices.SortFunc(matches, func(a, b policy.Match) int { return a.Compare(&b) })
	for i := range matches {
		m := &matches[i]
		found := matchFound{
			Order: m.Order.ID, Rule: place(m, qname.Suffix(m.OwnerLabel)), Trigger: m.Trigger().String(),
			Action: m.Order.Answer.Action.String(), Outcome: outcome(m), Answers: m.Order == e.order,
		}
		if found.Answers {
			e.Verdict, e.Order, e.Rule, e.Trigger = found.Action, found.Order, found.Rule, found.Trigger
		}
		e.Matched = append(e.Matched, found)
	}
	return e
}

// outcome is what a match does to the answer, in the word of the metrics.
func outcome(m *policy.Match) string {
	if m.Enforced() {
		return policy.Enforced.String()
	}
	return policy.Observed.String()
}

// place is the rule's place, with file and line where it holds many names.
func (l lawAt) place(m *policy.Match, owner []byte) string {
	written := l.rules[m.Order.ID][m.Rule]
	if strings.HasPrefix(written.Place, "rule ") && !strings.HasSuffix(written.Place, ")") {
		return written.Place
	}
	for e := range written.Names.All() {
		if string(e.Name) == string(owner) {
			place, _, _ := strings.Cut(written.Place, " (")
			return fmt.Sprintf("%s (%s:%d)", place, written.File, e.Line)
		}
	}
	return written.Place
}
