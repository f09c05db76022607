package name

import (
	"encoding/binary"
	"math/bits"
)

// pad lets hashing and folding read eight octets at a time without a look at
// the end: a name may start at any octet up to MaxWire.
const pad = 8

// Buffer holds one name in canonical wire format in memory that its owner
// reuses for query after query. It is not safe for concurrent use.
type Buffer struct {
	wire    [MaxWire + pad]byte
	length  int
	offsets [MaxLabels + 1]uint8 // where each label's length octet stands
	labels  int
}

// Read takes the uncompressed name that starts at packet[at], folded to lower
// case. It returns the offset after the name, or -1 if there is no valid
// uncompressed name: a compression pointer has nothing to point back to in a
// question (RFC 1035 section 4.1.4), other label types are gone (RFC 6891
// section 5). The packet is not kept.
func (b *Buffer) Read(packet []byte, at int) (end int) {
	b.labels = 0
	end = at
	for {
		if end >= len(packet) {
			return -1
		}
		size := int(packet[end])
		if size == 0 {
			break
		}
		if size > MaxLabel || end+size-at > MaxWire-2 {
			return -1
		}
		b.offsets[b.labels] = uint8(end - at)
		b.labels++
		end += size + 1
	}
	end++
	b.length = end - at
	b.fold(packet[at:end])
	return end
}

// Set takes a name that is canonical already; what follows its final zero
// octet is ignored.
func (b *Buffer) Set(wire []byte) {
	b.labels = 0
	end := 0
	for ; wire[end] != 0; end += int(wire[end]) + 1 {
		b.offsets[b.labels] = uint8(end)
		b.labels++
	}
	b.length = copy(b.wire[:MaxWire], wire[:end+1])
}

// fold copies a wire name in lower case, eight octets at a time. Length octets
// are at most 63 and so never look like a capital.
func (b *Buffer) fold(wire []byte) {
	i := 0
	for ; i+8 <= len(wire); i += 8 {
		binary.LittleEndian.PutUint64(b.wire[i:], fold8(binary.LittleEndian.Uint64(wire[i:])))
	}
	for ; i < len(wire); i++ {
		b.wire[i] = lower(wire[i])
	}
}

// fold8 sets bit 5 of each octet that is an ASCII capital.
func fold8(x uint64) uint64 {
	const ones = 0x0101010101010101
	low7 := x & (0x7f * ones)
	fromA := low7 + (0x80-'A')*ones  // bit 7 set where the octet is 'A' or more
	afterZ := low7 + (0x7f-'Z')*ones // bit 7 set where the octet is beyond 'Z'
	capital := ^x & (fromA ^ afterZ) & (0x80 * ones)
	return x | capital>>2
}

// Wire is the canonical name, the final zero octet included. It borrows from
// the buffer.
func (b *Buffer) Wire() []byte { return b.wire[:b.length] }

// Labels is the number of labels, the root's not counted.
func (b *Buffer) Labels() int { return b.labels }

// Offset is where the i-th label from the left starts.
func (b *Buffer) Offset(i int) int { return int(b.offsets[i]) }

// Suffix is the name from the i-th label on. It borrows from the buffer.
func (b *Buffer) Suffix(i int) []byte { return b.wire[b.offsets[i]:b.length] }

// HashLabel mixes the i-th label from the left, its length octet included,
// into the running hash h. Names hash from the root towards the leaf, so that
// every ancestor's hash is a stage of the name's own.
func (b *Buffer) HashLabel(h uint64, i int) uint64 {
	at := int(b.offsets[i])
	size := int(b.wire[at]) + 1
	for ; size > 8; size -= 8 {
		h = mix(h, binary.LittleEndian.Uint64(b.wire[at:at+8]))
		at += 8
	}
	last := binary.LittleEndian.Uint64(b.wire[at : at+8])
	return mix(h, last&(^uint64(0)>>(64-8*size)))
}

// mix is one round of a folded multiplication (as in wyhash): fast, and good
// enough since the seed is secret and every match is compared octet by octet.
func mix(h, word uint64) uint64 {
	hi, lo := bits.Mul64(h^word, 0x9e3779b97f4a7c15)
	return hi ^ lo ^ h<<1
}
