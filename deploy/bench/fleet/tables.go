package main

import (
	"fmt"
	"math"
	"strings"
)

const gibi = 1 << 30

// measuredTable is what the rest is worked out from.
func measuredTable() string {
	t := newTable("what", "measured", "counted with")
	for _, m := range []struct {
		what  string
		value float64
		unit  string
	}{
		{"CPU time of an answer from the cache", hitMicroseconds, "µs"},
		{"of a name under order", blockMicroseconds, "µs"},
		{"of a name that is forwarded", missMicroseconds, "µs"},
		{"of a load, for each name", loadMicroseconds, "µs"},
		{"of a reload, 100 names changed beside a million", 1e3 * changeSeconds, "ms"},
		{"start from compiled orders, a million names", 1e3 * restartSeconds, "ms"},
		{"memory for a name under order", ruleOctets, "octets"},
		{"for a prefix", prefixOctets, "octets"},
		{"for a name, on top, while all are compiled anew", peakOctets, "octets"},
		{"a cache entry of one address", entryOctets, "octets"},
	} {
		t.row(m.what, fmt.Sprintf("%.3g %s", m.value, m.unit), fmt.Sprintf("%.3g %s", margin*m.value, m.unit))
	}
	return t.String()
}

// hitsTable is what a core and a server take, by how much goes upstream.
func hitsTable() string {
	t := newTable("of the queries go upstream", "CPU time a query", "one core", "one server of 32", "its upstreams get", "a full socket buffer is")
	for _, misses := range []float64{0.02, 0.05, 0.1, 0.2, 0.4} {
		server := serverQueries(misses)
		stall := bufferOctets / packetOctets / (server / coresOfServer)
		t.row(inPercent(100*misses), fmt.Sprintf("%.1f µs", queryMicroseconds(misses)), count(coreQueries(misses))+"/s",
			count(server)+"/s", count(misses*server)+"/s", fmt.Sprintf("%.0f ms", 1e3*stall))
	}
	return t.String()
}

// needsTable is what places need.
func needsTable() string {
	t := newTable("", "queries", "sites", "servers a site", "in all", "in use", "a site failed", "upstream", "traffic out", "query log of all", "of matches")
	for _, p := range places {
		failed := "–"
		if p.sites > 1 {
			failed = inPercent(100 * p.used(p.sites-1))
		}
		all := p.queries * (logOctets + blockShare*(logMatchOctets-logOctets))
		t.row(p.name, count(p.queries)+"/s", fmt.Sprint(p.sites), fmt.Sprint(p.servers()), fmt.Sprint(p.sites*p.servers()),
			inPercent(100*p.used(p.sites)), failed, count(p.queries*missShare)+"/s", figure(p.queries*replyOctets*8/1e9)+" Gbit/s",
			perSecond(all), perSecond(p.queries*blockShare*logMatchOctets))
	}
	return t.String()
}

// memoryTable is what a server needs.
func memoryTable() string {
	t := newTable("names under order", "`cache: size`", "entries", "memory, least", "most", "while all are compiled anew", "CPU time of that")
	for _, rules := range []float64{1e6, 10e6} {
		for _, cache := range []float64{gibi / 4, 4 * gibi, 16 * gibi} {
			least, most := resident(rules, cache)
			t.row(count(rules), inGibi(cache), count(cache/(margin*entryOctets)), inGibi(least), inGibi(most), inGibi(compiling(rules, cache)),
				fmt.Sprintf("%.0f s", math.Ceil(margin*rules*loadMicroseconds/1e6)))
		}
	}
	return t.String()
}

// metricsTable is what a scrape of all servers brings.
func metricsTable() string {
	t := newTable("orders", "one scrape", "a day of one server, each 15 s", "a day of the national provider")
	servers := float64(national.sites * national.servers)
	for _, orders := range []float64{100, 1000, 10_000} {
		scrape := scrapeOctets + orders*orderScrapeOctets
		day := scrape * 86400 / 15
		t.row(count(orders), figure(scrape/1e6)+" MB", figure(day/1e9)+" GB", figure(servers*day/1e12)+" TB")
	}
	return t.String()
}

// table is one of Markdown.
type table struct{ strings.Builder }

func newTable(heads ...string) *table {
	t := new(table)
	t.row(heads...)
	t.WriteString("|---|" + strings.Repeat("---:|", len(heads)-1) + "\n")
	return t
}

func (t *table) row(cells ...string) {
	t.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

func inPercent(v float64) string { return figure(v) + " %" }

func inGibi(octets float64) string { return figure(octets/gibi) + " GiB" }

func perSecond(octets float64) string { return figure(octets/1e6) + " MB/s" }

// figure writes a number with two digits that count, and none of a fraction from ten
// on.
func figure(v float64) string {
	switch {
	case v < 1:
		return fmt.Sprintf("%.2f", v)
	case v < 10:
		return fmt.Sprintf("%.1f", v)
	}
	return count(v)
}

// count writes a number with two digits that count, and commas.
func count(n float64) string {
	if n >= 100 {
		digits := math.Pow(10, math.Floor(math.Log10(n))-1)
		n = math.Round(n/digits) * digits
	}
	text := fmt.Sprintf("%.0f", n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
