package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newManualCommand is for those who make packages: its pages are what --help
// says, so it is hidden from both.
func newManualCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "manual DIR",
		Short:  "Write the man pages into a folder",
		Long:   "Write a man page for each command into a folder. SOURCE_DATE_EPOCH dates them.",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			root := rootCommand()
			root.DisableAutoGenTag = true
			v, _ := buildVersion()
			header := &doc.GenManHeader{Section: "1", Source: "bailiff " + v, Manual: "bailiff"}
			if err := doc.GenManTree(root, header, args[0]); err != nil {
				return failed(err)
			}
			return nil
		},
	}
}
