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
		if known := a.orders[id]; known != nil && known.Digest == r.records[id].Digest {
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

// recall reads from the archive what the orders that are new or changed said
// when an earlier process told of them, each file of it once. What is gone stays
// unknown.
func (a *audit) recall(r *reading) {
	wanted := map[string]map[int]*auditOrder{} // by file and line
	for id, record := range r.records {
		known := a.orders[id]
		if known == nil || known.record != nil || known.Archived.SHA256 == "" || known.Digest == record.Digest {
			continue
		}
		at := known.Archived
		if wanted[at.SHA256] == nil {
			wanted[at.SHA256] = map[int]*auditOrder{}
		}
		wanted[at.SHA256][at.Line] = known
	}
	for file, orders := range wanted {
		text, err := a.journal.Kept(file)
		if err != nil {
			a.log.Warn("journal: what orders said before is not known", "orders", len(orders), "cause", err)
			continue
		}
		number := 0
		for line := range bytes.Lines(text) {
			number++
			record := new(orderRecord)
			if known := orders[number]; known != nil && json.Unmarshal(line, record) == nil {
				known.record = record
			}
		}
	}
}
