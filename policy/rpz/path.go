package rpz

import (
	"iter"
	"slices"
	"strings"

	"bailiff/policy/name"
	"bailiff/policy/order"
)

// path is a domain name from the root down, a zero octet after each label. Paths
// that are sorted as text stand in canonical order (RFC 4034 section 6.1): a
// name before what is below it, and all of that together.
type path string

// pathOf is the path of a canonical wire name.
func pathOf(wire []byte) path {
	octets := make([]byte, len(wire)-1)
	end := len(octets)
	for at := 0; wire[at] != 0; at += 1 + int(wire[at]) {
		label := wire[at+1 : at+1+int(wire[at])]
		end -= len(label) + 1
		copy(octets[end:], label)
	}
	return path(octets)
}

// pathsOf are the paths of all names in the rules, sorted, each once.
func pathsOf(orders []*order.Order) []path {
	total := 0
	for _, o := range orders {
		for i := range o.Rules {
			total += o.Rules[i].Names.Len()
		}
	}
	paths := make([]path, 0, total)
	for _, o := range orders {
		for i := range o.Rules {
			for e := range o.Rules[i].Names.All() {
				paths = append(paths, pathOf(e.Name))
			}
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// within reports whether p is below ancestor, or is it.
func (p path) within(ancestor path) bool { return strings.HasPrefix(string(p), string(ancestor)) }

// between yields the names below ancestor and above p, from the root down.
func (p path) between(ancestor path) iter.Seq[path] {
	return func(yield func(path) bool) {
		for at := len(ancestor); ; {
			at += strings.IndexByte(string(p[at:]), 0) + 1
			if at == len(p) || !yield(p[:at]) {
				return
			}
		}
	}
}

// appendWire appends the name in canonical wire format.
func (p path) appendWire(dst []byte) []byte {
	for label := range p.leafFirst() {
		dst = append(dst, byte(len(label)))
		dst = append(dst, label...)
	}
	return append(dst, name.Root...)
}

// appendText appends the name in presentation form, without the final dot.
func (p path) appendText(dst []byte) []byte {
	for label := range p.leafFirst() {
		dst = append(dst, label...)
		dst = append(dst, '.')
	}
	return dst[:len(dst)-1]
}

// leafFirst yields the labels as names are written.
func (p path) leafFirst() iter.Seq[path] {
	return func(yield func(path) bool) {
		for end := len(p) - 1; end > 0; {
			start := strings.LastIndexByte(string(p[:end]), 0) + 1
			if !yield(p[start:end]) {
				return
			}
			end = start - 1
		}
	}
}

// tld is the label next to the root.
func (p path) tld() string {
	label, _, _ := strings.Cut(string(p), "\x00")
	return label
}
