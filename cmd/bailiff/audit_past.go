package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"bailiff/metrics/journal"
)

// recordPlace is where the archive has the record of an order: a line of a file.
type recordPlace struct {
	SHA256 string `json:"sha256"`
	Line   int    `json:"line"`
}

// archiveRecords archives the records of the orders that are new or changed, as
// far as there is room, and returns where by id: a later process compares with
// them.
func (a *audit) archiveRecords(r *reading) map[string]recordPlace {
	var lines bytes.Buffer
	places := map[string]recordPlace{}
	for _, id := range slices.Sorted(maps.Keys(r.records)) {
		if known := a.orders[id]; known != nil && known.digest == r.records[id].Digest {
			continue
		}
		line, err := json.Marshal(r.records[id])
		if err != nil || lines.Len()+len(line) >= maxTaken {
			continue
		}
		places[id] = recordPlace{Line: len(places) + 1}
		lines.Write(append(line, '\n'))
	}
	if len(places) == 0 {
		return nil
	}
	sum := digest(lines.String())
	for id, place := range places {
		places[id] = recordPlace{sum, place.Line}
	}
	const name = "records of orders" // no path
	a.archive.add([]journal.File{{Path: name, SHA256: sum}}, map[string][]byte{name: lines.Bytes()})
	return places
}

// recall is the record of an order as it was told last; nil if it is gone.
func (a *audit) recall(known *auditOrder) *orderRecord {
	switch {
	case known.digest != "" && known.record != nil:
		return known.record
	case known.archived.SHA256 == "":
		return nil
	}
	text, err := a.journal.Kept(known.archived.SHA256)
	if err != nil {
		a.log.Warn("journal: what an order said before is not known", "cause", err)
		return nil
	}
	number, record := 0, new(orderRecord)
	for line := range bytes.Lines(text) {
		if number++; number == known.archived.Line && json.Unmarshal(line, record) == nil {
			return record
		}
	}
	return nil
}
