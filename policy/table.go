package policy

import (
	"encoding/binary"
	"errors"
	"math/bits"

	"bailiff/policy/name"
)

// table is the policy trie: a name's every ancestor is a node, found from the
// root towards the leaf, and the walk ends at the first unknown label. It is
// two flat arrays without a pointer, immutable once built:
//
//   - slots: one 64-bit word a node, hashed by the path from the root, in
//     buckets of one cache line. A word holds 31 bits of the hash, a flag
//     "has children" and the node's record.
//   - records: for each node that carries rules, its set and its whole name.
//
// A name not under order costs one cache line for each known ancestor and one
// for the first unknown label; only a name under order touches a record, and
// is then compared octet by octet, so a chance collision can never block.
type table struct {
	seed    uint64
	slots   []uint64
	buckets uint64
	records []byte // set (4, little-endian), canonical name; offset 0 is no record
}

const (
	slotsPerBucket = 8 // 64 octets: one cache line
	recordHeader   = 4 // the set's number before the name

	childFlag        = 1 << 32
	fingerprintShift = 33
)

// find returns the slot of the node with this path hash, 0 if there is none.
func (t *table) find(h uint64) uint64 {
	mark := h << fingerprintShift >> fingerprintShift // the low 31 bits
	for at := bucketOf(h, t.buckets); ; {
		bucket := (*[slotsPerBucket]uint64)(t.slots[at*slotsPerBucket:])
		for _, slot := range bucket {
			if slot == 0 {
				return 0
			}
			if slot>>fingerprintShift == mark {
				return slot
			}
		}
		if at++; at == t.buckets {
			at = 0
		}
	}
}

// bucketOf spreads hashes over any number of buckets by their high bits.
func bucketOf(h, buckets uint64) uint64 {
	at, _ := bits.Mul64(h, buckets)
	return at
}

// set is the number of the rule set at a record.
func (t *table) set(record uint32) uint32 {
	return binary.LittleEndian.Uint32(t.records[record:])
}

// holds reports whether the record's name is wire.
func (t *table) holds(record uint32, wire []byte) bool {
	at := int(record) + recordHeader
	return at+len(wire) <= len(t.records) && string(t.records[at:at+len(wire)]) == string(wire)
}

// walk calls visit for each ancestor of the name, and the name itself, that
// has a record, from the root towards the leaf, with the index of its first
// label and its set. A nil table has none.
func (t *table) walk(n *name.Buffer, visit func(label int, set uint32)) {
	if t == nil {
		return
	}
	h := t.seed
	for i := n.Labels() - 1; i >= 0; i-- {
		h = n.HashLabel(h, i)
		slot := t.find(h)
		if slot == 0 {
			return
		}
		if record := uint32(slot); record != 0 {
			if !t.holds(record, n.Suffix(i)) {
				return
			}
			visit(i, t.set(record))
		}
		if slot&childFlag == 0 {
			return
		}
	}
}

// touches reports whether a record stands on the path of the name.
func (t *table) touches(n *name.Buffer) (found bool) {
	t.walk(n, func(int, uint32) { found = true })
	return found
}

// selfCheck looks every name up that the table holds, and reports whether a
// query would find each.
func (t *table) selfCheck() bool {
	var key name.Buffer
	for at := 1; at < len(t.records); {
		key.Set(t.records[at+recordHeader:])
		slot, h := uint64(childFlag), t.seed
		for i := key.Labels() - 1; i >= 0 && slot&childFlag != 0; i-- {
			h = key.HashLabel(h, i)
			slot = t.find(h)
		}
		if uint32(slot) != uint32(at) {
			return false
		}
		at += recordHeader + len(key.Wire())
	}
	return true
}

// builder collects names for a table. The zero value is not ready: newBuilder.
type builder struct {
	seed    uint64
	nodes   []node // open addressing by hash, a power of two long
	used    int
	records []byte
	key     name.Buffer
}

// node is one name or ancestor while the table grows. Its own name starts at
// names[nameAt]; hash 0 with nameAt 0 is an empty place.
type node struct {
	hash   uint64
	nameAt uint32
	record uint32
	child  bool
}

// maxRecords bounds the records: offsets take 32 bits.
const maxRecords = 1<<32 - 1 - name.MaxWire - recordHeader

var errTableFull = errors.New("holds more names than the policy table takes (4 GiB)")

func newBuilder(seed uint64, expected int) *builder {
	size := 1 << max(8, bits.Len(uint(expected+expected/2)))
	return &builder{seed: seed, nodes: make([]node, size), records: make([]byte, 1, 1+expected*24)}
}

// add makes sure that wire, a canonical name, has a record and returns its
// offset; fresh says that it is new, its set then 0. wire is copied.
func (b *builder) add(wire []byte) (record uint32, fresh bool, err error) {
	if uint64(len(b.records)) > maxRecords {
		return 0, false, errTableFull
	}
	b.key.Set(wire)
	start := len(b.records)
	b.records = append(b.records, 0, 0, 0, 0)
	b.records = append(b.records, wire...)
	var last *node
	h := b.seed
	for i := b.key.Labels() - 1; i >= 0; i-- {
		if last != nil {
			last.child = true
		}
		h = b.key.HashLabel(h, i)
		last = b.place(h, uint32(start+recordHeader+b.key.Offset(i)), len(wire)-b.key.Offset(i))
	}
	if last.record != 0 {
		b.records = b.records[:start]
		return last.record, false, nil
	}
	last.record = uint32(start)
	return last.record, true, nil
}

// place finds or makes the node of the name of size octets at records[nameAt].
// A node made by a name whose record is then dropped as a duplicate cannot
// happen: a duplicate's nodes were all there before.
func (b *builder) place(h uint64, nameAt uint32, size int) *node {
	if b.used*4 >= len(b.nodes)*3 {
		b.grow()
	}
	mask := uint64(len(b.nodes) - 1)
	for at := h & mask; ; at = (at + 1) & mask {
		n := &b.nodes[at]
		if n.nameAt == 0 {
			*n = node{hash: h, nameAt: nameAt}
			b.used++
			return n
		}
		if n.hash == h && b.same(n.nameAt, nameAt, size) {
			return n
		}
	}
}

func (b *builder) same(x, y uint32, size int) bool {
	return int(x)+size <= len(b.records) && string(b.records[x:int(x)+size]) == string(b.records[y:int(y)+size])
}

func (b *builder) grow() {
	old := b.nodes
	b.nodes = make([]node, 2*len(old))
	mask := uint64(len(b.nodes) - 1)
	for _, n := range old {
		if n.nameAt == 0 {
			continue
		}
		at := n.hash & mask
		for b.nodes[at].nameAt != 0 {
			at = (at + 1) & mask
		}
		b.nodes[at] = n
	}
}

// table freezes the names. It returns nil if two names' fingerprints collide
// in one bucket, which one seed in a thousand does with a million names: the
// caller builds again with another seed.
func (b *builder) table() *table {
	const load = 6 // slots used of a bucket's 8, on average
	t := &table{seed: b.seed, buckets: uint64(b.used/load + 1), records: b.records}
	t.slots = make([]uint64, t.buckets*slotsPerBucket)
	for _, n := range b.nodes {
		if n.nameAt == 0 {
			continue
		}
		if t.find(n.hash) != 0 {
			return nil
		}
		t.insert(n)
	}
	return t
}

func (t *table) insert(n node) {
	word := n.hash<<fingerprintShift | uint64(n.record)
	if n.child {
		word |= childFlag
	}
	for at := bucketOf(n.hash, t.buckets) * slotsPerBucket; ; at++ {
		at %= uint64(len(t.slots))
		if t.slots[at] == 0 {
			t.slots[at] = word
			return
		}
	}
}
