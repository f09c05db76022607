package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
)

// configSummary is the detail of a config entry: digests of what the
// configuration says, by key, and which of them differ from the last start.
type configSummary struct {
	Digest    string            `json:"digest"`
	Keys      map[string]string `json:"keys"`
	Changed   []string          `json:"changed"`
	Upstreams int               `json:"upstreams"`
}

// summariseConfig compares the keys that matter for who is answered what with
// those of the last start; before is empty at the first.
func summariseConfig(c *config, before configSummary) configSummary {
	r := &c.recursion
	recursion := []any{r.rootHints, r.insecure, r.families, r.source, r.queryLoopback, r.minimise, r.mixedCase, r.aggressive, r.sha1}
	for _, z := range r.zones {
		recursion = append(recursion, z.name, z.forward, addresses(z.servers), z.local)
	}
	s := configSummary{Keys: map[string]string{}, Upstreams: len(c.upstreams)}
	for key, value := range map[string]any{
		"orders": c.orders, "notice": c.notice, "protected": c.protected, "clients": c.clients,
		"listen": c.listen, "upstreams": addresses(c.upstreams), "structured_errors": c.structured.option,
		"query_log": c.queries, "resolution": c.resolution, "dnssec": c.validate,
		"recursion": recursion, "trust_anchors": c.anchors, "dns64": c.nat64,
	} {
		s.Keys[key] = digest(fmt.Sprintf("%+v", value))
		if s.Keys[key] != before.Keys[key] {
			s.Changed = append(s.Changed, key)
		}
	}
	slices.Sort(s.Changed)
	for _, key := range slices.Sorted(maps.Keys(s.Keys)) {
		s.Digest = digest(s.Digest + key + s.Keys[key])
	}
	return s
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
