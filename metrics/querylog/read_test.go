package querylog

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"bailiff/policy/name"
)

// stream is a frame stream with these frames, not ended.
func streamOf(frames ...[]byte) []byte {
	start := "\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x16" + string(contentType)
	out := append([]byte{0, 0, 0, 0}, binary.BigEndian.AppendUint32(nil, uint32(len(start)))...)
	out = append(out, start...)
	for _, f := range frames {
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(f))), f...)
	}
	return out
}

// read collects what a stream holds.
func readAll(t *testing.T, stream []byte) (found []Response, unread int) {
	t.Helper()
	unread, err := ReadDnstap(bytes.NewReader(stream), func(r Response) { found = append(found, r) })
	if err != nil {
		t.Fatal(err)
	}
	return found, unread
}

func TestReadDnstap_takesTheResponsesOfOurOwnLog(t *testing.T) {
	path := t.TempDir() + "/q.tap"
	w := newWorld(t, Config{DnstapFile: path})
	w.ask(t, "alias.test", "hidden.test", "www.iptv.test", "watched.test", "held.test")
	w.close()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !IsDnstap(file) {
		t.Errorf("got %x, not taken for dnstap", file[:StartSize])
	}
	found, unread := readAll(t, file)
	if unread != 1 {
		t.Errorf("got %d unread, want the one of the hidden order", unread)
	}
	var got []string
	for _, r := range found {
		got = append(got, r.Name.String()+" "+strings.Join(r.Points.Addresses, ",")+" "+strings.Join(r.Points.CNAMEs, ","))
	}
	want := []string{"alias.test 198.51.100.1 free.test", "www.iptv.test  ", "watched.test 198.51.100.2 "}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q: an order's own answers lead nowhere", got, want)
	}
}

// responseFrame is a frame with a response.
func responseFrame(message []byte) []byte {
	m := appendNumber(nil, messageType, typeClientResponse)
	return appendNumber(appendOctets(nil, tapMessage, appendOctets(m, messageResponse, message)), tapType, typeMessage)
}

func TestReadDnstap_ofOtherProgramsNameServersCountToo(t *testing.T) {
	found, unread := readAll(t, streamOf(responseFrame(packed(t))))
	if unread != 0 || len(found) != 1 || found[0].Name != name.MustParse("a.example") || len(found[0].Points.Servers) != 1 {
		t.Errorf("got %v, %d unread", found, unread)
	}
}

func TestReadDnstap_whatIsBrokenIsCountedAndPassedOver(t *testing.T) {
	good := responseFrame(packed(t))
	for _, tt := range []struct {
		name       string
		stream     []byte
		responses  int
		wantUnread int
	}{
		{"nothing", streamOf(), 0, 0},
		{"no protobuf", streamOf([]byte{0xff, 0xff}, good), 1, 0},
		{"a query", streamOf(appendOctets(nil, tapMessage, appendNumber(nil, messageType, typeClientQuery)), good), 1, 0},
		{"a response without a message", streamOf(responseFrame(nil), good), 1, 1},
		{"a broken message", streamOf(responseFrame([]byte("\x00\x01\x80")), good), 1, 1},
		{"a frame too long", streamOf(make([]byte, maxFrame+1), good), 1, 1},
		{"cut off", streamOf(good, good)[:len(streamOf(good, good))-1], 1, 0},
		{"cut in a length", streamOf(good)[:len(streamOf())+2], 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if found, unread := readAll(t, tt.stream); len(found) != tt.responses || unread != tt.wantUnread {
				t.Errorf("got %d responses, %d unread, want %d, %d", len(found), unread, tt.responses, tt.wantUnread)
			}
		})
	}
}

func TestReadDnstap_anotherContentIsRefused(t *testing.T) {
	stream := bytes.Replace(streamOf(), []byte("Dnstap"), []byte("Xnstap"), 1)
	if _, err := ReadDnstap(bytes.NewReader(stream), func(Response) {}); err == nil {
		t.Error("got no error")
	}
}

func FuzzReadDnstap(f *testing.F) {
	f.Add(streamOf(responseFrame(packed(f))))
	f.Add(streamOf([]byte{0xff}, nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = ReadDnstap(bytes.NewReader(data), func(r Response) {
			if r.Name == "" || len(r.Points.Addresses) > maxPoints || len(r.Points.Servers) > maxPoints {
				t.Errorf("got %+v", r)
			}
		})
	})
}
