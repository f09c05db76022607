package list

import (
	"bytes"
	"io"
	"net/netip"
	"strings"

	"bailiff/policy/name"
	"bailiff/policy/problem"
)

// policyZone reads a response policy zone (draft-vixie-dnsop-dns-rpz-00) from
// its zone file. An order has one action, so records with another are wrong
// here, those with rpz-passthru. excepted: they are the order's exceptions.
type policyZone struct {
	*collector
	file zoneFile
	apex string // with its final dot; empty: not known
}

// rpz reads the format RPZ.
func (c *collector) rpz(r io.Reader) {
	z := policyZone{collector: c}
	c.eachLine(r, z.readLine)
	if z.file.open {
		c.refuse(nil, errParentheses)
	}
	for _, g := range c.groups {
		g.Names.joinWildcards()
		g.Nameservers.joinWildcards()
	}
}

// readLine reads one line, which may end a record or not.
func (z *policyZone) readLine(line []byte) {
	rr, err := z.file.next(line)
	switch line = bytes.TrimSpace(line); {
	case err == errDirective, err == errParentheses: // what it says about other records is lost
		z.refuse(line, err)
	case err != nil:
		z.wrong(line, err)
	case rr.kind == "SOA":
		z.apex = ""
		if strings.HasSuffix(rr.owner, ".") {
			z.apex = rr.owner
		}
	case rr.kind != "":
		z.read(rr)
	}
}

// read reads a record below the apex; those at the apex are about the zone.
func (z *policyZone) read(rr record) {
	trigger, err := z.trigger(rr.owner)
	switch {
	case err != nil:
		z.wrong([]byte(rr.owner), err)
		return
	case trigger == "@" || isDNSSEC(rr.kind):
		return
	}
	action, err := rr.action(trigger)
	switch {
	case err != nil:
		z.wrong([]byte(trigger), err)
	case action != passthru && action != z.options.Action:
		z.wrong([]byte(trigger), problem.Fault{
			Text:   "asks for " + action + ", the order for " + z.options.Action,
			Remedy: "split the list: each action needs an order of its own",
		})
	default:
		z.addTrigger(trigger, action)
	}
}

// isDNSSEC reports whether records of a type are about the zone's signatures.
func isDNSSEC(kind string) bool {
	switch kind {
	case "RRSIG", "NSEC", "NSEC3", "DNSKEY", "NSEC3PARAM":
		return true
	}
	return false
}

// trigger takes the zone's own name off an owner name: @ for the apex.
func (z *policyZone) trigger(owner string) (string, error) {
	if !strings.HasSuffix(owner, ".") {
		return owner, nil
	}
	relative, inside := strings.CutSuffix(owner, "."+strings.TrimPrefix(z.apex, "."))
	switch {
	case z.apex == "":
		return "", problem.Fault{Text: "ends in a dot, and nothing above says the zone's name", Remedy: "begin the file with $ORIGIN and the zone's SOA"}
	case owner == z.apex:
		return "@", nil
	case !inside:
		return "", problem.Fault{Text: "is not below the name of the zone", Remedy: "correct it: triggers are relative to the zone"}
	}
	return relative, nil
}

// passthru is the action of exceptions, beside the words of order files.
const passthru = "passthru"

// action says what a record orders, in the word of order files (section 3 of
// the draft). Every error is a problem.Fault.
func (rr record) action(trigger string) (string, error) {
	switch rr.kind {
	case "A", "AAAA": // the order has the notice's addresses
		if _, err := netip.ParseAddr(rr.data[0]); err != nil {
			return "", problem.Fault{Text: "has no address", Remedy: "correct the record"}
		}
		return "notice", nil
	case "CNAME":
	default:
		return "", problem.Fault{Text: "has local data other than addresses", Remedy: "remove the record: no order answers with it"}
	}
	switch target := strings.ToLower(rr.data[0]); target {
	case ".":
		return "nxdomain", nil
	case "*.":
		return "nodata", nil
	case "rpz-drop.":
		return "drop", nil
	case "rpz-passthru.":
		return passthru, nil
	case trigger + ".": // section 10: the older form of passthru, but *. puts QNAME before a name
		if !strings.HasPrefix(target, "*") {
			return passthru, nil
		}
	case "rpz-tcp-only.":
		return "", problem.Fault{Text: "asks for a truncated answer", Remedy: "remove the record: no order answers so"}
	}
	return "", problem.Fault{
		Text:   "leads to another name",
		Remedy: "put it into a list of its own, as A or AAAA, with an order whose action is notice",
	}
}

// addTrigger adds what a trigger stands for (section 4 of the draft).
func (z *policyZone) addTrigger(trigger, action string) {
	rest, kind := trigger, ""
	if dot := strings.LastIndexByte(trigger, '.'); strings.HasPrefix(trigger[dot+1:], "rpz-") {
		rest, kind = trigger[:max(dot, 0)], trigger[dot+1:]
	}
	switch {
	case kind == "" && action == passthru:
		z.addOwner(&z.exceptions().Names, rest)
	case kind == "":
		z.addOwner(&z.plain.Names, rest)
	case kind == "rpz-client-ip":
		z.wrong([]byte(trigger), problem.Fault{Text: "is about clients", Remedy: "write the order's clients key instead"})
	case kind != "rpz-ip" && kind != "rpz-nsip" && kind != "rpz-nsdname":
		z.wrong([]byte(trigger), problem.Fault{Text: "is a trigger that is not known", Remedy: "correct it, or remove the record"})
	case action == passthru:
		z.wrong([]byte(trigger), problem.Fault{Text: "excepts more than names", Remedy: "narrow the order's rules instead"})
	case kind == "rpz-nsdname":
		z.addOwner(&z.plain.Nameservers, rest)
	case kind == "rpz-ip":
		z.addPolicyAddress(&z.plain.Addresses, trigger, rest)
	default:
		z.addPolicyAddress(&z.plain.NameserverAddresses, trigger, rest)
	}
}

// addOwner adds a name alone, or with *. what is below it (section 4.2).
func (z *policyZone) addOwner(names *Names, text string) {
	if bare, wild := strings.CutPrefix(text, "*."); wild {
		z.addTo(names, []byte(bare), name.Below)
		return
	}
	z.addTo(names, []byte(text), name.Exact)
}

// addPolicyAddress adds the prefix that the labels of an address trigger spell.
func (z *policyZone) addPolicyAddress(to *[]Prefix, trigger, labels string) {
	p, err := policyPrefix(labels)
	if err != nil {
		z.wrong([]byte(trigger), err)
		return
	}
	*to = append(*to, Prefix{Prefix: p, Line: z.line})
	z.entries++
}

// policyPrefix reads a prefix as section 4.1.1 of the draft writes it: its
// length, then the octets of an IPv4 address or the words of an IPv6 address
// backwards, zz for ::.
func policyPrefix(labels string) (netip.Prefix, error) {
	length, backwards, _ := strings.Cut(labels, ".")
	words := strings.Split(backwards, ".")
	for i, j := 0, len(words)-1; i < j; i, j = i+1, j-1 {
		words[i], words[j] = words[j], words[i]
	}
	address := strings.Join(words, ".")
	if len(words) != 4 || strings.Contains(address, "zz") {
		address = strings.Replace(":"+strings.Join(words, ":")+":", ":zz:", "::", 1)
		if !strings.HasPrefix(address, "::") {
			address = address[1:]
		}
		if !strings.HasSuffix(address, "::") {
			address = address[:len(address)-1]
		}
	}
	p, err := parsePrefix(address + "/" + length)
	if err != nil {
		return p, problem.Fault{
			Text:   "is no prefix length with an address backwards",
			Remedy: "write one such as 24.0.2.0.192 or 32.zz.db8.2001 before the trigger's label",
		}
	}
	return p, nil
}
