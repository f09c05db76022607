package rpl

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"bailiff/policy/problem"
	"bailiff/resolver/exchange"
)

// read reads a scenario of the test, which has no problems.
func read(t testing.TB, text string) *Scenario {
	t.Helper()
	var problems problem.List
	s := Read("test.rpl", text, &problems)
	if problems.Refused() {
		t.Fatalf("got problems %v", problems.Sorted())
	}
	return s
}

// file is a file of testdata.
func file(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRead_configuration(t *testing.T) {
	s := read(t, file(t, "small.good.rpl"))
	if s.Title != "What the reader knows" || s.Dialect != Testbound || len(s.Unsupported) > 0 {
		t.Errorf("got title %q, dialect %v, unsupported %v", s.Title, s.Dialect, s.Unsupported)
	}
	var got []string
	for _, c := range s.Clauses[1:] {
		for _, set := range c.Settings {
			got = append(got, c.Name+" "+set.Key+"="+set.Value)
		}
	}
	want := []string{
		"server qname-minimisation=no", "server trust-anchor=example.test. DS 1 13 2 00",
		"stub-zone name=.", "stub-zone stub-addr=198.51.100.1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got settings %q, want %q", got, want)
	}
}

func TestRead_rangesAndZones(t *testing.T) {
	s := read(t, file(t, "small.good.rpl"))
	if len(s.Ranges) != 1 || s.Ranges[0].To != 100 || len(s.Ranges[0].Addresses) != 2 || len(s.Ranges[0].Entries) != 2 {
		t.Fatalf("got ranges %+v", s.Ranges)
	}
	e := s.Ranges[0].Entries[0]
	if want := MatchOpcode | MatchSubdomain | MatchAnyEDE | MatchTransport; e.Match != want || e.Transport != exchange.TCP {
		t.Errorf("got match %b over %v, want %b over tcp", e.Match, e.Transport, want)
	}
	if e.Message.Rcode != dns.RcodeNameError || !e.Message.Authoritative || !e.Message.IsEdns0().Do() {
		t.Errorf("got header %v", e.Message.MsgHdr)
	}
	if got := e.Message.Ns[0].String(); got != "example.test.\t60\tIN\tSOA\tns.test. hostmaster.test. 1 2 3 4 5" {
		t.Errorf("got record %q: relative names, $TTL or the remark", got)
	}
	if raw := s.Ranges[0].Entries[1].Raw; len(raw) != 6 {
		t.Errorf("got octets %x, want 6 of them", raw)
	}
	z := s.Zones[0]
	if z.Name != "example.test." || len(z.Addresses) != 1 || z.Settings[0].Key != "sign" || len(z.Records) != 2 || z.Records[1].Header().Name != "ns.example.test." {
		t.Errorf("got zone %+v", z)
	}
}

func TestRead_steps(t *testing.T) {
	s := read(t, file(t, "small.good.rpl"))
	var got []string
	for _, step := range s.Steps {
		got = append(got, step.Event.String())
	}
	want := []string{"QUERY", "NOTHING", "TIME_PASSES", "CHECK_ANSWER", "CHECK_UPSTREAM_QUERIES"}
	if !slices.Equal(got, want) {
		t.Fatalf("got events %v, want %v", got, want)
	}
	if a := s.Steps[0].Address.String(); a != "192.0.2.7" || s.Steps[0].Entry.Message.Question[0].Qtype != dns.TypeHTTPS {
		t.Errorf("got client %s, question %v", a, s.Steps[0].Entry.Message.Question)
	}
	if s.Steps[2].Elapse != 1500*time.Millisecond || s.Steps[4].Most != 7 {
		t.Errorf("got %v and %d, want 1.5s and 7", s.Steps[2].Elapse, s.Steps[4].Most)
	}
}

func TestRead_settingsInNoClauseAreDeckards(t *testing.T) {
	s := read(t, "stub-addr: 198.51.100.1\nCONFIG_END\nSCENARIO_BEGIN x\nSCENARIO_END\n")
	if s.Dialect != Deckard {
		t.Errorf("got %v", s.Dialect)
	}
}

func TestRead_allProblemsAreToldWithTheirLine(t *testing.T) {
	var problems problem.List
	Read("broken.bad.rpl", file(t, "broken.bad.rpl"), &problems)
	var got strings.Builder
	for _, p := range problems.Sorted() {
		got.WriteString(p.Error() + "\n")
	}
	if want := file(t, "broken.bad.txt"); got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}

func TestRead_endsWithinAnything(t *testing.T) {
	text := file(t, "small.good.rpl")
	for i := range strings.Count(text, "\n") - 1 {
		cut := strings.Join(strings.SplitAfter(text, "\n")[:i], "")
		var problems problem.List
		if Read("cut.rpl", cut, &problems); !problems.Refused() {
			t.Errorf("got no problem where the file ends after line %d", i)
		}
	}
}

func TestRead_whatIsNotKnownIsUnsupported(t *testing.T) {
	entry := "ENTRY_BEGIN\n%\nSECTION QUESTION\nwww.test. IN A\nENTRY_END\n"
	for _, tt := range []struct{ name, config, body, want string }{
		{name: "match", body: "STEP 1 CHECK_ANSWER\n" + strings.Replace(entry, "%", "MATCH opcode smell", 1), want: "5: MATCH smell"},
		{name: "reply", body: "STEP 1 QUERY\n" + strings.Replace(entry, "%", "REPLY RD ZZ", 1), want: "5: REPLY ZZ"},
		{name: "adjust", body: "STEP 1 REPLY\n" + strings.Replace(entry, "%", "ADJUST sleep=3", 1), want: "5: ADJUST sleep=3"},
		{name: "packets", body: "STEP 1 REPLY\n" + strings.Replace(entry, "%", "EXTRA_PACKET", 1), want: "5: EXTRA_PACKET"},
		{name: "options", body: "STEP 1 QUERY\n" + strings.Replace(entry, "%", "HEX_EDNSDATA_BEGIN\n00\nHEX_EDNSDATA_END", 1), want: "5: HEX_EDNSDATA"},
		{name: "step", body: "STEP 1 CHECK_TEMPFILE x\nFILE_BEGIN\nanything\nFILE_END\n", want: "3: step CHECK_TEMPFILE"},
		{name: "time", body: "STEP 1 TIME_PASSES EVAL ${1 + 2}\n", want: "3: TIME_PASSES EVAL ${1 + 2}"},
		{name: "file", config: "TEMPFILE_CONTENTS x\nanything\nTEMPFILE_END\n", want: "1: TEMPFILE_CONTENTS"},
		{name: "command line", config: "COMMANDLINE -v\n", want: "1: COMMANDLINE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := read(t, tt.config+"CONFIG_END\nSCENARIO_BEGIN x\n"+tt.body+"SCENARIO_END\n")
			if len(s.Unsupported) != 1 || s.Unsupported[0] != tt.want {
				t.Errorf("got %q, want %q", s.Unsupported, tt.want)
			}
		})
	}
}

func TestRead_recordsThatTheLibraryWouldNotPack(t *testing.T) {
	s := read(t, "CONFIG_END\nSCENARIO_BEGIN x\nSTEP 1 REPLY\nENTRY_BEGIN\nSECTION ANSWER\n"+
		"a.test. NSEC b.test. TXT A\na.test. RRSIG A 253 2 60 20300101000000 20200101000000 1 test. UNUSABLE==\nENTRY_END\nSCENARIO_END\n")
	got := s.Steps[0].Entry.Message.Answer
	if !strings.HasSuffix(got[0].String(), "A TXT") || !strings.HasSuffix(got[1].String(), "UNUSABLE") {
		t.Errorf("got %v", got)
	}
}

func TestStrings_nameEveryValue(t *testing.T) {
	for event := Nothing; event <= CheckUpstreams; event++ {
		if strings.HasPrefix(event.String(), "Event(") {
			t.Errorf("no word for event %d", event)
		}
	}
	for got, want := range map[string]string{
		Testbound.String(): "testbound", Deckard.String(): "deckard", Dialect(9).String(): "Dialect(9)", Event(99).String(): "Event(99)",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// Whatever is read without a problem can be matched and sent.
func FuzzRead(f *testing.F) {
	f.Add(file(f, "small.good.rpl"))
	f.Add(file(f, "broken.bad.rpl"))
	f.Add("CONFIG_END\nSTEP 1 QUERY\nENTRY_BEGIN\nHTTPS\nENTRY_END\nSCENARIO_END\n")
	f.Add("stub-addr: 198.51.100.1\nCONFIG_END\nSTEP 1 REPLY\nENTRY_BEGIN\nMATCH all\nRAW\n00\nENTRY_END\nSCENARIO_END\n")
	query := new(dns.Msg).SetQuestion("www.example.test.", dns.TypeA)
	f.Fuzz(func(t *testing.T, text string) {
		var problems problem.List
		s := Read("fuzz.rpl", text, &problems)
		if problems.Refused() {
			return
		}
		for _, step := range s.Steps {
			if step.Entry == nil {
				continue
			}
			step.Entry.Mismatch(query, exchange.UDP)
			if _, err := step.Entry.Response(query, s.Dialect); err != nil {
				t.Fatal(err)
			}
			if _, err := step.Entry.Question(1, s.Dialect); err != nil {
				t.Fatal(err)
			}
		}
	})
}
