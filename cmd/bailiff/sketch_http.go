package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"bailiff/resolver/sketch"
)

// sketchPath is where a running server hands out the names that it resolved of
// late.
const sketchPath = "/api/v1/sketch"

// sketchTime is how long that may take: the answer has 30 MiB at most.
const sketchTime = 30 * time.Second

// sketchHandler hands out the names as JSON lines, as bailiff candidates reads
// them; nil are names that are not watched.
func sketchHandler(names *sketch.Sketch) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if names == nil {
			http.Error(w, "names are not watched", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/jsonl")
		lines := json.NewEncoder(w)
		for _, seen := range names.Names() {
			if lines.Encode(seen) != nil { // nobody reads on
				return
			}
		}
	})
}

// readServer reads the names of a running server: at unix:PATH, or an http URL.
func (l *queryLog) readServer(address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), sketchTime)
	defer cancel()
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	if socket, ok := strings.CutPrefix(address, "unix:"); ok {
		address = "http://localhost"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}
	}
	if u, err := url.Parse(address); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("is no address of a server; write unix:PATH of its socket, or http://ADDR:PORT")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(address, "/")+sketchPath, http.NoBody)
	if err != nil {
		return err
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return errors.Unwrap(err) // without the URL
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
		return l.read(response.Body)
	case http.StatusNotFound:
		return errors.New("the server does not watch names; set candidates: {watch: true} in its config file and restart it")
	}
	return errors.New("answers " + response.Status)
}
