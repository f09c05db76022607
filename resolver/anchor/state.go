package anchor

import "fmt"

// State is where a key stands as a trust anchor (RFC 5011 section 4).
type State uint8

// The states. Start, in which nothing is known of a key, is not kept.
const (
	Start   State = iota
	AddPend       // seen, and waiting to be trusted
	Valid         // trusted
	Missing       // trusted, though the zone does not publish it
	Revoked       // by itself: not trusted again
	Removed       // the same, after the hold-down time
)

var stateWords = [...]string{"start", "add-pending", "valid", "missing", "revoked", "removed"}

// String is the word of logs, metrics and the state file.
func (s State) String() string {
	if int(s) < len(stateWords) {
		return stateWords[s]
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// MarshalText is String.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a state that is kept.
func (s *State) UnmarshalText(text []byte) error {
	for i, word := range stateWords {
		if State(i) != Start && word == string(text) {
			*s = State(i)
			return nil
		}
	}
	return fmt.Errorf("%q is no state", text)
}

// Trusted reports whether a key in this state is a trust anchor.
func (s State) Trusted() bool { return s == Valid || s == Missing }
