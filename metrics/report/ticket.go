package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"bailiff/policy/infile"
	"bailiff/policy/problem"
)

// Bounds of a ticket file.
const (
	maxTicketOctets = 64 << 20
	maxTicketItems  = 1_000_000
	maxTicketDepth  = 4 // answers within answers
)

// ticketItem is one name or address that a ticket orders.
type ticketItem struct{ ticket, kind, text string }

// tickets are the items of a file of Piracy Shield tickets.
type tickets struct {
	sha256 string
	items  []ticketItem
}

// readTickets reads a ticket, an array of them, or the service's answer with
// either as its data. The error is a problem.Problem.
func readTickets(path string) (*tickets, error) {
	text, err := infile.Read(path, maxTicketOctets)
	if err != nil {
		return nil, problem.Problem{File: path}.Because(err)
	}
	sum := sha256.Sum256(text)
	t := &tickets{sha256: hex.EncodeToString(sum[:])}
	if err := t.add(text, 0); err != nil {
		return nil, problem.Problem{File: path}.Because(err)
	}
	return t, nil
}

// add adds the items of a ticket, or of what holds tickets.
func (t *tickets) add(text []byte, depth int) error {
	if depth > maxTicketDepth {
		return errNoTicket
	}
	if text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff"))); len(text) > 0 && text[0] == '[' {
		var all []json.RawMessage
		if json.Unmarshal(text, &all) != nil {
			return errNoTicket
		}
		for _, one := range all {
			if err := t.add(one, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	var one struct {
		ID   string          `json:"ticket_id"`
		FQDN *[]string       `json:"fqdn"`
		IPv4 *[]string       `json:"ipv4"`
		IPv6 *[]string       `json:"ipv6"`
		Data json.RawMessage `json:"data"`
	}
	switch err := json.Unmarshal(text, &one); {
	case err != nil:
		return errNoTicket
	case one.Data != nil:
		return t.add(one.Data, depth+1)
	case one.FQDN == nil && one.IPv4 == nil && one.IPv6 == nil:
		return errNoTicket
	}
	for _, part := range []struct {
		kind  string
		texts *[]string
	}{{"fqdn", one.FQDN}, {"ipv4", one.IPv4}, {"ipv6", one.IPv6}} {
		if part.texts == nil {
			continue
		}
		for _, text := range *part.texts {
			t.items = append(t.items, ticketItem{one.ID, part.kind, text})
		}
	}
	if len(t.items) > maxTicketItems {
		return errManyItems
	}
	return nil
}

// Faults of a ticket file.
var (
	errNoTicket = problem.Fault{
		Text:   "is no ticket with fqdn, ipv4 and ipv6, each an array of texts",
		Remedy: "fetch the ticket again",
	}
	errManyItems = problem.Fault{
		Text:   fmt.Sprintf("holds more than %d items", maxTicketItems),
		Remedy: "report on its tickets one by one",
	}
)
