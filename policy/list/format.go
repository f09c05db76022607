package list

import (
	"fmt"
	"io"
)

// Format is how a list file is written.
type Format uint8

// The formats, one file of this package each.
const (
	Domains      Format = iota // one name a line
	Hosts                      // address and names a line, as in /etc/hosts
	Adblock                    // ||name^ a line
	Dnsmasq                    // address=, server= and local= lines
	RPZ                        // a response policy zone as a zone file
	CSV                        // a table whose columns Options.Table names
	PLXML                      // the Polish register of gambling domains
	RUXML                      // the Russian register
	ITADM                      // the Italian customs agency's gambling and tobacco lists
	ITCNCPO                    // the Italian police's child abuse list
	PiracyShield               // tickets of the Italian Piracy Shield, JSON
)

// String is the word order files use.
func (f Format) String() string {
	switch f {
	case Domains:
		return "domains"
	case Hosts:
		return "hosts"
	case Adblock:
		return "adblock"
	case Dnsmasq:
		return "dnsmasq"
	case RPZ:
		return "rpz"
	case CSV:
		return "csv"
	case PLXML:
		return "pl-xml"
	case RUXML:
		return "ru-xml"
	case ITADM:
		return "it-adm"
	case ITCNCPO:
		return "it-cncpo"
	case PiracyShield:
		return "piracy-shield"
	}
	return fmt.Sprintf("Format(%d)", uint8(f))
}

// Formats returns every format.
func Formats() []Format {
	return []Format{Domains, Hosts, Adblock, Dnsmasq, RPZ, CSV, PLXML, RUXML, ITADM, ITCNCPO, PiracyShield}
}

// read reads the list in its format.
func (c *collector) read(r io.Reader) {
	if c.options.Format != CSV { // a table says how it is encoded
		r = UTF8.decode(r)
	}
	switch c.options.Format {
	case Domains:
		c.eachLine(r, c.domains)
	case Hosts:
		c.eachLine(r, c.hosts)
	case Adblock:
		c.eachLine(r, c.adblock)
	case Dnsmasq:
		c.eachLine(r, c.dnsmasq)
	case RPZ:
		c.rpz(r)
	case CSV:
		c.csv(r)
	case PLXML:
		c.plXML(r)
	case RUXML:
		c.ruXML(r)
	case ITADM:
		c.eachLine(r, c.itADM)
	case ITCNCPO:
		c.eachLine(r, c.itCNCPO)
	case PiracyShield:
		c.piracyShield(r)
	}
}
