package main

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"bailiff/policy"
	"bailiff/policy/order"
	"bailiff/policy/problem"
	"bailiff/policy/strictyaml"
	"bailiff/resolver"
)

// Bounds of what structured errors say: it goes into answers.
const (
	maxContacts          = 4
	maxContactOctets     = 128
	maxOrganisationRunes = 100

	// The EDNS options below have meanings of their own; 65535 is reserved (RFC
	// 6891 section 9).
	minStructuredOption = 20
	maxStructuredOption = 65534
)

// structuredErrors is what the config file says of structured errors.
type structuredErrors struct {
	option uint16                   // EDNS option code; 0: there are none
	errors *policy.StructuredErrors // nil: there are none
}

func readStructuredErrors(v strictyaml.Value) structuredErrors {
	option, errors := 0, &policy.StructuredErrors{Language: "en"}
	v.Mapping(
		strictyaml.Key("option", &option, strictyaml.Int(minStructuredOption, maxStructuredOption)).Required(),
		strictyaml.Key("contact", &errors.Contact, readContacts),
		strictyaml.Key("organization", &errors.Organisation, readOrganisation), //nolint:misspell // the draft spells it so
		strictyaml.Key("language", &errors.Language, order.ReadLanguage),
		strictyaml.Key("databases", &errors.Databases, strictyaml.Bool),
	)
	return structuredErrors{uint16(option), errors}
}

func readContacts(v strictyaml.Value) []string {
	contacts := strictyaml.List(strictyaml.Parsed(parseContact))(v)
	if len(contacts) > maxContacts {
		v.Refuse(fmt.Sprintf("holds more than %d contacts", maxContacts), "leave some out: they go into every answer")
	}
	return contacts
}

// parseContact checks a URI; clients ignore other schemes than these.
func parseContact(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "mailto" && u.Scheme != "tel" || u.Opaque == "" || strings.ContainsFunc(text, notVisible) {
		return "", problem.Fault{Text: "is no mailto or tel URI", Remedy: "write one such as mailto:legal@isp.example or tel:+390000000000"}
	}
	if len(text) > maxContactOctets {
		return "", problem.Fault{Text: fmt.Sprintf("is longer than %d octets", maxContactOctets), Remedy: "shorten it: it goes into every answer"}
	}
	return text, nil
}

func readOrganisation(v strictyaml.Value) string {
	text := strictyaml.String(v)
	if utf8.RuneCountInString(text) > maxOrganisationRunes {
		v.Refuse(fmt.Sprintf("is longer than %d characters", maxOrganisationRunes), "shorten it: it goes into every answer")
	}
	return text
}

// readResolverInfo reads what RESINFO tells beside the server's own facts: the
// address of a page.
func readResolverInfo(v strictyaml.Value) (page string) {
	v.Mapping(strictyaml.Key("url", &page, strictyaml.Parsed(parseInfoURL)).Required())
	return page
}

// parseInfoURL checks the address of a page as RFC 9606 section 5 has it.
func parseInfoURL(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "https" || u.Hostname() == "" || strings.ContainsFunc(text, notVisible):
		return "", problem.Fault{Text: "is no https URL", Remedy: "write one such as https://isp.example/dns"}
	case len(text) > resolver.MaxInfoURL:
		return "", problem.Fault{Text: fmt.Sprintf("is longer than %d octets", resolver.MaxInfoURL), Remedy: "shorten it"}
	}
	return text, nil
}

// notVisible reports what is no visible character of ASCII.
func notVisible(r rune) bool { return r <= ' ' || r > '~' }
