//go:build !linux

package upstream

import (
	"errors"
	"time"
)

// Line is a worker's own way to the upstreams; here there is none, and every
// question goes to Forwarder.Resolve.
type Line struct{}

// NewLine reports that there is no such thing on this system.
func (f *Forwarder) NewLine() (*Line, error) { return nil, errors.ErrUnsupported }

// Ask takes no question.
func (l *Line) Ask(Question, time.Time, func(Answer, error)) bool { return false }
