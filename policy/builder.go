package policy

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"math/rand/v2"

	"bailiff/policy/name"
)

// builder collects names for a table, each with the number of a binding. The
// zero value is not ready: newBuilder.
type builder struct {
	seed  uint64
	nodes []node
	names []byte   // canonical names, one after the other
	count int      // of the names
	known []uint64 // hashes of ancestors that have a node, by their low bits: most names share theirs
	key   name.Buffer

	touched byte // of no meaning
}

// node is a name under order, or an ancestor of one.
type node struct {
	hash   uint64
	at     uint32 // of its name in builder.names
	number uint32 // of the binding, later of the set; 0: an ancestor's
}

// maxOctets bounds the names and the table: offsets take 32 bits.
const maxOctets = 1<<32 - 1

var errTableFull = errors.New("holds more names than the policy table takes (4 GiB)")

func newBuilder(expected int) *builder {
	return &builder{
		seed: rand.Uint64(), nodes: make([]node, 0, expected+expected/4+16), names: make([]byte, 0, 24*expected),
		known: make([]uint64, 1<<max(8, min(16, bits.Len(uint(expected))))),
	}
}

// add ties wire, a canonical name, to a binding. wire is copied.
func (b *builder) add(wire []byte, number uint32) error {
	// A node takes up to 8 octets beside the name.
	if len(b.names)+name.MaxWire+(8)*2*(len(b.nodes)+name.MaxLabels) > maxOctets {
		return errTableFull
	}
	b.key.Set(wire)
	start := len(b.names)
	b.count++
	b.names = append(b.names, b.key.Wire()...)
	h := b.seed
	for i := b.key.Labels() - 1; i > 0; i-- {
		h = b.key.HashLabel(h, i)
		if at := h & uint64(len(b.known)-1); b.known[at] != h {
			b.known[at] = h
			b.nodes = append(b.nodes, node{hash: h, at: uint32(start + b.key.Offset(i))})
		}
	}
	b.nodes = append(b.nodes, node{hash: b.key.HashLabel(h, 0), at: uint32(start), number: number})
	return nil
}

// table freezes the names. setOf is asked once for each name, by where it
// stands in names, for the set of its bindings, which it may not keep; they come
// in the order in which they were added and may hold one twice. The builder is
// spent but for wire. Without a name the table is nil.
func (b *builder) table(setOf func(at uint32, numbers []uint32) uint32) *table {
	if b.count == 0 {
		return nil
	}
	nodes := b.merge(sortByHash(b.nodes), setOf)
	octets := len(b.names) + b.count*recordHead // a little more than there is, where names stood twice
	t := &table{seed: b.seed, buckets: uint64(max(
		octets*100/((bucketSize-bucketHead)*bucketsFull), len(nodes)*100/(nodesInBucket*bucketsFull)) + 1)}
	t.blob = make([]byte, 0, (t.buckets+t.buckets/64+1)*bucketSize)
	ahead := len(nodes)
	for i := uint64(0); i < t.buckets || len(nodes) > 0; i++ {
		if len(nodes) <= ahead {
			ahead = len(nodes) - b.touch(nodes)
		}
		nodes = nodes[b.appendBucket(t, nodes, i):]
	}
	return t
}

// touch reads where the names of the next nodes stand, and returns of how many:
// read one by one, as they are used, each would wait for the memory.
func (b *builder) touch(nodes []node) (n int) {
	n = min(len(nodes), 256)
	for i := range nodes[:n] {
		b.touched += b.names[nodes[i].at]
	}
	return n
}

// size is how many octets of a bucket the node's record takes.
func (b *builder) size(n *node) int {
	if n.number&^childFlag == 0 {
		return 0
	}
	if size := len(b.wire(n.at)); size < longFrom {
		return recordHead + size
	}
	return recordHead + longPlace
}

// appendBucket appends bucket i with the first of nodes, which are those that
// no bucket before holds, and returns how many.
func (b *builder) appendBucket(t *table, nodes []node, i uint64) (count int) {
	start := len(t.blob)
	t.blob = append(t.blob, make([]byte, bucketSize)...)
	bucket, free := t.blob[start:], bucketHead
	for ; count < len(nodes); count++ {
		n := &nodes[count]
		home, _ := bits.Mul64(n.hash, t.buckets)
		size := b.size(n)
		if home > i || count == nodesInBucket || free+size > bucketSize {
			break
		}
		bucket[1+count] = markOf(n.hash)
		if size == 0 {
			continue
		}
		bucket[16+count] = byte(free)
		record := binary.LittleEndian.AppendUint32(bucket[:free], n.number)
		wire := b.wire(n.at)
		record = append(record, byte(len(wire)))
		if len(wire) < longFrom {
			record = append(record, wire...)
		} else {
			record = binary.LittleEndian.AppendUint32(record, uint32(len(t.long)))
			t.long = append(t.long, wire...)
		}
		free = len(record)
	}
	for _, n := range nodes[count:] {
		if home, _ := bits.Mul64(n.hash, t.buckets); home > i {
			break
		}
		bucket[0] |= spillBit(markOf(n.hash))
	}
	return count
}

// merge makes one node of those of the same name, with its set and childFlag
// at the top of number. It works in place.
func (b *builder) merge(nodes []node, setOf func(uint32, []uint32) uint32) []node {
	merged := nodes[:0]
	var numbers []uint32
	for len(nodes) > 0 {
		same := 1
		for same < len(nodes) && nodes[same].hash == nodes[0].hash {
			same++
		}
		run := nodes[:same]
		nodes = nodes[same:]
		for len(run) > 0 { // once, but for a collision of 64 bits
			first, rest := run[0], 0
			numbers = numbers[:0]
			child := false
			for _, n := range run {
				switch {
				case n.at != first.at && string(b.wire(n.at)) != string(b.wire(first.at)):
					run[rest] = n
					rest++
				case n.number == 0:
					child = true
				default:
					numbers = append(numbers, n.number)
				}
			}
			run = run[:rest]
			first.number = 0
			if len(numbers) > 0 {
				first.number = setOf(first.at, numbers)
			}
			if child {
				first.number |= childFlag
			}
			merged = append(merged, first)
		}
	}
	return merged
}

// wire is the name that starts at this octet of names.
func (b *builder) wire(at uint32) []byte {
	end := at
	for b.names[end] != 0 {
		end += uint32(b.names[end]) + 1
	}
	return b.names[at : end+1]
}

// sortByHash sorts the nodes by hash, those of the same hash as they stood: by
// its upper digits first, which leaves little to compare.
func sortByHash(nodes []node) []node {
	digit := max(1, min(11, (bits.Len(uint(len(nodes)))-2)/2)) // bits: so many destinations stay in the nearest cache
	other := make([]node, len(nodes))
	for _, shift := range []int{64 - 2*digit, 64 - digit} {
		starts := make([]uint32, 1<<digit+1)
		for i := range nodes {
			starts[nodes[i].hash>>shift&(1<<digit-1)+1]++
		}
		for i := 1; i < len(starts); i++ {
			starts[i] += starts[i-1]
		}
		for i := range nodes {
			d := nodes[i].hash >> shift & (1<<digit - 1)
			other[starts[d]] = nodes[i]
			starts[d]++
		}
		nodes, other = other, nodes
	}
	for i := 1; i < len(nodes); i++ { // by insertion: few are out of place, and none by far
		n := nodes[i]
		at := i
		for ; at > 0 && nodes[at-1].hash > n.hash; at-- {
			nodes[at] = nodes[at-1]
		}
		nodes[at] = n
	}
	return nodes
}
