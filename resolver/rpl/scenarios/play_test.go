package scenarios

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// world of the scenarios below: one zone, and a question for its name.
const smallWorld = `CONFIG_END
SCENARIO_BEGIN x
ZONE_BEGIN test.
	ADDRESS 198.51.100.2
	@ NS ns
	ns A 198.51.100.2
	www A 192.0.2.1
ZONE_END
`

// askWWW is a client's question for the name.
const askWWW = "STEP 1 QUERY\nENTRY_BEGIN\nREPLY RD\nSECTION QUESTION\nwww.test. IN A\nENTRY_END\n"

// A run that could not fail would prove nothing.
func TestPlay_whatIsNotAsTheScenarioSaysIsTold(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{
			"an answer that is another",
			smallWorld + askWWW + "STEP 2 CHECK_ANSWER\nENTRY_BEGIN\nMATCH all\nREPLY QR RD RA NOERROR\nSECTION QUESTION\nwww.test. IN A\nSECTION ANSWER\nwww.test. A 192.0.2.66\nENTRY_END\n",
			"step 2 CHECK_ANSWER: answer: got [www.test. 0 IN A 192.0.2.1], want [www.test. 0 IN A 192.0.2.66]",
		},
		{"an answer that nobody looks at", smallWorld + askWWW + "STEP 2 NOTHING\n", "a reply that is not checked: www.test. A NOERROR"},
		{
			"no answer",
			smallWorld + "STEP 2 CHECK_ANSWER\nENTRY_BEGIN\nENTRY_END\n",
			"step 2 CHECK_ANSWER: no sign of a reply",
		},
		{
			"a query that is not sent",
			smallWorld + askWWW + "STEP 2 CHECK_OUT_QUERY ADDRESS 198.51.100.66\nENTRY_BEGIN\nENTRY_END\n",
			"step 2 CHECK_OUT_QUERY: no sign of that query",
		},
		{
			"queries too many",
			smallWorld + askWWW + "STEP 2 CHECK_ANSWER\nENTRY_BEGIN\nENTRY_END\nSTEP 3 CHECK_UPSTREAM_QUERIES 1\n",
			"step 3 CHECK_UPSTREAM_QUERIES: got 3 queries upstream, want at most 1",
		},
		{"a failure, and why", strings.Replace(smallWorld, "ns A 198.51.100.2", "ns A 198.51.100.3", 1) + askWWW +
			"STEP 2 CHECK_ANSWER\nENTRY_BEGIN\nMATCH rcode\nREPLY NOERROR\nENTRY_END\n", "step 2 CHECK_ANSWER: rcode: got SERVFAIL, want NOERROR (EDE 22 "},
		{"a zone's setting that there is not", strings.Replace(smallWorld, "ADDRESS", "sing: ed25519\nADDRESS", 1), "line 4: sing: no setting of a zone"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := playText(t, tt.text+"SCENARIO_END\n")
			if v.skipped != "" || !strings.HasPrefix(v.failed, tt.want) {
				t.Errorf("got %+v, want %q", v, tt.want)
			}
		})
	}
}

func TestPlay_settingsThatWeDoNotHaveAreToldNotIgnored(t *testing.T) {
	v := playText(t, "server:\n\tsome-cleverness: yes\nrpz:\n\tname: x\n"+smallWorld+"SCENARIO_END\n")
	if want := "unsupported: 2: some-cleverness: yes, 3: rpz:"; v.skipped != want {
		t.Errorf("got %+v, want skipped %q", v, want)
	}
}

// playText plays a scenario that is no file.
func playText(t *testing.T, text string) verdict {
	t.Helper()
	file := filepath.Join(t.TempDir(), "text.rpl")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return playFile(t, file)
}
