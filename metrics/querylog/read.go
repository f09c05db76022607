package querylog

import (
	"errors"
	"io"

	framestream "github.com/farsightsec/golang-framestream"
	"google.golang.org/protobuf/encoding/protowire"

	"bailiff/policy/name"
)

// maxFrame bounds a frame that is read: query and response of 64 KiB each, and
// the rest. Longer ones are passed over.
const maxFrame = 160 << 10

// Response is what a dnstap frame tells of a response to a client.
type Response struct {
	Name   name.Name // QNAME
	Points Points    // none where a policy changed the response
}

// StartSize is how many octets IsDnstap needs.
const StartSize = 12

// IsDnstap reports whether a file that starts with these octets is a frame
// stream: an escape, the length of a control frame, and START.
func IsDnstap(start []byte) bool {
	return len(start) >= StartSize && string(start[:4]) == "\x00\x00\x00\x00" && string(start[8:12]) == "\x00\x00\x00\x02"
}

// ReadDnstap calls each for every response to a client (CLIENT_RESPONSE) that
// the frame stream holds, whoever wrote it, and returns the number of those
// in which no QNAME could be read. Other frames are passed over; a stream that
// is cut off ends there. The stream may be hostile: memory stays bounded, and
// the time is that of reading it once.
func ReadDnstap(r io.Reader, each func(Response)) (unread int, err error) {
	frames, err := framestream.NewReader(r, &framestream.ReaderOptions{ContentTypes: [][]byte{contentType}})
	if err != nil {
		return 0, err
	}
	frame := make([]byte, maxFrame)
	for {
		n, err := frames.ReadFrame(frame)
		switch {
		case errors.Is(err, framestream.ErrDataFrameTooLarge):
			unread++
			continue
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return unread, nil
		case err != nil:
			return unread, err
		}
		if message, kind := messageOf(frame[:n]); kind != typeClientResponse {
			continue
		} else if response, ok := responseOf(message); ok {
			each(response)
		} else {
			unread++
		}
	}
}

// messageOf finds the message in a frame, and its type; 0 if there is none.
func messageOf(frame []byte) (message []byte, kind uint64) {
	for f := range fieldsOf(frame) {
		if f.number == tapMessage {
			message = f.octets
		}
	}
	for f := range fieldsOf(message) {
		if f.number == messageType {
			kind = f.value
		}
	}
	return message, kind
}

// responseOf reads the message of a response; ok is false without a QNAME.
func responseOf(message []byte) (r Response, ok bool) {
	var response []byte
	changed := false
	for f := range fieldsOf(message) {
		switch f.number {
		case messageResponse:
			response = f.octets
		case messagePolicy:
			changed = changes(f.octets)
		}
	}
	var qname name.Buffer
	if len(response) < headerSize || qname.Read(response, headerSize) < 0 {
		return Response{}, false
	}
	r.Name = name.Name(qname.Wire())
	if !changed {
		r.Points = pointsOf(response)
	}
	return r, true
}

// changes reports whether a policy is one that changes responses.
func changes(policy []byte) bool {
	for f := range fieldsOf(policy) {
		if f.number == policyAction {
			return f.value != actionPass
		}
	}
	return true
}

// field is a field of a protobuf message. It borrows the message's octets.
type field struct {
	number protowire.Number
	value  uint64 // of a varint
	octets []byte // of octets or an embedded message
}

// fieldsOf yields the varints and octets of a protobuf message, up to its end
// or to where it is broken.
func fieldsOf(message []byte) func(yield func(field) bool) {
	return func(yield func(field) bool) {
		for len(message) > 0 {
			number, kind, n := protowire.ConsumeTag(message)
			if n < 0 {
				return
			}
			f := field{number: number}
			message = message[n:]
			switch kind {
			case protowire.VarintType:
				f.value, n = protowire.ConsumeVarint(message)
			case protowire.BytesType:
				f.octets, n = protowire.ConsumeBytes(message)
			default:
				n = protowire.ConsumeFieldValue(number, kind, message)
			}
			if n < 0 || !yield(f) {
				return
			}
			message = message[n:]
		}
	}
}
