package zonefile

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bailiff/policy/problem"
)

// write puts text into a file of its own.
func write(t testing.TB, text string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "zone")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestRead_takesWhatRFC1035Writes(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", "\n  \n; only a comment\n", ""},
		{"all parts", "www.example. 300 IN A 192.0.2.1\n", "www.example.\t300\tIN\tA\t192.0.2.1"},
		{"class before TTL", "www.example. IN 300 A 192.0.2.1\n", "www.example.\t300\tIN\tA\t192.0.2.1"},
		{"no TTL, no class", "www.example. A 192.0.2.1\n", "www.example.\t3600\tIN\tA\t192.0.2.1"},
		{"$TTL", "$TTL 1h1m\nwww.example. A 192.0.2.1\n", "www.example.\t3660\tIN\tA\t192.0.2.1"},
		{"relative to the origin", "www A 192.0.2.1\n", "www.home.example.\t3600\tIN\tA\t192.0.2.1"},
		{"the origin itself", "@ A 192.0.2.1\n", "home.example.\t3600\tIN\tA\t192.0.2.1"},
		{"$ORIGIN", "$ORIGIN sub\n$ORIGIN b\nwww CNAME @\n", "www.b.sub.home.example.\t3600\tIN\tCNAME\tb.sub.home.example."},
		{"capitals in the owner name", "WWW A 192.0.2.1\n", "www.home.example.\t3600\tIN\tA\t192.0.2.1"},
		{"the owner of the record before", "www A 192.0.2.1\n\tA 192.0.2.2\n", "www.home.example.\t3600\tIN\tA\t192.0.2.1\nwww.home.example.\t3600\tIN\tA\t192.0.2.2"},
		{"that owner after another origin", "www A 192.0.2.1\n$ORIGIN other.example.\n A 192.0.2.2\n", "www.home.example.\t3600\tIN\tA\t192.0.2.1\nwww.home.example.\t3600\tIN\tA\t192.0.2.2"},
		{"parentheses over lines", "@ NS ( ; here\n ns.example.\n)\n", "home.example.\t3600\tIN\tNS\tns.example."},
		{"a semicolon in quotes", `@ TXT "a;b (c" ; comment` + "\n", `home.example.	3600	IN	TXT	"a;b (c"`},
		{"an escaped quotation mark", `@ TXT "a\"b"` + "\n", `home.example.	3600	IN	TXT	"a\"b"`},
		{"BOM, CRLF, no end of line", "\ufeffwww A 192.0.2.1\r\nb A 192.0.2.2", "www.home.example.\t3600\tIN\tA\t192.0.2.1\nb.home.example.\t3600\tIN\tA\t192.0.2.2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var problems problem.List
			var got []string
			for _, r := range Read(write(t, tt.in), "home.example.", &problems) {
				got = append(got, r.RR.String())
			}
			if text := strings.Join(got, "\n"); text != tt.want || len(problems.Sorted()) > 0 {
				t.Errorf("got %q, problems %v, want %q", text, problems.Sorted(), tt.want)
			}
		})
	}
}

func TestRead_saysEveryLineThatIsNoRecord(t *testing.T) {
	const text = `$INCLUDE other
$TTL soon
$ORIGIN a..b
 A 192.0.2.1
www A 192.0.2.300
www CH TXT "x"
www TXT "open
www A 192.0.2.1 )
www A 192.0.2.1 surplus
www NOTYPE x
good A 192.0.2.1
www DNSKEY 257 3 8 !!!!
www A (
`
	file := write(t, text)
	var problems problem.List
	records := Read(file, "home.example.", &problems)
	if len(records) != 1 || records[0].Line != 11 {
		t.Errorf("got records %v, want the one of line 11", records)
	}
	var got []string
	for _, p := range problems.Sorted() {
		got = append(got, strings.TrimPrefix(p.Error(), file))
	}
	want := []string{
		`:1: "$INCLUDE other": is a directive that is not read here; write the records themselves, with $ORIGIN and $TTL at most`,
		`:2: "$TTL soon": is no TTL; write a number of seconds`,
		`:3: "$ORIGIN a..b": is no domain name; correct it`,
		`:4: "A 192.0.2.1": has no owner name; begin the line with one`,
		`:5: "www A 192.0.2.300": is no record (bad A A: "192.0.2.300"); write owner name, TTL, class, type and data`,
		`:6: "www CH TXT \"x\"": is in another class than IN; take it out`,
		`:7: "www TXT \"open": a quotation mark has no other half on its line; close it`,
		`:8: "www A 192.0.2.1 )": a parenthesis has no other half; correct the record`,
		`:9: "www A 192.0.2.1 surplus": is no record (garbage after rdata: "surplus"); write owner name, TTL, class, type and data`,
		`:10: "www NOTYPE x": is no record (not a TTL: "NOTYPE"); write owner name, TTL, class, type and data`,
		`:12: "www DNSKEY 257 3 8 !!!!": is no record (illegal base64 data at input byte 0); correct the data`,
		`:13: a parenthesis has no other half; correct the record`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestRead_aRecordWithoutEndIsGivenUp(t *testing.T) {
	var problems problem.List
	Read(write(t, "www TXT (\n"+strings.Repeat("\"x\"\n", 1<<15)), ".", &problems)
	if !problems.Refused() {
		t.Error("got no problem, want one")
	}
}

func TestRead_aMissingFileIsAProblem(t *testing.T) {
	var problems problem.List
	if Read(filepath.Join(t.TempDir(), "none"), ".", &problems); !problems.Refused() {
		t.Error("got no problem, want one")
	}
}

func FuzzRead(f *testing.F) {
	f.Add("$ORIGIN a.example.\n@ NS ( ; here\n ns )\n A 192.0.2.1\nw TXT \"a;b\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		var problems problem.List
		for _, r := range Read(write(t, text), "home.example.", &problems) {
			if r.RR == nil || r.Line < 1 {
				t.Errorf("got %v", r)
			}
		}
	})
}
