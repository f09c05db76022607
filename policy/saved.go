package policy

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"

	"bailiff/policy/name"
	"bailiff/policy/order"
)

// Part is a share of a program that can be kept in a file: the rules of some
// orders, compiled. Programs share parts that no load changed.
type Part struct{ placed }

// Parts is what the program is made of.
func (p *Program) Parts() (parts []Part) {
	for _, l := range p.layers {
		parts = append(parts, Part{l})
	}
	return parts
}

// ID names the part: it is another for whatever was compiled anew.
func (p Part) ID() string { return p.id }

// Gone numbers the part's orders that the program does not hold any more, from
// the smallest.
func (p Part) Gone() (numbers []int) {
	for i, rank := range p.ranks {
		if rank == gone {
			numbers = append(numbers, i)
		}
	}
	return numbers
}

func newLayerID() string { return rand.Text() }

// The form of a part: the octets of the tables, which come first so that their
// buckets keep to the lines of the memory; what is said of the rest, as gob; the
// lengths of all these; and the SHA-256 of everything before it.
const (
	partLengths = 5
	partTail    = 8*partLengths + sha256.Size
)

// savedLayer is what a part says beside its tables' octets.
type savedLayer struct {
	ID             string
	Orders         []byte // JSON of savedOrders
	Bindings       []savedBinding
	Sets           [][]uint32
	AnyTLD         map[string]uint32
	Prefixes       []savedPrefix
	ServerPrefixes []savedPrefix
	Names, Servers savedTable
}

type savedOrder struct {
	Order *order.Order
	Rules []Rule
}

type savedBinding struct {
	Order, Rule uint32
	Match       name.Match
	Except      bool
	From, Until int64
}

type savedPrefix struct {
	Prefix netip.Prefix
	Set    uint32
}

// savedTable is a table without its octets; without buckets there is none.
type savedTable struct{ Seed, Buckets uint64 }

// Write writes the part.
func (p Part) Write(to io.Writer) error {
	sum := sha256.New()
	w := io.MultiWriter(to, sum)
	var lengths [partLengths]int
	write := func(i int, octets []byte) (err error) {
		lengths[i], err = w.Write(octets)
		return err
	}
	saved, err := p.save()
	if err != nil {
		return err
	}
	for i, octets := range [][]byte{p.table.octets(), p.servers.octets(), p.table.longNames(), p.servers.longNames(), saved} {
		if err := write(i, octets); err != nil {
			return err
		}
	}
	for _, n := range lengths {
		if err := binary.Write(w, binary.LittleEndian, uint64(n)); err != nil {
			return err
		}
	}
	_, err = to.Write(sum.Sum(nil))
	return err
}

func (t *table) octets() []byte {
	if t == nil {
		return nil
	}
	return t.blob
}

func (t *table) longNames() []byte {
	if t == nil {
		return nil
	}
	return t.long
}

func (t *table) saved() savedTable {
	if t == nil {
		return savedTable{}
	}
	return savedTable{t.seed, t.buckets}
}

// save is the gob of a layer.
func (l *layer) save() ([]byte, error) {
	orders := make([]savedOrder, len(l.orders))
	for i, o := range l.orders {
		written := *o.Order
		written.Rules = nil
		orders[i] = savedOrder{&written, o.Rules}
	}
	text, err := json.Marshal(orders)
	if err != nil {
		return nil, err
	}
	saved := savedLayer{
		ID: l.id, Orders: text, Sets: l.sets, AnyTLD: l.anyTLD, Names: l.table.saved(), Servers: l.servers.saved(),
		Prefixes: savedPrefixes(l.addresses), ServerPrefixes: savedPrefixes(l.serverAddresses),
	}
	for _, b := range l.bindings {
		saved.Bindings = append(saved.Bindings, savedBinding{b.order, b.rule, b.match, b.except, b.valid.from, b.valid.until})
	}
	var out bytes.Buffer
	err = gob.NewEncoder(&out).Encode(saved)
	return out.Bytes(), err
}

func savedPrefixes(t *bart.Table[uint32]) (all []savedPrefix) {
	if t == nil {
		return nil
	}
	for p, set := range t.All() {
		all = append(all, savedPrefix{p, set})
	}
	return all
}

var errPartBroken = errors.New("is not whole: its SHA-256 differs")

// Saved is a part as it was kept.
type Saved struct {
	Data []byte // as Part.Write wrote it
	Gone []int  // as Part.Gone said, in its order
}

// Restore makes a program of its parts, with the options that they were
// compiled with. The program keeps their octets.
func Restore(parts []Saved, opts Options) (*Program, error) {
	p := new(Program)
	var layers []*layer
	for _, part := range parts {
		l, err := restoreLayer(part.Data, opts)
		if err != nil {
			return nil, err
		}
		layers = append(layers, l)
		for i, o := range l.orders {
			if _, isGone := slices.BinarySearch(part.Gone, i); !isGone {
				p.orders = append(p.orders, o)
			}
		}
	}
	ranks := p.rank()
	for _, l := range layers {
		p.layers = append(p.layers, l.place(ranks))
	}
	return p, nil
}

func restoreLayer(data []byte, opts Options) (*layer, error) {
	if len(data) < partTail {
		return nil, errPartBroken
	}
	body, sum := data[:len(data)-sha256.Size], data[len(data)-sha256.Size:]
	if got := sha256.Sum256(body); !bytes.Equal(got[:], sum) {
		return nil, errPartBroken
	}
	lengths := body[len(body)-8*partLengths:]
	var parts [partLengths][]byte
	for i := range parts {
		n := binary.LittleEndian.Uint64(lengths[8*i:])
		if n > uint64(len(body)) {
			return nil, errPartBroken
		}
		parts[i], body = body[:n:n], body[n:]
	}
	var saved savedLayer
	if err := gob.NewDecoder(bytes.NewReader(parts[4])).Decode(&saved); err != nil {
		return nil, err
	}
	l := &layer{
		id: saved.ID, sets: saved.Sets, anyTLD: saved.AnyTLD,
		table: saved.Names.table(parts[0], parts[2]), servers: saved.Servers.table(parts[1], parts[3]),
		addresses: restorePrefixes(saved.Prefixes), serverAddresses: restorePrefixes(saved.ServerPrefixes),
	}
	for _, b := range saved.Bindings {
		l.bindings = append(l.bindings, binding{b.Order, b.Rule, b.Match, b.Except, validity{b.From, b.Until}})
	}
	var orders []savedOrder
	if err := json.Unmarshal(saved.Orders, &orders); err != nil {
		return nil, fmt.Errorf("orders: %w", err)
	}
	for _, o := range orders {
		l.orders = append(l.orders, newOrder(o.Order, o.Rules, opts))
	}
	return l, nil
}

func (s savedTable) table(blob, long []byte) *table {
	if s.Buckets == 0 {
		return nil
	}
	return &table{seed: s.Seed, buckets: s.Buckets, blob: blob, long: long}
}

func restorePrefixes(all []savedPrefix) *bart.Table[uint32] {
	if len(all) == 0 {
		return nil
	}
	t := new(bart.Table[uint32])
	for _, p := range all {
		t.Insert(p.Prefix, p.Set)
	}
	return t
}
