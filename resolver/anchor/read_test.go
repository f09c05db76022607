package anchor

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"bailiff/policy/problem"
)

// inFile puts text into a file of its own.
func inFile(t *testing.T, text string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "anchors")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// read returns the anchors of a file as zone and tag, and its problems without
// the file's name.
func read(t *testing.T, text string) (anchors, problems []string) {
	t.Helper()
	file := inFile(t, text)
	var found problem.List
	for _, a := range Read(file, &found) {
		anchors = append(anchors, a.Header().Name+dns.Type(a.Header().Rrtype).String())
	}
	for _, p := range found.Sorted() {
		problems = append(problems, strings.TrimPrefix(p.Error(), file))
	}
	return anchors, problems
}

const rootLines = `; the root
. IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
.	172800	IN	DS	38696 8 2 (
	683D2D0ACB8C9B712A1948B27F741219 298D0A450D612C483AF444A4C0FB2B16 ) ; the next
`

func TestRoot_isWhatAFileOfItHolds(t *testing.T) {
	var problems problem.List
	read := Read(inFile(t, rootLines), &problems)
	if len(problems.Sorted()) > 0 || !slices.EqualFunc(read, Root(), dns.IsDuplicate) {
		t.Errorf("got %v, problems %v, want %v", read, problems.Sorted(), Root())
	}
}

func TestRead_takesSeveralZonesOnce(t *testing.T) {
	ksk := newKSK(t).public
	got, problems := read(t, rootLines+ksk.String()+"\n"+strings.ToUpper(ksk.ToDS(dns.SHA256).String())+"\n"+ksk.String()+"\n")
	want := []string{".DS", ".DS", "example.DNSKEY", "example.DS"}
	if !slices.Equal(got, want) || len(problems) > 0 {
		t.Errorf("got %v, problems %v, want %v", got, problems, want)
	}
}

// TestRead_takesWhatUnboundKeeps has a root.key of Unbound's: what waits there
// or is revoked must not be trusted.
func TestRead_takesWhatUnboundKeeps(t *testing.T) {
	line := func(p pair, comment string) string {
		return p.public.String() + " ;{id = 1 (ksk), size = 256b} " + comment + "\n"
	}
	text := "; autotrust trust anchor file\n;;id: example. 1\n;;last_queried: 1700000000 ;;Tue Nov 14 22:13:20 2023\n" +
		line(newKSK(t), ";;state=2 [  VALID  ] ;;count=0 ;;lastchange=1700000000") +
		line(newKSK(t), ";;state=3 [ MISSING ] ;;count=0") +
		line(newKSK(t), ";;state=1 [ ADDPEND ] ;;count=3") +
		line(newKSK(t).revoked(), ";;state=4 [ REVOKED ] ;;count=0") +
		line(newKSK(t), ";;state=5 [ REMOVED ] ;;count=0")
	got, problems := read(t, text)
	if !slices.Equal(got, []string{"example.DNSKEY", "example.DNSKEY"}) {
		t.Errorf("got %v, want the two that are trusted", got)
	}
	if len(problems) != 3 {
		t.Fatalf("got %q, want a note for each of the others", problems)
	}
	for i, p := range problems {
		if !strings.HasPrefix(p, []string{":6: note: ", ":7: note: ", ":8: note: "}[i]) {
			t.Errorf("got %q, want a note on that line", p)
		}
	}
}

func TestRead_saysWhatIsNoAnchor(t *testing.T) {
	ksk := newKSK(t).public
	ds := ksk.ToDS(dns.SHA256)
	ds.Digest = strings.Repeat("00", 32)
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", "; nothing\n", ": holds no trust anchor; write DS or DNSKEY records of the zones to trust"},
		{"another type", "example. A 192.0.2.1\n" + rootLines, `:1: "example. 3600 IN A 192.0.2.1": is neither a DS nor a DNSKEY record; take it out`},
		{"a short digest", "example. DS 1 8 2 00ff\n" + rootLines, `:1: "example. 3600 IN DS 1 8 2 00FF": has a digest of the wrong length; copy the record again`},
		{"no zone key", "example. DNSKEY 1 3 8 AQAB\n" + rootLines, `:1: "example. 3600 IN DNSKEY 1 3 8 AQAB": is no zone key; write flags 257 and protocol 3, or take it out`},
		{"another protocol", "example. DNSKEY 257 2 8 AQAB\n" + rootLines, `:1: "example. 3600 IN DNSKEY 257 2 8 AQAB": is no zone key; write flags 257 and protocol 3, or take it out`},
		{"an unknown algorithm", "example. DS 1 200 2 " + strings.Repeat("00", 32) + "\n" + rootLines, `:1: note: "example. 3600 IN DS 1 200 2 0000000000000000000000000000000000000000000000000000"…: is of an algorithm or a digest that is not known here: alone it leaves its zone insecure; add one that is known`},
		{"no record", "example. DS\n" + rootLines, `:1: "example. DS": is no record (bad DS KeyTag: "\n"); write owner name, TTL, class, type and data`},
		{"another tool's form", `trust-anchor: ". DS 1"` + "\n" + rootLines, `:1: "trust-anchor: \". DS 1\"": is no record (expecting RR type, TTL or class, not this...: "\""); write owner name, TTL, class, type and data`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, got := read(t, tt.in)
			if len(got) != 1 || got[0] != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	t.Run("a digest that is not the key's", func(t *testing.T) {
		_, got := read(t, ksk.String()+"\n"+ds.String()+"\n")
		if len(got) != 1 || !strings.Contains(got[0], "is not the digest of the DNSKEY with its tag in this file; find out which of them is genuine") {
			t.Errorf("got %q, want a refusal", got)
		}
	})
}

func TestRead_boundsTheAnchors(t *testing.T) {
	var b strings.Builder
	for i := range maxAnchors + 10 {
		b.WriteString("example. DS " + strings.Repeat("1", 1+i%4) + " 8 2 " + strings.Repeat("0", 59) + string(rune('a'+i%6)) + string([]byte{'0' + byte(i/1000%10), '0' + byte(i/100%10), '0' + byte(i/10%10), '0' + byte(i%10)}) + "\n")
	}
	if anchors, problems := read(t, b.String()); len(anchors) != 0 || len(problems) != 1 || !strings.Contains(problems[0], "more than 1024") {
		t.Errorf("got %d anchors, problems %q, want a refusal", len(anchors), problems)
	}
}

func TestState_roundTrips(t *testing.T) {
	for s := AddPend; s <= Removed; s++ {
		var got State
		text, _ := s.MarshalText()
		if err := got.UnmarshalText(text); err != nil || got != s {
			t.Errorf("got %v, %v, want %v", got, err, s)
		}
	}
	if got := State(200).String(); got != "State(200)" {
		t.Errorf("got %q, want State(200)", got)
	}
}
