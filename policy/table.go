package policy

import (
	"encoding/binary"
	"math/bits"

	"bailiff/policy/name"
)

// table is the policy trie: a name's every ancestor is a node, found from the
// root towards the leaf, and the walk ends at the first unknown label. It is
// flat octets without a pointer, immutable once built. A node stands in the
// bucket that the hash of its path from the root leads to, or where that is
// full in one of the next:
//
//	spilled (1) | marks (15) | places (15) | long (1) | records
//
// A mark is eight bits of the node's hash, 0 for none; at the same index is the
// place of its record in the bucket, 0 if it carries no rules and only leads to
// such. A record is its set (4, little-endian, the top bit says "has children"),
// the size of its name (1), and the name; a name of longFrom octets or more
// stands in long instead, and its place there (4) in the record. A bit of
// spilled stands for marks that are found in the next bucket.
//
// A name not under order costs one cache line for each known ancestor and one
// for the first unknown label. A name under order is compared octet by octet: a
// chance collision can never block.
type table struct {
	seed    uint64
	buckets uint64 // that hashes lead to; a few more take what the last have no room for
	blob    []byte
	long    []byte
}

const (
	cacheLine   = 64
	bucketSize  = 4 * cacheLine
	bucketHead  = 32
	bucketsFull = 70 // per cent of all buckets' octets: more takes longer ways, less takes memory

	nodesInBucket = 15
	recordHead    = 5
	longFrom      = 128
	longPlace     = 4

	childFlag = 1 << 31
)

// find looks for the node of wire, whose path hash is h. It returns the number
// of its set, 0 if it carries no rules, and whether there may be nodes below
// it: that a node is there at all is certain only with a set.
func (t *table) find(h uint64, wire []byte) (set uint32, below bool) {
	home, _ := bits.Mul64(h, t.buckets)
	mark := markOf(h)
	for at := home * bucketSize; ; at += bucketSize {
		b := (*[bucketSize]byte)(t.blob[at:])
		for same := equal16(b, mark) &^ 1; same != 0; same &= same - 1 { // spilled is no mark
			i := bits.TrailingZeros64(same)
			place := b[nodesInBucket+i>>3+i&1<<3]
			if place == 0 {
				below = true
			} else if record := b[place:]; t.holds(record, wire) {
				set = binary.LittleEndian.Uint32(record)
				return set &^ childFlag, set&childFlag != 0
			}
		}
		if b[0]&spillBit(mark) == 0 {
			return 0, below
		}
	}
}

// equal16 compares the first 16 octets of a bucket with mark: bit 8i is set if
// octet i is equal, bit 8i+1 if octet 8+i is.
func equal16(b *[bucketSize]byte, mark byte) uint64 {
	const ones = 0x0101010101010101
	zeros := func(x uint64) uint64 { return ^((x&(0x7f*ones) + 0x7f*ones) | x | 0x7f*ones) } // 0x80 for each octet that is 0
	marks := uint64(mark) * ones
	return zeros(binary.LittleEndian.Uint64(b[:])^marks)>>7 | zeros(binary.LittleEndian.Uint64(b[8:])^marks)>>6
}

// markOf is 1 to 255.
func markOf(h uint64) byte { return byte(1 + (h&0xff)*255>>8) }

func spillBit(mark byte) byte { return 1 << (mark & 7) }

// holds reports whether wire is the record's name.
func (t *table) holds(record, wire []byte) bool {
	if int(record[4]) != len(wire) {
		return false
	}
	return string(t.name(record)) == string(wire)
}

// name is the record's name.
func (t *table) name(record []byte) []byte {
	size := int(record[4])
	if size < longFrom {
		return record[recordHead : recordHead+size]
	}
	return t.long[binary.LittleEndian.Uint32(record[recordHead:]):][:size]
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
		set, below := t.find(h, n.Suffix(i))
		if set != 0 {
			visit(i, set)
		}
		if !below {
			return
		}
	}
}

// foreseen is how many labels below the TLD a query's buckets are called for: those
// of the TLDs themselves are always near, deeper rules are rare.
const foreseen = 2

// expect calls for the buckets that walk will look into (BenchmarkMatch1M).
func (t *table) expect(n *name.Buffer) {
	if t == nil {
		return
	}
	h, top := t.seed, n.Labels()-1
	for i := top; i >= max(0, top-foreseen); i-- {
		h = n.HashLabel(h, i)
		if i < top {
			home, _ := bits.Mul64(h, t.buckets)
			prefetch(&t.blob[home*bucketSize])
		}
	}
}

// touches reports whether a record stands on the path of the name.
func (t *table) touches(n *name.Buffer) (found bool) {
	t.walk(n, func(int, uint32) { found = true })
	return found
}

// all calls visit for each record, in the order of the table.
func (t *table) all(visit func(wire []byte, set uint32)) {
	if t == nil {
		return
	}
	for at := 0; at < len(t.blob); at += bucketSize {
		b := t.blob[at : at+bucketSize]
		for _, place := range b[16 : 16+nodesInBucket] {
			if place > 0 {
				visit(t.name(b[place:]), binary.LittleEndian.Uint32(b[place:])&^childFlag)
			}
		}
	}
}

// selfCheck looks every name up that the table holds, and reports whether a
// query would find each.
func (t *table) selfCheck() bool {
	var key name.Buffer
	sound := true
	t.all(func(wire []byte, set uint32) {
		key.Set(wire)
		last := uint32(0)
		t.walk(&key, func(label int, found uint32) {
			if label == 0 {
				last = found
			}
		})
		sound = sound && last == set
	})
	return sound
}
