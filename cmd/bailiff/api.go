package main

import (
	"encoding/json"
	"net/http"
	"net/netip"

	"bailiff/metrics"
	"bailiff/metrics/journal"
	"bailiff/resolver"
	"bailiff/resolver/listen"
)

// api answers questions about the running server. It changes nothing. Safe for
// concurrent use.
type api struct {
	config    *config
	keeper    *keeper
	counters  *metrics.Counters
	meter     *meter
	resolver  *resolver.Resolver
	recursion *recursion // nil: answers are forwarded unchecked
	listeners *listen.Server
	journal   *journal.Writer // nil: none is kept
	metrics   netip.AddrPort
}

// apiBase is where the paths of the API begin.
const apiBase = "/api/v1/"

// routes are the paths of the API. deploy/openapi.yaml describes them; a test
// compares.
func (a *api) routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		apiBase + "status":       a.serveStatus,
		apiBase + "orders":       a.serveOrders,
		apiBase + "orders/{id}":  a.serveOrder,
		apiBase + "explain":      a.serveExplain,
		apiBase + "journal/head": a.serveJournalHead,
		sketchPath:               sketchHandler(a.resolver.Sketch()).ServeHTTP,
	}
}

// handler serves the routes, to GET and HEAD.
func (a *api) handler() http.Handler {
	mux := http.NewServeMux()
	for path, serve := range a.routes() {
		mux.HandleFunc("GET "+path, serve)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if _, pattern := mux.Handler(r); pattern == "" {
			refuseUnknown(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// refuseUnknown answers where nothing is, and methods that change something.
func refuseUnknown(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "the API only reads; use GET")
		return
	}
	refuse(w, http.StatusNotFound, "there is no such page; deploy/openapi.yaml lists those that are")
}

// sendJSON sends a value as JSON.
func sendJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = printJSON(w, value) // nobody reads on
}

// apiError is the answer to a request that is refused.
type apiError struct {
	Error string `json:"error"` // what is wrong; what to do about it
}

// refuse answers with an error.
func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(apiError{text}) // nobody reads on
}
