package list

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"iter"
	"net/netip"
	"time"

	"bailiff/policy/name"
	"bailiff/policy/problem"
)

// Group is the part of a list that shares its dates and its purpose.
type Group struct {
	From, Until time.Time // zero: as the rule that points at the list
	Except      bool      // lifts the order's own rules instead

	Names               Names
	Addresses           []Prefix
	Nameservers         Names
	NameserverAddresses []Prefix
}

// Len is the number of names and addresses.
func (g *Group) Len() int {
	return g.Names.Len() + len(g.Addresses) + g.Nameservers.Len() + len(g.NameserverAddresses)
}

// Prefix is one address prefix of a rule or list. The prefix is masked.
type Prefix struct {
	netip.Prefix
	Line int // 1-based line of the file it stood in
}

// Names is a packed sequence of rule names: one allocation for a million
// names, freed at once after the compiler has read it. The zero value is
// empty and ready; not safe for concurrent writes.
type Names struct {
	blob  []byte // per entry: match (1), line (4, little-endian), canonical wire name
	count int
}

// fixedOctets is what an entry of Names holds before its name.
const fixedOctets = 5

// Entry is one name of a list. Name borrows from the Names it came from.
type Entry struct {
	Name  []byte // canonical wire format, final zero octet included
	Match name.Match
	Line  int // 1-based line of the file the name stood in
}

// Append adds one name.
func (s *Names) Append(n name.Name, m name.Match, line int) {
	s.blob = append(s.blob, byte(m))
	s.blob = binary.LittleEndian.AppendUint32(s.blob, uint32(line))
	s.blob = append(s.blob, n...)
	s.count++
}

// appendText adds the name that text spells. A name of one label is refused:
// no list has a reason to hold a top-level domain, and a stray word looks
// like one. Every error is a problem.Fault and leaves s as it was.
func (s *Names) appendText(text []byte, m name.Match, line int) error {
	blob := append(s.blob, byte(m))
	blob = binary.LittleEndian.AppendUint32(blob, uint32(line))
	start := len(blob)
	blob, err := name.Append(blob, text)
	switch {
	case err != nil:
		return err
	case len(blob)-start <= 1+int(blob[start])+1:
		return problem.Fault{
			Text:   "has one label only: a word or a top-level domain, not a name under one",
			Remedy: "write the whole name, or remove the line",
		}
	}
	s.blob = blob
	s.count++
	return nil
}

// Len is the number of names.
func (s *Names) Len() int { return s.count }

// All yields the names in the order in which they were appended.
func (s *Names) All() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for at := 0; at < len(s.blob); {
			end := at + fixedOctets
			for s.blob[end] != 0 {
				end += int(s.blob[end]) + 1
			}
			end++
			e := Entry{
				Name:  s.blob[at+fixedOctets : end : end],
				Match: name.Match(s.blob[at]),
				Line:  int(binary.LittleEndian.Uint32(s.blob[at+1:])),
			}
			if !yield(e) {
				return
			}
			at = end
		}
	}
}

// joinWildcards makes one subtree entry, where the first of them stood, of a
// name that stands there both alone and as below. What is said twice may stay.
func (s *Names) joinWildcards() {
	const dropped = 0xff // a match that is none
	seed := maphash.MakeSeed()
	below := map[uint64]int{} // hash of the name → where its entry starts
	at := 0
	for e := range s.All() {
		if e.Match == name.Below {
			below[maphash.Bytes(seed, e.Name)] = at
		}
		at += fixedOctets + len(e.Name)
	}
	at = 0
	for e := range s.All() {
		hash := maphash.Bytes(seed, e.Name)
		other, found := below[hash]
		if e.Match == name.Exact && found && bytes.HasPrefix(s.blob[other+fixedOctets:], e.Name) {
			s.blob[min(at, other)], s.blob[max(at, other)] = byte(name.Subtree), dropped
			delete(below, hash)
		}
		at += fixedOctets + len(e.Name)
	}
	s.remove(dropped)
}

// remove removes the entries with this match.
func (s *Names) remove(m name.Match) {
	kept, at := 0, 0
	for e := range s.All() {
		end := at + fixedOctets + len(e.Name)
		if e.Match == m {
			s.count--
		} else {
			kept += copy(s.blob[kept:], s.blob[at:end])
		}
		at = end
	}
	s.blob = s.blob[:kept]
}
