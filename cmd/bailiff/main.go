// Command bailiff is a forwarding DNS resolver that carries out blocking
// orders.
//
// This package connects: it reads the config file and the command line, opens
// the sockets, reloads orders and stops in order. It decides nothing about a
// query. It may import every other package; nobody imports it. Start reading
// at serveCommand.run.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	_ "time/tzdata" // lists name time zones; a container may know none

	"github.com/spf13/cobra"

	"bailiff/policy/problem"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1 // something is wrong with files, sockets or the machine
	exitUsage   = 2 // something is wrong with the command line
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the program: it returns its exit code.
func run(args []string, stdout, stderr io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.Execute()
	failed, isFailure := errors.AsType[failure](err)
	switch {
	case err == nil:
		return exitOK
	case isFailure:
		_, _ = io.WriteString(stderr, failed.lines)
		return exitFailure
	}
	fmt.Fprintf(stderr, "bailiff: %v\nbailiff: --help says what each command takes\n", err)
	return exitUsage
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "bailiff",
		Short:         "A DNS resolver that carries out blocking orders",
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("no command given")
		},
	}
	root.AddCommand(newServeCommand(), newCheckCommand(), newExplainCommand(),
		newImportCommand(), newExportCommand(), newCandidatesCommand(), newNoticeCommand(), newJournalCommand(), newReportCommand(), newStatusCommand(), newProbeCommand(), newVersionCommand(), newManualCommand())
	return root
}

// failure is an error that is not one of usage. lines are what standard error
// gets, each with its line feed; empty if the command has said it all.
type failure struct{ lines string }

// Error returns the lines without the last line feed.
func (f failure) Error() string { return strings.TrimSuffix(f.lines, "\n") }

// failed makes a failure of an error with one line.
func failed(err error) failure { return failure{fmt.Sprintf("bailiff: %v\n", err)} }

// refused makes a failure of a list of problems, one a line.
func refused(problems *problem.List) failure {
	var b strings.Builder
	printProblems(&b, problems)
	return failure{b.String()}
}

// printProblems prints every problem on a line of its own, sorted.
func printProblems(w io.Writer, problems *problem.List) {
	for _, p := range problems.Sorted() {
		fmt.Fprintln(w, p.Error())
	}
	if n := problems.Dropped(); n > 0 {
		fmt.Fprintf(w, "and %d more\n", n)
	}
}
