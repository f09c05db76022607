package list

import (
	"encoding/json"
	"errors"
	"io"

	"bailiff/policy/infile"
	"bailiff/policy/problem"
)

// maxJSONDepth bounds the nesting of tickets: the service's have four levels.
const maxJSONDepth = 16

// ticketReader reads Piracy Shield tickets.
type ticketReader struct {
	*collector
	in      *meter
	decoder *json.Decoder
}

// piracyShield reads the format PiracyShield: a ticket, an array of tickets, or
// the service's answer with either as its data (/api/v1/ticket/get/all), or with
// an array of all names or addresses in force (fqdn, ipv4 and ipv6/get/all). A
// ticket's fqdn, ipv4 and ipv6 are under order, a name with everything below it.
// Its status says how far the providers are with it, not whether it holds; one
// that is not known is wrong. Other keys (ticket_id, dda_id, metadata with
// created_at, settings, tasks) are the authority's own affair. As the public
// clients OpenAccess-Italia/ComplianceGuard and rfc1036/kit-censura read it.
func (c *collector) piracyShield(r io.Reader) {
	t := ticketReader{collector: c, in: newMeter(r)}
	t.decoder = json.NewDecoder(t.in)
	t.decoder.UseNumber()
	err := t.tickets(1)
	if err == nil {
		if _, err = t.token(); err == io.EOF {
			return
		}
	}
	if err != errFull {
		c.refuse(nil, jsonFault(err))
	}
}

// token returns the next token and keeps its line.
func (t *ticketReader) token() (json.Token, error) {
	token, err := t.decoder.Token()
	t.in.passed(t.decoder.InputOffset())
	t.line = t.in.line
	return token, err
}

// tickets reads a ticket, an array of them, or an answer that holds some.
func (t *ticketReader) tickets(depth int) error {
	token, err := t.token()
	if err != nil {
		return err
	}
	return t.value(token, depth)
}

// value reads what token begins: as tickets, or an array of names and
// addresses.
func (t *ticketReader) value(token json.Token, depth int) error {
	switch {
	case depth > maxJSONDepth:
		return errDeep
	case token == json.Delim('{'):
		return t.ticket(depth)
	case token != json.Delim('['):
		return errNoTicket
	}
	for t.decoder.More() {
		token, err := t.token()
		if err != nil {
			return err
		}
		if text, isText := token.(string); isText {
			t.addItem(text)
		} else if err := t.value(token, depth+1); err != nil {
			return err
		}
		if t.isFull() {
			return errFull
		}
	}
	_, err := t.token()
	return err
}

// addItem adds a name or an address.
func (t *ticketReader) addItem(text string) {
	if _, err := parsePrefix(text); err == nil {
		t.addAddress(t.plain, text)
		return
	}
	t.addListed(t.plain, []byte(text))
}

// ticket reads what follows the opening brace of a ticket, or of an answer
// with tickets as its data.
func (t *ticketReader) ticket(depth int) error {
	begins, holds := t.line, false
	for t.decoder.More() {
		key, err := t.token()
		if err != nil {
			return err
		}
		switch key {
		case "fqdn":
			holds, err = true, t.items(func(text string) { t.addListed(t.plain, []byte(text)) })
		case "ipv4", "ipv6":
			holds, err = true, t.items(func(text string) { t.addAddress(t.plain, text) })
		case "data":
			holds, err = true, t.tickets(depth+1)
		case "status":
			err = t.status()
		default:
			err = t.skip(depth)
		}
		if err != nil {
			return err
		}
	}
	_, err := t.token()
	if err == nil && !holds {
		t.line = begins
		t.wrong(nil, errNoTicket)
	}
	return err
}

// items reads an array of texts; null is an empty one.
func (t *ticketReader) items(add func(text string)) error {
	token, err := t.token()
	if err != nil || token == nil {
		return err
	}
	if token != json.Delim('[') {
		return errNoTicket
	}
	for t.decoder.More() {
		token, err := t.token()
		text, isText := token.(string)
		switch {
		case err != nil:
			return err
		case !isText:
			return errNoTicket
		}
		if add(text); t.isFull() {
			return errFull
		}
	}
	_, err = t.token()
	return err
}

// status reads the status of a ticket, or of an answer.
func (t *ticketReader) status() error {
	token, err := t.token()
	if err != nil {
		return err
	}
	text, isText := token.(string)
	if !isText {
		return errNoTicket
	}
	switch text {
	case "created", "open", "closed", "success":
	default:
		t.wrong([]byte(text), problem.Fault{
			Text:   "is no status known here (created, open, closed; success for an answer)",
			Remedy: "ask the authority whether the ticket holds",
		})
	}
	return nil
}

// skip passes over one value.
func (t *ticketReader) skip(depth int) error {
	for outer := depth; ; {
		token, err := t.token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		switch {
		case depth > maxJSONDepth:
			return errDeep
		case depth == outer:
			return nil
		}
	}
}

// errFull ends the reading of a list that checkWhole refuses.
var errFull = errors.New("list is full")

// errNoTicket refuses JSON that is about something else.
var errNoTicket = problem.Fault{
	Text:   "is no ticket with fqdn, ipv4 and ipv6, each an array of texts",
	Remedy: "fetch the ticket again",
}

// jsonFault words an error of the decoder, whose own words may repeat the
// file's.
func jsonFault(err error) error {
	_, isSyntax := errors.AsType[*json.SyntaxError](err)
	_, isFault := errors.AsType[problem.Fault](err)
	switch {
	case isFault:
		return err
	case isSyntax, err == io.EOF, err == io.ErrUnexpectedEOF, err == nil:
		return problem.Fault{Text: "is not valid JSON, or not complete", Remedy: "fetch the ticket again"}
	}
	return infile.Unreadable(err)
}
