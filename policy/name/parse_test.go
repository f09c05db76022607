package name

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"bailiff/policy/problem"
)

func TestParse_everySpellingOfANameIsOneName(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "ads.example", "\x03ads\x07example\x00"},
		{"final dot", "ads.example.", "\x03ads\x07example\x00"},
		{"capitals", "ADS.Example", "\x03ads\x07example\x00"},
		{"root", ".", "\x00"},
		{"one label", "example", "\x07example\x00"},
		{"digits, hyphens, underscores", "_a-1.2.-b-.example", "\x04_a-1\x012\x03-b-\x07example\x00"},
		{"two hyphens that start no A-label", "r3---sn-4g5.example", "\x0br3---sn-4g5\x07example\x00"},
		{"U-label", "bücher.example", "\x0dxn--bcher-kva\x07example\x00"},
		{"U-label in capitals", "BÜCHER.example", "\x0dxn--bcher-kva\x07example\x00"},
		{"U-label in two code points", "bu\u0308cher.example", "\x0dxn--bcher-kva\x07example\x00"},
		{"A-label", "xn--bcher-kva.example", "\x0dxn--bcher-kva\x07example\x00"},
		{"A-label in capitals", "XN--BCHER-KVA.EXAMPLE", "\x0dxn--bcher-kva\x07example\x00"},
		{"sharp s stays itself", "straße.example", "\x0dxn--strae-oqa\x07example\x00"},
		{"ideographic full stops", "bücher。example。", "\x0dxn--bcher-kva\x07example\x00"},
		{"full-width letters", "ａｄｓ.example", "\x03ads\x07example\x00"},
		{"underscore beside a U-label", "_dmarc.bücher.example", "\x06_dmarc\x0dxn--bcher-kva\x07example\x00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse(tt.in)
			if err != nil || got != Name(tt.want) {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestParse_whatIsNoNameIsRefusedInItsOwnWords(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"empty", "", "is empty; write a domain name"},
		{"endless", strings.Repeat("é.", 600), "is too long for a name (255 octets); write one domain name"},
		{"latin-1", "b\xfccher.example", "is not UTF-8 text; convert it to UTF-8"},
		{"URL", "https://ads.example/x", "is a URL, not a name; write the name alone if the order covers all of it"},
		{"path", "ads.example/x", "has a path, not only a name; write the name alone if the order covers all of it"},
		{"full-width slash", "ads.example／x", "has '/', which no name has; write one name in letters, digits, hyphens and dots"},
		{"port", "ads.example:80", "has a port, not only a name; write the name alone if the order covers all of it"},
		{"IPv4 address", "192.0.2.1", "is an address, not a name; write it in a rule of its own: {address: …}"},
		{"IPv4 prefix", "192.0.2.0/24", "is an address, not a name; write it in a rule of its own: {address: …}"},
		{"IPv6 address", "2001:db8::1", "is an address, not a name; write it in a rule of its own: {address: …}"},
		{"IPv6 address in brackets", "[2001:db8::1]", "is an address, not a name; write it in a rule of its own: {address: …}"},
		{"number as top-level domain", "ads.123", "ends in a number, which no top-level domain is; correct the name"},
		{"full-width address", "１９２.0.2.1", "ends in a number, which no top-level domain is; correct the name"},
		{"escape", `ads\046.example`, "has an escape, which no plain name has; write the name without it"},
		{"wildcard", "*.ads.example", "has an asterisk, which no plain name has; write the name that the asterisk stands below"},
		{"full-width asterisk", "＊.ads.example", "has '*', which no name has; write one name in letters, digits, hyphens and dots"},
		{"mail address", "a@ads.example", "is a mail address, not a name; write the name alone"},
		{"leading dot", ".ads.example", "begins with a dot; write the name without it"},
		{"only a full stop of another script", "。", "has an empty label (two dots in a row); remove one dot"},
		{"dots in a row", "ads..example", "has an empty label (two dots in a row); remove one dot"},
		{"two final dots", "ads.example..", "has an empty label (two dots in a row); remove one dot"},
		{"blank", "ads example", "has ' ', which no name has; write one name in letters, digits, hyphens and dots"},
		{"no-break space", "ads\u00a0.example", "has ' ', which no name has; write one name in letters, digits, hyphens and dots"},
		{"line feed", "ads.example\n", `has '\n', which no name has; write one name in letters, digits, hyphens and dots`},
		{"NUL", "ads\x00.example", `has '\x00', which no name has; write one name in letters, digits, hyphens and dots`},
		{"comma", "a.example,b.example", "has ',', which no name has; write one name in letters, digits, hyphens and dots"},
		{"comma beside a U-label", "bü,cher.example", "has ',', which no name has; write one name in letters, digits, hyphens and dots"},
		{"label of 64", strings.Repeat("a", 64) + ".example", "has a label of 64 octets, over the limit of 63 (RFC 1035); correct the name"},
		{"name of 256", longest + "b", "takes 256 octets, over the limit of 255 (RFC 1035); write one domain name"},
		{"false A-label", "xn--a.example", `is no valid internationalised name (invalid label "\u0080"); correct the spelling`},
		{"A-label that hides ASCII", "xn--ads-.example", `is no valid internationalised name (invalid label "ads-"); correct the spelling`},
		{"joiner out of place", "a\u200db.example", `is no valid internationalised name (invalid label "a\u200db"); correct the spelling`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse(tt.in)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %q, %v; want %s", got, err, tt.want)
			}
			if _, ok := errors.AsType[problem.Fault](err); !ok {
				t.Errorf("got a %T, want a problem.Fault", err)
			}
		})
	}
}

// longest takes MaxWire octets: three labels of 63 and one of 61.
var longest = strings.Repeat(strings.Repeat("a", MaxLabel)+".", 3) + strings.Repeat("b", 61)

func TestParse_takesANameOf255OctetsAnd127Labels(t *testing.T) {
	for _, in := range []string{longest, longest + ".", strings.Repeat("a.", MaxLabels), strings.Repeat("a", MaxLabel)} {
		got, err := Parse(in)
		if err != nil || len(got) > MaxWire {
			t.Errorf("got %d octets, %v; want %q taken", len(got), err, in)
		}
	}
}

func TestMustParse_panicsOnWhatIsNoName(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("got no panic")
		}
	}()
	MustParse("a..b")
}

func TestAppend_keepsWhatIsThereAlready(t *testing.T) {
	for _, in := range []string{"ads.example", "bücher.example"} {
		got, err := Append([]byte("kept"), []byte(in))
		if want := "kept" + string(MustParse(in)); err != nil || string(got) != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
}

func TestAppend_allocatesNothingForAPlainName(t *testing.T) {
	buffer, text := make([]byte, 0, MaxWire), []byte("WWW.Ads-1.example.")
	got := testing.AllocsPerRun(100, func() {
		if _, err := Append(buffer, text); err != nil {
			t.Error(err)
		}
	})
	if got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}

// FuzzParse holds any text to the limits and the round trip, and Append to
// Parse.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", ".", "example", "ads.example", "ADS.Example.", "a..b", ".a", "a.", "192.0.2.1", "a.123", "[2001:db8::1]",
		"bücher.example", "xn--bcher-kva.example", "XN--a", "xn--ads-.example", "a--b.example", "a。example", "a／b",
		"*.example", `a\.b`, "a b", "a\x00b", "\xff", "a\u200db.example", "אב.example", "1.אב.example", longest, longest + "b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := Parse(text)
		appended, appendErr := Append(nil, []byte(text))
		if (err == nil) != (appendErr == nil) || err != nil && err.Error() != appendErr.Error() {
			t.Fatalf("Append: got %v, want Parse's %v", appendErr, err)
		}
		if err != nil {
			return
		}
		if !bytes.Equal(appended, []byte(n)) {
			t.Fatalf("Append: got %q, want Parse's %q", appended, n)
		}
		checkCanonical(t, n)
		if again, err := Parse(n.String()); err != nil || again != n {
			t.Fatalf("Parse(%q): got %q, %v; want %q", n.String(), again, err, n)
		}
	})
}

// checkCanonical walks n as RFC 1035 section 3.1 lays it out.
func checkCanonical(t *testing.T, n Name) {
	t.Helper()
	if len(n) > MaxWire || n.Labels() > MaxLabels {
		t.Fatalf("got %d octets in %d labels", len(n), n.Labels())
	}
	i := 0
	for ; n[i] != 0; i += int(n[i]) + 1 {
		if n[i] > MaxLabel {
			t.Fatalf("got a label of %d octets in %q", n[i], n)
		}
		label := string(n[i+1 : i+1+int(n[i])])
		if strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Fatalf("got label %q in %q", label, n)
		}
	}
	if i != len(n)-1 {
		t.Fatalf("got octets behind the root in %q", n)
	}
}
