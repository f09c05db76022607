package list

import (
	"io"

	"bailiff/policy/problem"
)

// meter hands a decoder that buffers whole tokens its input, but never more
// than one token may take, and knows the lines of what it handed over.
type meter struct {
	in      io.Reader
	read    int64   // octets handed over
	allowed int64   // octets that may be
	breaks  []int64 // offsets of line ends from the decoder's place on
	line    int     // of the decoder's place, 1-based
}

// maxToken bounds one token of XML or JSON: a name or URL takes 1020 octets,
// the scanned text of a decision that some registers carry far more.
const maxToken = 1 << 20

// errLongToken refuses what would have to be held in memory as a whole.
var errLongToken = problem.Fault{
	Text:   "has a single text of more than 1048576 octets",
	Remedy: "fetch the list again",
}

func newMeter(r io.Reader) *meter { return &meter{in: r, allowed: maxToken, line: 1} }

// Read implements io.Reader.
func (m *meter) Read(p []byte) (int, error) {
	switch {
	case m.read >= MaxOctets:
		return 0, errLarge
	case m.read >= m.allowed:
		return 0, errLongToken
	}
	n, err := m.in.Read(p[:min(int64(len(p)), m.allowed-m.read)])
	for i, octet := range p[:n] {
		if octet == '\n' {
			m.breaks = append(m.breaks, m.read+int64(i))
		}
	}
	m.read += int64(n)
	return n, err
}

// passed tells where the decoder is, after each token.
func (m *meter) passed(offset int64) {
	m.allowed = offset + maxToken
	ends := 0
	for ends < len(m.breaks) && m.breaks[ends] < offset {
		ends++
	}
	m.line += ends
	m.breaks = m.breaks[ends:]
}
