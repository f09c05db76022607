package main

import (
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"bailiff/metrics/querylog"
	"bailiff/policy/strictyaml"
)

// maxSample bounds how few of the free queries are logged: one of a million.
const maxSample = 1_000_000

// queryLogReader is the reader for the query log of the config file at path.
func queryLogReader(path string) func(strictyaml.Value) querylog.Config {
	file := pathFrom(filepath.Dir(path))
	return func(v strictyaml.Value) (c querylog.Config) {
		var json, dnstap strictyaml.Value
		sample := 1
		v.Mapping(
			strictyaml.Key("json", &json, strictyaml.Itself),
			strictyaml.Key("dnstap", &dnstap, strictyaml.Itself),
			strictyaml.Key("only", &c.OnlyMatches, func(v strictyaml.Value) bool {
				return strictyaml.Word("all", "matches")(v) == "matches"
			}),
			strictyaml.Key("sample", &sample, strictyaml.Int(1, maxSample)),
			strictyaml.Key("clients", &c.Clients, strictyaml.Enum(querylog.Truncate, querylog.Digest, querylog.None, querylog.Full)),
		)
		c.Sample = uint32(sample)
		if !json.Given() && !dnstap.Given() {
			v.Refuse("has neither json nor dnstap", "say where the log goes, or take query_log out")
		}
		if json.Given() {
			json.Mapping(strictyaml.Key("file", &c.JSONFile, file).Required())
		}
		if dnstap.Given() {
			readDnstap(dnstap, &c, file)
		}
		return c
	}
}

// readDnstap reads where dnstap goes: to a reader on a socket, or to a file.
func readDnstap(v strictyaml.Value, c *querylog.Config, path func(strictyaml.Value) string) {
	var socket, file strictyaml.Value
	v.Mapping(strictyaml.Key("socket", &socket, strictyaml.Itself), strictyaml.Key("file", &file, strictyaml.Itself))
	switch {
	case socket.Given() && file.Given():
		v.Refuse("has both a socket and a file", "keep one of them")
	case socket.Given():
		c.DnstapSocket = path(socket)
	case file.Given():
		if c.DnstapFile = path(file); c.DnstapFile == c.JSONFile {
			file.Refuse("is the file of json too", "name another")
		}
	}
}

// startQueryLog starts the query log that the config file asks for; nil, which
// is a log that is off, if it asks for none.
func startQueryLog(c querylog.Config, version string, log *slog.Logger) (*querylog.Log, error) {
	c.Identity, _ = os.Hostname() // without one there is none
	c.Version, c.Log = "bailiff "+version, log
	l, err := querylog.Start(c)
	if err != nil {
		return nil, err
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	go func() { // to the end of the process
		for range hangups {
			l.Reopen()
		}
	}()
	return l, nil
}
