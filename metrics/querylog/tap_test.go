package querylog

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"

	framestream "github.com/farsightsec/golang-framestream"
	"github.com/miekg/dns"
	"google.golang.org/protobuf/encoding/protowire"

	"bailiff/policy/name"
)

// framesOf reads a file of frames, which must have been ended well.
func framesOf(t *testing.T, path string) (frames [][]byte) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := framestream.NewReader(f, &framestream.ReaderOptions{ContentTypes: [][]byte{contentType}})
	if err != nil {
		t.Fatal(err)
	}
	room := make([]byte, maxFrame)
	for {
		n, err := r.ReadFrame(room)
		if err != nil {
			return frames
		}
		frames = append(frames, bytes.Clone(room[:n]))
	}
}

// fields are the fields of a protobuf message by number: varints in decimal,
// octets as they are.
func fields(message []byte) map[protowire.Number]string {
	found := map[protowire.Number]string{}
	for f := range fieldsOf(message) {
		if f.octets != nil {
			found[f.number] = string(f.octets)
		} else {
			found[f.number] = fmt.Sprint(f.value)
		}
	}
	return found
}

// tapped asks for names and returns each message with its policy, by QNAME or
// digest and type.
func tapped(t *testing.T, clients Clients, qnames ...string) (frames [][]byte) {
	t.Helper()
	path := t.TempDir() + "/q.tap"
	w := newWorld(t, Config{DnstapFile: path, Clients: clients, Identity: "here", Version: "bailiff test"})
	w.ask(t, qnames...)
	w.close()
	return framesOf(t, path)
}

func TestTap_fillsTheFieldsOfQueryAndResponse(t *testing.T) {
	frames := tapped(t, Full, "free.test")
	if len(frames) != 2 {
		t.Fatalf("got %d frames, want the query and the response", len(frames))
	}
	for i, kind := range []string{"5", "6"} {
		top := fields(frames[i])
		if top[tapIdentity] != "here" || top[tapVersion] != "bailiff test" || top[tapType] != "1" {
			t.Errorf("got %q", top)
		}
		m := fields([]byte(top[tapMessage]))
		address, _ := netip.AddrFromSlice([]byte(m[messageQueryAddress]))
		if m[messageType] != kind || m[messageSocketFamily] != "1" || m[messageSocketProtocol] != "1" || address != client || m[messageQueryTime] == "" {
			t.Errorf("got %q", m)
		}
		want, other := messageQuery, messageResponse
		if kind == "6" {
			want, other = other, want
			if m[messageResponseTime] < m[messageQueryTime] {
				t.Errorf("got response time %s, query time %s", m[messageResponseTime], m[messageQueryTime])
			}
		}
		var msg dns.Msg
		if err := msg.Unpack([]byte(m[want])); err != nil || msg.Question[0].Name != "free.test." || msg.Id != 0xbeef || m[other] != "" {
			t.Errorf("got %v (%v), want the message as it was", &msg, err)
		}
		if kind == "5" && len(msg.IsEdns0().Option) != 2 {
			t.Errorf("got options %v, want all: clients are shown in full", msg.IsEdns0().Option)
		}
		if m[messagePolicy] != "" {
			t.Errorf("got a policy: %q", m[messagePolicy])
		}
	}
}

func TestTap_policyTellsRuleActionMatchAndValue(t *testing.T) {
	wire := func(text string) string { return string(name.MustParse(text)) }
	for _, tt := range []struct {
		qname                      string
		frames                     int
		rule, action, match, value string
	}{
		{"free.test", 2, "", "", "", ""},
		{"www.iptv.test", 2, "milan block", "6", "1", wire("www.iptv.test")},
		{"to-iptv.test", 2, "milan block", "6", "1", wire("www.iptv.test")},
		{"watched.test", 2, "watch block", "3", "1", ""},
		{"pirate.example", 2, "refusing rule 1", "", "1", wire("pirate.example")},
		{"held.test", 1, "dropping rule 1", "4", "3", "\xc6\x33\x64\x42"},
	} {
		t.Run(tt.qname, func(t *testing.T) {
			frames := tapped(t, Truncate, tt.qname)
			if len(frames) != tt.frames {
				t.Errorf("got %d frames, want %d", len(frames), tt.frames)
			}
			for _, frame := range frames {
				p := fields([]byte(fields([]byte(fields(frame)[tapMessage]))[messagePolicy]))
				if p[policyRule] != tt.rule || p[policyAction] != tt.action || p[policyMatch] != tt.match || p[policyValue] != tt.value || tt.rule != "" && p[policyType] != "order" {
					t.Errorf("got policy %q", p)
				}
			}
		})
	}
}

func TestTap_ofHiddenOrdersThereIsADigestAndNoMessage(t *testing.T) {
	for _, qname := range []string{"hidden.test", "at-secret.test"} {
		for _, frame := range tapped(t, Truncate, qname) {
			m := fields([]byte(fields(frame)[tapMessage]))
			if m[messageQuery] != "" || m[messageResponse] != "" {
				t.Errorf("%s: got a message: %q", qname, m)
			}
			p := fields([]byte(m[messagePolicy]))
			if len(p[policyValue]) != 16 || strings.Contains(string(frame), "secret\x04test") || strings.Contains(string(frame), "hidden") {
				t.Errorf("%s: got policy %q, want a digest and no name", qname, p)
			}
		}
	}
}

func TestTap_clientsAreShownAsAskedAndTheirOptionsAreNot(t *testing.T) {
	for clients, want := range map[Clients]string{Truncate: "\xc0\x00\x02\x00", Digest: "", None: ""} {
		t.Run(clients.String(), func(t *testing.T) {
			for _, frame := range tapped(t, clients, "free.test") {
				top := fields(frame)
				m := fields([]byte(top[tapMessage]))
				if m[messageQueryAddress] != want || strings.HasPrefix(top[tapExtra], "client=") != (clients == Digest) {
					t.Errorf("got address %q, extra %q", m[messageQueryAddress], top[tapExtra])
				}
				var msg dns.Msg
				octets := m[messageQuery] + m[messageResponse] // one of them
				if err := msg.Unpack([]byte(octets)); err != nil {
					t.Fatal(err)
				}
				if opt := msg.IsEdns0(); opt == nil || len(opt.Option) > 0 {
					t.Errorf("got OPT %v, want one without options", opt)
				}
				if opt := msg.IsEdns0(); m[messageQuery] != "" && !opt.Do() {
					t.Error("got DO clear, want the flags as they were")
				}
			}
		})
	}
}
