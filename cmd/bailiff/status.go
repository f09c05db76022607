package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"bailiff/policy/problem"
)

// statusCommand is `bailiff status` with its flags.
type statusCommand struct {
	configFile string
	state      string
	server     string
	tokenFile  string
	json       bool
}

func newStatusCommand() *cobra.Command {
	s := new(statusCommand)
	cmd := &cobra.Command{
		Use:   "status [--state DIR | --config FILE | --server ADDRESS]",
		Short: "Show on one screen how a running server does",
		Long: `Show on one screen how a running server does, what is wrong first.

The server is asked through its API: on the socket bailiff.sock in the folder of
--state, or of ` + "`state`" + ` in the config file; or over TCP, where the config file has
` + "`api`" + `. SSL_CERT_FILE names the authority of a certificate that this machine does not
know.

The exit code is 1 if the server cannot be reached or its last reload was rejected.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&s.state, "state", "", "folder of the server's journal, `DIR`")
	flags.StringVar(&s.configFile, "config", "", "config `FILE` of the server")
	flags.StringVar(&s.server, "server", "", "the server's `ADDRESS`: unix:PATH of its socket, or http://ADDR:PORT")
	flags.StringVar(&s.tokenFile, "token-file", "", "`FILE` with the token of the API")
	flags.BoolVar(&s.json, "json", false, "print JSON")
	cmd.MarkFlagsMutuallyExclusive("state", "config", "server")
	cmd.MarkFlagsOneRequired("state", "config", "server")
	return cmd
}

func (s *statusCommand) run(ctx context.Context, out io.Writer) error {
	at, err := s.address()
	if err != nil {
		return err
	}
	found, err := fetchStatus(ctx, at)
	if err != nil {
		return failed(fmt.Errorf("%s: %w", at, err))
	}
	if s.json {
		err = printJSON(out, found)
	} else {
		_, err = io.WriteString(out, found.screen())
	}
	switch {
	case err != nil:
		return failed(err)
	case !found.Reload.OK:
		return failure{}
	}
	return nil
}

// address finds the server.
func (s *statusCommand) address() (a serverAddress, err error) {
	tokenFile := s.tokenFile
	switch {
	case s.state != "":
		a.unix = filepath.Join(s.state, socketFile)
	case s.server != "":
		if a, err = parseServer(s.server); err != nil {
			return a, fmt.Errorf("status: --server %s: %w", problem.Quote(s.server), err)
		}
	default:
		var problems problem.List
		cfg := readConfig(s.configFile, &problems)
		if problems.Refused() {
			return a, refused(&problems)
		}
		if a, err = cfg.apiAddress(); err != nil {
			return a, failed(fmt.Errorf("%s: %w", s.configFile, err))
		}
		if a.base != "" && tokenFile == "" {
			tokenFile = cfg.api.tokenFile
		}
	}
	if tokenFile != "" {
		if a.token, err = readToken(tokenFile); err != nil {
			return a, failed(err)
		}
	}
	return a, nil
}

// apiAddress is where a server with this config serves its API.
func (c *config) apiAddress() (serverAddress, error) {
	switch {
	case c.state != "":
		return serverAddress{unix: filepath.Join(c.state, socketFile)}, nil
	case !c.api.listen.IsValid():
		return serverAddress{}, errors.New("has neither state nor api: the server cannot be asked")
	}
	scheme := "http://"
	if c.api.certificate != "" {
		scheme = "https://"
	}
	return serverAddress{base: scheme + dialled(c.api.listen)}, nil
}

// String is what --server takes.
func (a serverAddress) String() string {
	if a.unix != "" {
		return "unix:" + a.unix
	}
	return a.base
}
