package list

import (
	"io"
	"strings"
	"time"

	"bailiff/policy/name"
	"bailiff/policy/problem"
)

// ruXML reads the format RUXML, the dump of the Russian register: register
// holds content, each with includeTime, blockType, and url, domain, ip,
// ipSubnet, ipv6 and ipv6Subnet. blockType says which of these are under order;
// the others only help to find the site and are passed over:
//
//   - ip: the addresses;
//   - domain: the domain names alone; domain-mask: *.name, what is below it;
//   - default, or none: the URLs, or the domain names if there is no URL, or the
//     addresses if there is neither. A URL with a path is wrong: no DNS answer
//     is that narrow.
//
// Entries count from the day of includeTime on, in Moscow: by the second, each
// would be a rule of its own. Format 2.4, as the public reader usher2/u2ckdump
// knows it; decision, hash, ts, entryType and urgencyType are not used.
func (c *collector) ruXML(r io.Reader) {
	zone, err := ParseZone("Europe/Moscow")
	if err != nil {
		c.refuse([]byte("Europe/Moscow"), err)
		return
	}
	c.xml(r, register{root: "register", entry: "content", read: func(fields []field) {
		c.ruEntry(fields, zone)
	}})
}

// ruEntry reads one entry.
func (c *collector) ruEntry(fields []field, zone *time.Location) {
	var blockType string
	var from time.Time
	count := map[string]int{} // fields by kind
	for i, f := range fields {
		fields[i].text = strings.TrimSpace(f.text)
		kind := ruKind(f.name)
		count[kind]++
		c.line = f.line
		switch f.name {
		case "blockType":
			blockType = fields[i].text
		case "includeTime":
			t, err := parseInstant(fields[i].text, zone)
			if err != nil {
				c.wrong([]byte(fields[i].text), err)
				return
			}
			y, m, d := t.In(zone).Date()
			from = time.Date(y, m, d, 0, 0, 0, 0, zone)
		}
	}
	ordered := ruOrdered(blockType, count)
	if count[ordered] == 0 {
		c.wrong([]byte(blockType), problem.Fault{
			Text:   "is an entry that holds nothing its blockType is about",
			Remedy: "fetch the list again",
		})
		return
	}
	for _, f := range fields {
		if ruKind(f.name) == ordered {
			c.line = f.line
			c.addRU(c.group(from, time.Time{}), ordered, f.text)
		}
	}
}

// ruKind is what kind of thing a field names, empty if none.
func ruKind(field string) string {
	switch field {
	case "url", "domain":
		return field
	case "ip", "ipSubnet", "ipv6", "ipv6Subnet":
		return "ip"
	}
	return ""
}

// ruOrdered is the kind of thing that an entry puts under order, empty if its
// blockType is not known.
func ruOrdered(blockType string, count map[string]int) string {
	switch {
	case blockType == "ip":
		return "ip"
	case blockType == "domain" || blockType == "domain-mask":
		return "domain"
	case blockType != "" && blockType != "default":
		return "unknown"
	case count["url"] > 0:
		return "url"
	case count["domain"] > 0:
		return "domain"
	}
	return "ip"
}

// addRU adds one thing under order.
func (c *collector) addRU(g *Group, kind, text string) {
	switch kind {
	case "url":
		owner, err := urlName(text)
		if err != nil {
			c.wrong([]byte(text), err)
			return
		}
		c.add(g, []byte(owner), name.Exact)
	case "domain":
		bare, match := listed([]byte(text))
		if match == name.Subtree {
			match = name.Exact
		}
		c.add(g, bare, match)
	case "ip":
		c.addAddress(g, text)
	}
}
