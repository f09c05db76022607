package list

import (
	"io"
	"strings"
	"time"
)

// plXML reads the format PLXML, the register of gambling domains that the
// Polish ministry of finance publishes: Rejestr holds PozycjaRejestru, each with
// AdresDomeny (a name and everything below it), DataWpisu (its entry) and
// DataWykreslenia (its removal, if it was removed) in Polish time. That is
// version 1.3 of the ministry's specification, in the namespace
// http://www.hazard.mf.gov.pl/2017/03/21/; the full register lists no removed
// names, what the ministry pushes does.
func (c *collector) plXML(r io.Reader) {
	zone, err := ParseZone("Europe/Warsaw")
	if err != nil {
		c.refuse([]byte("Europe/Warsaw"), err)
		return
	}
	c.xml(r, register{root: "Rejestr", entry: "PozycjaRejestru", read: func(fields []field) {
		c.plEntry(fields, zone)
	}})
}

// plEntry reads one entry.
func (c *collector) plEntry(fields []field, zone *time.Location) {
	var domain string
	var from, until time.Time
	for _, f := range fields {
		text := strings.TrimSpace(f.text)
		c.line = f.line
		var err error
		switch f.name {
		case "AdresDomeny":
			domain = text
		case "DataWpisu":
			from, err = parseInstant(text, zone)
		case "DataWykreslenia":
			if text != "" {
				until, err = parseInstant(text, zone)
			}
		}
		if err != nil {
			c.wrong([]byte(text), err)
			return
		}
	}
	if err := checkSpan(from, until); err != nil {
		c.wrong([]byte(domain), err)
		return
	}
	c.addListed(c.group(from, until), []byte(domain))
}
