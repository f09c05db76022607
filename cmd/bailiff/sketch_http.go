package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"bailiff/resolver/sketch"
)

// sketchPath is where a running server hands out the names that it resolved of
// late.
const sketchPath = apiBase + "sketch"

// sketchTime is how long that may take: the answer has 30 MiB at most.
const sketchTime = 30 * time.Second

// sketchHandler hands out the names as JSON lines, as bailiff candidates reads
// them; nil are names that are not watched.
func sketchHandler(names *sketch.Sketch) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if names == nil {
			refuse(w, http.StatusNotFound, "names are not watched; set candidates: {watch: true} in the config file and restart")
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
	server, err := parseServer(address)
	if err != nil {
		return err
	}
	response, err := server.get(ctx, sketchPath)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
		return l.read(response.Body)
	case http.StatusNotFound:
		return errors.New("the server does not watch names; set candidates: {watch: true} in its config file and restart it")
	}
	return refusal(response)
}
