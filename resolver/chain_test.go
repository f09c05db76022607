package resolver

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// TestRespond_aTargetIsFoundHoweverDeep: the CNAMEs up to it stay, nothing behind
// it is handed out.
func TestRespond_aTargetIsFoundHoweverDeep(t *testing.T) {
	const deepest = 8
	for depth := 1; depth <= deepest; depth++ {
		for _, via := range []string{"CNAME", "DNAME"} {
			var zone []string
			for i := range depth {
				next := fmt.Sprintf("x.n%d.free.test.", i+1)
				if i == depth-1 {
					next = "x.end.blocked.test."
				}
				owner := fmt.Sprintf("x.n%d.free.test.", i)
				if via == "DNAME" { // of all names below n0, n1, …
					owner, next = strings.TrimPrefix(owner, "x."), strings.TrimPrefix(next, "x.")
				}
				zone = append(zone, owner+" 300 IN "+via+" "+next)
			}
			zone = append(zone, "x.end.blocked.test. 300 IN A 198.51.100.1", "x.end.blocked.test. 300 IN HTTPS 1 . ech=AEX+DQBB ipv4hint=198.51.100.1")
			for _, phase := range phases {
				for _, qtype := range []uint16{dns.TypeA, dns.TypeHTTPS} {
					t.Run(fmt.Sprintf("%d %s, %s, %s", depth, via, phase, dns.TypeToString[qtype]), func(t *testing.T) {
						w := newWorld(t, noOrder, zone...)
						got := w.askWhen(t, phase, "id: o\nauthority: Court\nblock: [blocked.test]\n", question("x.n0.free.test", qtype))
						want := depth
						if via == "DNAME" {
							want *= 2 // each with the CNAME that follows from it
						}
						if got.Rcode != dns.RcodeNameError || len(got.Answer) != want || len(got.Ns) != 1 || got.Ns[0].Header().Name != "blocked.test." {
							t.Errorf("got %v, want NXDOMAIN with %d records and the SOA of blocked.test.", got, want)
						}
						if strings.Contains(got.String(), "198.51.100.1") || strings.Contains(got.String(), "ech=") {
							t.Errorf("got %v, which hands out the target's data", got)
						}
					})
				}
			}
		}
	}
}

// TestRespond_anOrderOnTheOwnerOfADNAMEAloneHoldsNothingBelow: a DNAME is about
// the names below its owner only (RFC 6672 section 2.3).
func TestRespond_anOrderOnTheOwnerOfADNAMEAloneHoldsNothingBelow(t *testing.T) {
	zone := []string{"old.test. 300 IN DNAME new.test.", "old.test. 300 IN A 198.51.100.1",
		"x.new.test. 300 IN A 198.51.100.2", "to-old.test. 300 IN CNAME x.old.test."}
	cname := "x.old.test.\t300\tIN\tCNAME\tx.new.test."
	truth := []string{cname, "x.new.test.\t300\tIN\tA\t198.51.100.2"}
	const exact = "id: o\nauthority: Court\nanswer: {action: notice}\nrules: [{name: old.test, match: exact}%s]\n"
	for _, c := range []struct {
		name, more, qname string
		rcode             int
		want              []string
	}{
		{"the owner itself", "", "old.test", 0, []string{"old.test.\t60\tIN\tA\t192.0.2.80"}},
		{"a name below", "", "x.old.test", 0, truth},
		{"a CNAME to a name below", "", "to-old.test", 0, append([]string{"to-old.test.\t300\tIN\tCNAME\tx.old.test."}, truth...)},
		{"a name below, its target under order too", ", {name: new.test}", "x.old.test", 0, []string{cname, "x.new.test.\t60\tIN\tA\t192.0.2.80"}},
		{"a name below, the target's address under order", ", {address: 198.51.100.2}", "x.old.test", 0, []string{"x.old.test.\t60\tIN\tA\t192.0.2.80"}},
	} {
		for _, phase := range phases {
			t.Run(c.name+", "+phase, func(t *testing.T) {
				w := newWorld(t, noOrder, zone...)
				m := question(c.qname, dns.TypeA)
				got := w.askWhen(t, phase, fmt.Sprintf(exact, c.more), m)
				if got.Rcode != c.rcode || !slices.Equal(lines(got.Answer), c.want) {
					t.Errorf("got %s %q, want %q", dns.RcodeToString[got.Rcode], lines(got.Answer), c.want)
				}
			})
		}
	}
}

// TestRespond_servicesAreNoWayRound: SVCB and HTTPS records lead to names and
// addresses as CNAMEs and A records do (RFC 9460); those of names that no order
// holds are never altered.
func TestRespond_servicesAreNoWayRound(t *testing.T) {
	const ech = ` ech="AEX+DQBB"`
	zone := []string{
		"alias.test. 300 IN HTTPS 0 cdn.blocked.test.",
		"alias-svcb.test. 300 IN SVCB 0 cdn.blocked.test.",
		"service.test. 300 IN HTTPS 1 cdn.blocked.test. alpn=h2" + ech,
		"hint4.test. 300 IN HTTPS 1 . ipv4hint=198.51.100.3,198.51.100.66" + ech,
		"hint6.test. 300 IN SVCB 1 . ipv6hint=2001:db8:66::1",
		"hint64.test. 300 IN HTTPS 1 . ipv6hint=64:ff9b::c633:6442",
		"first.test. 300 IN HTTPS 1 cdn.blocked.test.", "first.test. 300 IN HTTPS 2 free.test.",
		"last.test. 300 IN HTTPS 1 .", "last.test. 300 IN HTTPS 2 cdn.blocked.test.",
		"www.blocked.test. 300 IN HTTPS 1 . alpn=h2" + ech,
		"via.test. 300 IN CNAME alias.test.",
		"free.test. 300 IN HTTPS 1 . alpn=h2,h3 ipv4hint=198.51.100.3 ipv6hint=2001:db8::3" + ech,
		"to-free.test. 300 IN HTTPS 0 free.test.", "to-lifted.test. 300 IN HTTPS 0 lifted.blocked.test.",
		"to-watched.test. 300 IN HTTPS 0 watched.test.",
	}
	const orders = `
id: o
authority: Court
block: [blocked.test]
rules:
  - {except: lifted.blocked.test, reason: third party}
  - {address: 198.51.100.66}
  - {address: "2001:db8:66::/48"}
---
id: watch
authority: Court
mode: observe
block: [watched.test]
`
	for _, c := range []struct {
		name, qname string
		qtype       uint16
		rcode       int
		answers     int    // records that stay
		soa         string // its owner, empty where the truth passes
	}{
		{"AliasMode", "alias.test.", dns.TypeHTTPS, 0, 0, "alias.test."},
		{"AliasMode, SVCB", "alias-svcb.test.", dns.TypeSVCB, 0, 0, "alias-svcb.test."},
		{"AliasMode behind a CNAME", "via.test.", dns.TypeHTTPS, 0, 1, "via.test."},
		{"ServiceMode", "service.test.", dns.TypeHTTPS, 0, 0, "service.test."},
		{"one of two, first", "first.test.", dns.TypeHTTPS, 0, 0, "first.test."},
		{"one of two, last", "last.test.", dns.TypeHTTPS, 0, 0, "last.test."},
		{"ANY", "last.test.", dns.TypeANY, 0, 0, "last.test."},
		{"name under order, ech and all", "www.blocked.test.", dns.TypeHTTPS, dns.RcodeNameError, 0, "blocked.test."},
		{"ipv4hint", "hint4.test.", dns.TypeHTTPS, dns.RcodeNameError, 0, "hint4.test."},
		{"ipv6hint", "hint6.test.", dns.TypeSVCB, dns.RcodeNameError, 0, "hint6.test."},
		{"ipv6hint in NAT64 form", "hint64.test.", dns.TypeHTTPS, dns.RcodeNameError, 0, "hint64.test."},
		{"free", "free.test.", dns.TypeHTTPS, 0, 1, ""},
		{"free alias", "to-free.test.", dns.TypeHTTPS, 0, 1, ""},
		{"alias to an excepted name", "to-lifted.test.", dns.TypeHTTPS, 0, 1, ""},
		{"alias to an observed name", "to-watched.test.", dns.TypeHTTPS, 0, 1, ""},
	} {
		for _, phase := range phases {
			t.Run(c.name+", "+phase, func(t *testing.T) {
				w := newWorld(t, noOrder, zone...)
				m := question(c.qname, c.qtype)
				truth := w.ask(t, m.Copy())
				if phase == "fresh" {
					w = newWorld(t, noOrder, zone...)
				}
				got := w.askWhen(t, phase, orders, m)
				soa := ""
				if len(got.Ns) == 1 {
					soa = got.Ns[0].Header().Name
				}
				if got.Rcode != c.rcode || len(got.Answer) != c.answers || soa != c.soa {
					t.Errorf("got %v, want %s with %d records and SOA of %q", got, dns.RcodeToString[c.rcode], c.answers, c.soa)
				}
				if c.soa == "" && !slices.Equal(lines(got.Answer), lines(truth.Answer)) {
					t.Errorf("got %q, want the truth %q", lines(got.Answer), lines(truth.Answer))
				}
				if c.soa != "" && strings.Contains(got.String(), "ech=") {
					t.Errorf("got %v, with an ech", got)
				}
			})
		}
	}
}
