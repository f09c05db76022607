package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v4"

	"bailiff/policy"
	"bailiff/policy/guard"
	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// noticeCommand is `bailiff notice` with its flags.
type noticeCommand struct {
	noticeText
	at         time.Time
	folder     string
	configFile string
}

// noticeText is a notice as its file has it.
type noticeText struct {
	Order    string   `yaml:"order"`
	ID       string   `yaml:"id"`
	At       string   `yaml:"at"`
	Kind     string   `yaml:"kind"`
	By       string   `yaml:"by"`
	Document string   `yaml:"document,omitempty"`
	Block    []string `yaml:"block"`
}

func newNoticeCommand() *cobra.Command {
	n := &noticeCommand{at: time.Now().Truncate(time.Second)}
	cmd := &cobra.Command{
		Use:   "notice --order ID --name NAME… --by WHO --dir FOLDER/notices",
		Short: "Write a notice that adds names to an order, or removes them",
		Long: `Write the file of a notice that adds names to an order, or removes them.

Each name stands for everything below it too. The orders in FOLDER are then loaded
with the notice; if anything is refused, the file is taken away again. A running
server takes the notice up at its next reload (SIGHUP).`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := n.run()
			if err == nil {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), path)
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&n.Order, "order", "", "`ID` of the order")
	flags.StringArrayVar(&n.Block, "name", nil, "`NAME` to add or remove; may be repeated")
	flags.StringVar(&n.By, "by", "", "`WHO` gave the notice")
	flags.StringVar(&n.folder, "dir", "", "folder of notices, `FOLDER/notices`, below the orders")
	flags.StringVar(&n.ID, "id", "", "`ID` of the notice (default made of the time)")
	flags.StringVar(&n.Kind, "kind", "addition", "`KIND`: addition or removal")
	flags.StringVar(&n.Document, "document", "", "path or address of the `DOCUMENT`")
	flags.StringVar(&n.configFile, "config", "", "config `FILE`")
	flags.Func("at", "when it arrived, as `RFC3339` (default now)", func(text string) (err error) {
		if n.at, err = time.Parse(time.RFC3339, text); err != nil {
			return problem.Fault{Text: "is no time with a zone", Remedy: "write it as 2021-02-16T09:12:00+01:00"}
		}
		return nil
	})
	for _, required := range []string{"order", "name", "by", "dir"} {
		_ = cmd.MarkFlagRequired(required) // fails for unknown flags only
	}
	return cmd
}

// run writes the notice and returns the path of its file.
func (n *noticeCommand) run() (path string, err error) {
	if err := n.settle(); err != nil {
		return "", err
	}
	text, err := yaml.Marshal(n.noticeText)
	if err != nil {
		return "", failed(err)
	}
	path = filepath.Join(n.folder, n.Order+"-"+n.ID+".yaml")
	if err := writeNew(path, text); err != nil {
		return "", failed(err)
	}
	if problems := n.check(); problems.Refused() {
		if err := os.Remove(path); err != nil {
			return "", failed(err)
		}
		return "", refused(problems)
	}
	return path, nil
}

// settle checks what becomes part of a path, and fills in the rest.
func (n *noticeCommand) settle() error {
	n.folder = filepath.Clean(n.folder)
	n.At = n.at.Format(time.RFC3339)
	if n.ID == "" {
		n.ID = "notice-" + n.at.UTC().Format("20060102t150405z")
	}
	if filepath.Base(n.folder) != "notices" {
		return fmt.Errorf("notice: --dir %s: is not named notices; files elsewhere are read as orders", problem.Quote(n.folder))
	}
	for _, id := range []string{n.Order, n.ID} {
		if strings.ContainsAny(id, `/\`) {
			return fmt.Errorf("notice: %s: is no id; write 1 to 63 of a-z, 0-9, dot, underscore and hyphen", problem.Quote(id))
		}
	}
	for _, text := range n.Block {
		if _, err := name.Parse(text); err != nil {
			return fmt.Errorf("notice: --name %s: %w", problem.Quote(text), err)
		}
	}
	return nil
}

// writeNew writes a file that is not there yet, all at once: a reload must
// never see half of it. It makes the file's folder, for whom that above is for.
func writeNew(path string, text []byte) error {
	folder := filepath.Dir(path)
	above, err := os.Stat(filepath.Dir(folder))
	if err != nil {
		return err
	}
	if err := os.Mkdir(folder, above.Mode().Perm()); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	draft, err := os.CreateTemp(folder, ".notice-*") // hidden files are not read
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(draft.Name()) }()
	_, err = draft.Write(text)
	if err := errors.Join(err, draft.Chmod(filePublic), draft.Sync(), draft.Close()); err != nil {
		return err
	}
	err = os.Link(draft.Name(), path) // a rename would replace what is there
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s: is there already; give the notice another --id", path)
	}
	return err
}

// check loads the orders beside the folder of notices, as serve would.
func (n *noticeCommand) check() *problem.List {
	problems := new(problem.List)
	cfg := readConfig(n.configFile, problems)
	set := order.Load([]string{filepath.Dir(n.folder)}, problems)
	guard.New(cfg.guard(), problems).Check(set, nil, problems)
	policy.Compile(set, policy.Options{Notice: cfg.notice}, problems)
	return problems
}
