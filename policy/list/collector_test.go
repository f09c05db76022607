package list

import (
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"
)

func TestRead_skipPassesOverSoManyEntriesAndNotesEach(t *testing.T) {
	const (
		note    = `a.txt:2: note: "https://b.example/": is a URL, not a name; write the name alone if the order covers all of it`
		refusal = "; fetch the list again, correct it, or raise max_errors"
	)
	hundred := strings.Repeat("a.example\n", 98)
	for _, tt := range []struct {
		name, in  string
		maxErrors int
		want      []string
	}{
		{"one of a hundred is passed over", "a.example\nhttps://b.example/\n" + hundred, 0, []string{note}},
		{"one of 99 is too many", "a.example\nhttps://b.example/\n" + hundred[len("a.example\n"):], 0,
			[]string{"a.txt: has more wrong entries (1) than may be skipped (0)" + refusal, note}},
		{"as many as the order says", "a.example\nhttps://b.example/\n", 1, []string{note}},
		{"one more than the order says", "a.example\nhttps://b.example/\n.c.example\n", 1, []string{
			"a.txt: has more wrong entries (2) than may be skipped (1)" + refusal, note,
			"a.txt:3: note: .c.example: begins with a dot; write the name without it"}},
		{"nothing else in the list", "\nhttps://b.example/\n", 5, []string{
			"a.txt: holds no name; fetch the list again, or remove the rule if that is meant", note}},
		{"a file that is no text is refused all the same", "a.example\n\x00\n", 5,
			[]string{"a.txt:2: is not a text file in UTF-8; unpack it or convert it"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, problems := readWith(tt.in, Options{OnError: Skip, MaxErrors: tt.maxErrors})
			equal(t, problems, tt.want)
		})
	}
}

func TestRead_whatIsWrongWithTheWholeListIsNeverSkipped(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		format   Format
	}{
		{"a register cut off", `<Rejestr><PozycjaRejestru><AdresDomeny>a.example</AdresDomeny></PozycjaRejestru>`, PLXML},
		{"a page instead of a register", "<html><body>503</body></html>", PLXML},
		{"a ticket cut off", `{"fqdn": ["a.example"]`, PiracyShield},
		{"two tickets glued together", `{"fqdn": ["a.example"]}{"fqdn": ["b.example"]}`, PiracyShield},
		{"a list without its header", "a.example\nb.example\n", ITADM},
		{"a zone that includes another", "$INCLUDE other.zone\na.example CNAME .\n", RPZ},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, problems := readWith(tt.in, Options{Format: tt.format, Action: "nxdomain", OnError: Skip, MaxErrors: 1000})
			if len(problems) == 0 || strings.Contains(problems[0], "note: ") {
				t.Errorf("got %q, want a refusal", problems)
			}
		})
	}
}

func TestRead_aByteOrderMarkIsNoMatter(t *testing.T) {
	for format, text := range map[Format]string{
		Domains:      "a.example",
		Hosts:        "0.0.0.0 a.example",
		Adblock:      "||a.example^",
		Dnsmasq:      "local=/a.example/",
		RPZ:          "a.example CNAME .",
		CSV:          "a.example",
		PLXML:        "<?xml version=\"1.0\"?><Rejestr><PozycjaRejestru><AdresDomeny>a.example</AdresDomeny></PozycjaRejestru></Rejestr>",
		RUXML:        `<register><content blockType="domain"><domain>a.example</domain></content></register>`,
		ITADM:        "1_2026.01.11\r\na.example",
		ITCNCPO:      "1;202611010000\r\n;a.example;;",
		PiracyShield: `{"fqdn": ["a.example"]}`,
	} {
		t.Run(format.String(), func(t *testing.T) {
			options := Options{Format: format, Action: "nxdomain", Table: Table{Name: Column{Number: 1}, Delimiter: ','}}
			utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(text + "\r\n")
			if err != nil {
				t.Fatal(err)
			}
			for _, in := range []string{"\ufeff" + text + "\r\n", utf16} {
				entries, problems := readWith(in, options)
				equal(t, problems, nil)
				if len(entries) != 1 || !strings.HasSuffix(entries[0], " a.example") {
					t.Errorf("%q: got %q, want a.example", in, entries)
				}
			}
		})
	}
}

func TestRead_hostileStructureIsCutOff(t *testing.T) {
	const (
		deep = "is nested deeper than 16 levels; fetch the list again"
		long = "has a single text of more than 1048576 octets; fetch the list again"
	)
	for _, tt := range []struct {
		name, in string
		format   Format
		want     string
	}{
		{"nested arrays", strings.Repeat("[", 1<<20), PiracyShield, deep},
		{"nested arrays under an unknown key", `{"x": ` + strings.Repeat("[", 1<<20), PiracyShield, deep},
		{"nested data", strings.Repeat(`{"data": `, 1<<10), PiracyShield, deep},
		{"endless text", `{"fqdn": ["` + strings.Repeat("a", 3<<20), PiracyShield, long},
		{"nested elements", "<Rejestr>" + strings.Repeat("<a>", 1<<10), PLXML, deep},
		{"endless attribute", `<Rejestr a="` + strings.Repeat("a", 3<<20), PLXML, long},
		{"endless text of an element", "<Rejestr><a><b>" + strings.Repeat("a", 3<<20), PLXML, long},
		{"endless text of an element in another encoding", `<?xml version="1.0" encoding="windows-1251"?><register><a><b>` +
			strings.Repeat("a", 3<<20), RUXML, long},
		{"endless fields", "<Rejestr><a>" + strings.Repeat("<b/>", maxFields+1), PLXML, "has an entry that is too long; fetch the list again"},
		{"entity bomb", `<!DOCTYPE a [<!ENTITY x "y">]><Rejestr>&x;</Rejestr>`, PLXML, "is not well-formed XML, or not complete; fetch the list again"},
		{"unknown encoding", `<?xml version="1.0" encoding="utf-7"?><Rejestr/>`, PLXML,
			"is XML of a version or in an encoding that is not read; convert it to XML 1.0 in UTF-8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, problems := read(tt.in, tt.format)
			equal(t, problems, []string{"a.txt:1: " + tt.want})
		})
	}
}
