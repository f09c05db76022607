package main

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"time"

	"bailiff/metrics"
	"bailiff/metrics/journal"
	"bailiff/resolver"
	"bailiff/resolver/listen"
)

// api answers questions about the running server. It changes nothing. Safe for
// concurrent use.
type api struct {
	keeper    *keeper
	counters  *metrics.Counters
	meter     *meter
	resolver  *resolver.Resolver
	listeners *listen.Server
	journal   *journal.Writer // nil: none is kept
	state     string          // folder of the journal; empty: none
	metrics   netip.AddrPort
	started   time.Time
}

// apiBase is where the paths of the API begin.
const apiBase = "/api/v1/"

// handler is the API as deploy/openapi.yaml describes it; a test compares them.
func (a *api) handler() http.Handler {
	mux := http.NewServeMux()
	for path, answer := range map[string]http.HandlerFunc{
		"status":       a.serveStatus,
		"orders":       a.serveOrders,
		"orders/{id}":  a.serveOrder,
		"explain":      a.serveExplain,
		"journal/head": a.serveJournalHead,
		"sketch":       sketchHandler(a.resolver.Sketch()).ServeHTTP,
	} {
		mux.HandleFunc("GET "+apiBase+path, answer)
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
