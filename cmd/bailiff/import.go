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
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"bailiff/policy"
	"bailiff/policy/guard"
	"bailiff/policy/infile"
	"bailiff/policy/list"
	"bailiff/policy/order"
	"bailiff/policy/outfile"
	"bailiff/policy/problem"
)

// Bounds of an import.
const (
	maxImportOctets = 1 << 29 // 512 MiB: package list reads no more
	maxInline       = 500     // names that people still read in an order file
)

// importCommand is `bailiff import` with its flags.
type importCommand struct {
	configFile string
	source     string // the file to import
	out        string // the order file; empty: ID.yaml
	lists      string // folder for lists, from the order file's
	force      bool
	order      orderFile
	list       ruleFile
	columns    map[string]string
}

func newImportCommand() *cobra.Command {
	c := new(importCommand)
	cmd := &cobra.Command{
		Use:   "import FORMAT FILE",
		Short: "Write an order file from a list that an authority publishes",
		Long: `Write an order file from a list that an authority publishes.

Up to 500 names stand in the order file; more stay in a copy of FILE beside it. The
order is checked as serve would before anything is written. FORMAT is one of:
` + strings.Join(formatWords(), ", ") + ".",
		Args: cobra.MatchAll(cobra.ExactArgs(2), func(_ *cobra.Command, args []string) error {
			if !slices.Contains(formatWords(), args[0]) {
				return fmt.Errorf("import: %s: is no format; write one of %s", problem.Quote(args[0]), strings.Join(formatWords(), ", "))
			}
			return nil
		}),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.list.Format, c.source = args[0], args[1]
			return c.run(cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	c.addFlags(cmd)
	return cmd
}

func formatWords() (words []string) {
	for _, f := range list.Formats() {
		words = append(words, f.String())
	}
	return words
}

func (c *importCommand) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&c.order.ID, "id", "", "`ID` of the order")
	flags.StringVar(&c.order.Authority.Name, "authority", "", "`NAME` of who orders")
	flags.StringVar(&c.order.Authority.Kind, "kind", "", "kind of authority: court, regulator, police, ministry or operator")
	flags.StringVar(&c.order.Jurisdiction, "jurisdiction", "", "ISO 3166 `CODE`")
	flags.StringVar(&c.order.Category, "category", "", "what it is about, as in order files")
	flags.StringArrayVar(&c.order.LegalBasis, "legal-basis", nil, "`TEXT`; may be repeated")
	flags.StringVar(&c.order.Answer.Action, "action", "", "nxdomain, nodata, notice, refuse or drop (default nxdomain)")
	flags.StringVar(&c.order.Publicity, "publicity", "", "public, summary or hidden (default public)")
	flags.StringVar(&c.out, "out", "", "order `FILE` to write (default ID.yaml)")
	flags.StringVar(&c.lists, "lists", "lists", "folder for long lists, in that of the order file")
	flags.BoolVar(&c.force, "force", false, "overwrite the order file")
	flags.StringVar(&c.configFile, "config", "", "config `FILE`: notice addresses and what is protected")
	flags.StringVar(&c.list.OnError, "on-error", "", "refuse or skip entries that are wrong (default refuse)")
	flags.IntVar(&c.list.MaxErrors, "max-errors", 0, "entries that may be skipped (default one of a hundred)")
	flags.StringToStringVar(&c.columns, "columns", nil, "csv: columns by number or header, such as `name=1,added=2,removed=3`")
	flags.StringVar(&c.list.Delimiter, "delimiter", "", "csv: what stands between fields: , ; | or tab")
	flags.StringVar(&c.list.Encoding, "encoding", "", "csv: such as iso-8859-2 (default utf-8)")
	flags.BoolVar(&c.list.Header, "header", false, "csv: the first line names the columns")
	flags.StringVar(&c.list.Dates, "dates", "", "csv: how dates are written, such as dd.mm.yyyy")
	flags.StringVar(&c.list.Zone, "zone", "", "csv: time zone of the dates, such as Europe/Prague")
	_ = cmd.MarkFlagRequired("id")
	_ = cmd.MarkFlagRequired("authority")
}

func (c *importCommand) run(out, log io.Writer) error {
	if c.out == "" {
		c.out = filepath.Base(c.order.ID) + ".yaml"
	}
	if !filepath.IsLocal(c.lists) {
		return errors.New("import: --lists leads out of the order file's folder; name a folder below it")
	}
	if _, err := os.Lstat(c.out); err == nil && !c.force {
		return failed(fmt.Errorf("%s: is there already; give --force to overwrite it, or another --out", c.out))
	}
	staging, err := os.MkdirTemp(filepath.Dir(c.out), ".bailiff-import-*")
	if err != nil {
		return failed(err)
	}
	defer func() { _ = os.RemoveAll(staging) }()
	s := stage{importCommand: c, folder: staging, log: log, progress: newProgress(log)}
	entries, err := s.write()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: order %s, %d names and addresses\n", c.out, c.order.ID, entries)
	return nil
}

// mode is who may read what is written.
func (c *importCommand) mode() os.FileMode {
	if c.order.Publicity == order.Hidden.String() {
		return filePrivate
	}
	return filePublic
}

// stage is a hidden folder beside the order file in which everything stands as
// it will stand there, until it has been checked.
type stage struct {
	*importCommand
	folder   string
	listPath string // of the copied list, from the folder
	sum      string // its SHA-256, hexadecimal
	log      io.Writer
	progress *progress
}

// write writes the order, as a rule on the copied list or with its names, and
// puts in place what was checked. It returns how many entries it holds.
func (s *stage) write() (entries int, err error) {
	s.progress.during("reading "+s.source, func() { err = s.copyList() })
	if err != nil {
		return 0, failed(err)
	}
	s.list.List, s.list.SHA256, s.list.Columns = filepath.ToSlash(s.listPath), s.sum, columnValues(s.columns)
	s.order.Rules = []ruleFile{s.list}
	var rules []order.Rule
	var problems *problem.List
	s.progress.during("checking "+s.source, func() { rules, problems, err = s.check() })
	if err != nil {
		return 0, failed(err)
	}
	s.print(problems)
	if problems.Refused() {
		return 0, failure{}
	}
	for i := range rules {
		entries += rules[i].Len()
	}
	if entries > maxInline || !s.order.inline(rules) {
		return entries, s.place(s.listPath)
	}
	if _, problems, err = s.check(); err == nil && problems.Refused() {
		s.print(problems)
		return 0, failure{}
	}
	if err != nil {
		return 0, failed(err)
	}
	return entries, s.place("")
}

// copyList copies the source into the folder under a name that its content
// settles: no later import overwrites it.
func (s *stage) copyList() error {
	from, err := infile.Open(s.source, maxImportOctets)
	if err != nil {
		return problem.Problem{File: s.source}.Because(err)
	}
	defer from.Close()
	sum := sha256.New()
	first := filepath.Join(s.folder, "list")
	err = outfile.Replace(first, s.mode(), func(w io.Writer) error {
		_, err := io.Copy(io.MultiWriter(w, sum), io.LimitReader(from, maxImportOctets)) // it may grow for ever
		return err
	})
	if err != nil {
		return err
	}
	if err := from.Unchanged(); err != nil {
		return problem.Problem{File: s.source}.Because(err)
	}
	s.sum = hex.EncodeToString(sum.Sum(nil))
	const distinct = 12 // digits
	s.listPath = filepath.Join(s.lists, filepath.Base(s.order.ID)+"-"+s.sum[:distinct]+filepath.Ext(s.source))
	path := filepath.Join(s.folder, s.listPath)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // the files say who may read them
		return err
	}
	return os.Rename(first, path)
}

// check writes the order file and loads it, as serve would. The error is the
// operating system's.
func (s *stage) check() (rules []order.Rule, problems *problem.List, err error) {
	err = outfile.Replace(s.orderPath(), s.mode(), func(w io.Writer) error {
		return s.order.write(w, fmt.Sprintf("Imported from %s (format %s), SHA-256\n%s.", problem.Quote(filepath.Base(s.source)), s.list.Format, s.sum))
	})
	if err != nil {
		return nil, nil, err
	}
	problems = new(problem.List)
	cfg := readConfig(s.configFile, problems)
	set := order.Load([]string{s.orderPath()}, problems)
	guard.New(cfg.guard(), problems).Check(set, nil, problems)
	for _, o := range set.Orders {
		rules = o.Rules
	}
	policy.Compile(set, policy.Options{Notice: cfg.notice}, problems)
	return rules, problems, nil
}

func (s *stage) orderPath() string { return filepath.Join(s.folder, filepath.Base(s.out)) }

// print prints problems under the names that the operator knows.
func (s *stage) print(problems *problem.List) {
	known := strings.NewReplacer(s.orderPath(), s.out, filepath.Join(s.folder, s.listPath), s.source)
	for _, p := range problems.Sorted() {
		p.File, p.Text = known.Replace(p.File), known.Replace(p.Text)
		fmt.Fprintln(s.log, p.Error())
	}
	if n := problems.Dropped(); n > 0 {
		fmt.Fprintf(s.log, "and %d more\n", n)
	}
}

// place moves a list, if one is named, and then the order file to where they
// belong.
func (s *stage) place(list string) error {
	if list != "" {
		target := filepath.Join(filepath.Dir(s.out), list)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil { //nolint:gosec // the files say who may read them
			return failed(err)
		}
		if err := os.Rename(filepath.Join(s.folder, list), target); err != nil {
			return failed(err)
		}
	}
	if err := os.Rename(s.orderPath(), s.out); err != nil {
		return failed(err)
	}
	return nil
}

// columnValues are the columns as an order file has them: numbers as numbers.
func columnValues(columns map[string]string) map[string]any {
	values := map[string]any{}
	for key, text := range columns {
		values[key] = text
		if n, err := strconv.Atoi(text); err == nil {
			values[key] = n
		}
	}
	return values
}
