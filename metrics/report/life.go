package report

import (
	"cmp"
	"encoding/json"
	"maps"
	"regexp"
	"strings"
	"time"

	"bailiff/metrics/journal"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// life is what the journal says of one order.
type life struct {
	id        string
	versions  []version
	facts     map[string]string // as it was last told, by key of the order file
	publicity order.Publicity   // the most secret that it ever had
	standing  []standing
	firsts    map[string]time.Time // first answers by notice; "": the order's own
	overrides []Override
	overrode  map[Override]bool // those of overrides, whenever they were told: each version tells them anew
	refusals  []refusal         // by the guard, at the last load that it refused
	notices   int               // at last
	days      map[string]*Day
}

// standing is where the order stood from then on.
type standing struct {
	at    time.Time
	event journal.Event
}

// refusal is what the guard refused, and why.
type refusal struct {
	at      time.Time
	problem string
}

// version is an order as one load read it; lifted: it was not there.
type version struct {
	at                        time.Time
	seq, generation, revision uint64
	lifted                    bool
	detail                    orderDetail

	// Set by replay.
	unknown bool     // the archive does not have it
	changes []Change // against the version before
}

// orderDetail is what the journal says of a version.
type orderDetail struct {
	Digest     string            `json:"digest"`
	File       string            `json:"file"`
	SHA256     string            `json:"sha256"`
	Says       map[string]string `json:"says"`
	Before     map[string]string `json:"before"`
	After      map[string]string `json:"after"`
	Rules      map[string]int    `json:"rules"`
	Exceptions int               `json:"exceptions"`
	Notices    int               `json:"notices"`
	Lists      []struct {
		File   string `json:"file"`
		SHA256 string `json:"sha256"`
	} `json:"lists"`
}

// Day is one day of matches, in UTC.
type Day struct {
	Day      string `json:"day"` // 2006-01-02
	Enforced uint64 `json:"enforced"`
	Observed uint64 `json:"observed"`
}

// add takes an entry about the order.
func (l *life) add(e journal.Entry) {
	switch e.Event {
	case journal.Loaded, journal.Changed:
		l.read(e)
	case journal.Lifted:
		l.versions = append(l.versions, version{at: e.Time, seq: e.Seq, generation: e.Generation, revision: e.Revision, lifted: true})
		l.standing = append(l.standing, standing{e.Time, e.Event})
	case journal.Pending, journal.InForce, journal.Lapsed:
		l.standing = append(l.standing, standing{e.Time, e.Event})
	case journal.FirstAnswer:
		var d struct{ Notice string }
		if json.Unmarshal(e.Detail, &d) == nil && l.firsts[d.Notice].IsZero() {
			l.firsts[d.Notice] = e.Time
		}
	case journal.Override:
		l.override(e)
	case journal.Refused:
		var d struct{ Problem string }
		if json.Unmarshal(e.Detail, &d) == nil {
			if n := len(l.refusals); n > 0 && !l.refusals[n-1].at.Equal(e.Time) {
				l.refusals = nil
			}
			l.refusals = append(l.refusals, refusal{e.Time, d.Problem})
		}
	case journal.Matches:
		l.match(e)
	}
}

// read takes a version; entries about single rules are passed over.
func (l *life) read(e journal.Entry) {
	v := version{at: e.Time, seq: e.Seq, generation: e.Generation, revision: e.Revision}
	if json.Unmarshal(e.Detail, &v.detail) != nil || e.Event == journal.Changed && v.detail.Digest == "" {
		return
	}
	l.notices = v.detail.Notices
	if v.detail.Says != nil {
		l.facts = maps.Clone(v.detail.Says)
	}
	for key := range v.detail.Before {
		delete(l.facts, key)
	}
	maps.Copy(l.facts, v.detail.After)
	l.publicity = secrecy(secrecy(l.publicity, l.facts["publicity"]), v.detail.Before["publicity"])
	v.detail.Says = nil
	l.versions = append(l.versions, v)
}

func (l *life) override(e journal.Entry) {
	var d struct {
		Guard      string    `json:"guard"`
		ApprovedBy string    `json:"approved_by"`
		Reason     string    `json:"reason"`
		At         time.Time `json:"at"`
		Note       string    `json:"note"`
	}
	if json.Unmarshal(e.Detail, &d) != nil {
		return
	}
	next := Override{At: second(e.Time), Guard: d.Guard, ApprovedBy: d.ApprovedBy, Approved: second(d.At), Reason: d.Reason, Lifts: d.Note}
	same := next
	if same.At = (time.Time{}); !l.overrode[same] {
		l.overrode[same] = true
		l.overrides = append(l.overrides, next)
	}
}

// match adds the matches of an entry to those of their day. A day that lies
// elsewhere than the entry was made up: it is that of the entry.
func (l *life) match(e journal.Entry) {
	var d Day
	if json.Unmarshal(e.Detail, &d) != nil {
		return
	}
	day, err := time.Parse(time.DateOnly, d.Day)
	if err != nil || day.After(e.Time) || e.Time.Sub(day) > 48*time.Hour {
		d.Day = e.Time.UTC().Format(time.DateOnly)
	}
	known := l.days[d.Day]
	if known == nil {
		known = &Day{Day: d.Day}
		l.days[d.Day] = known
	}
	known.Enforced += d.Enforced
	known.Observed += d.Observed
}

// state is where the order stands at last, and since when.
func (l *life) state() (string, time.Time) {
	if len(l.standing) == 0 {
		return "", time.Time{}
	}
	last := l.standing[len(l.standing)-1]
	return string(last.event), second(last.at)
}

// inForce is when the order first was in force; zero: never.
func (l *life) inForce() time.Time {
	for _, s := range l.standing {
		if s.event == journal.InForce {
			return s.at
		}
	}
	return time.Time{}
}

// public is the version as documents tell it.
func (v *version) public() Version {
	return Version{
		At: second(v.at), Generation: v.generation, Entry: v.seq, Revision: v.revision, Lifted: v.lifted, Unknown: v.unknown, Changes: v.changes,
		File: v.detail.File, SHA256: v.detail.SHA256, Held: Held{v.detail.Rules, v.detail.Exceptions},
	}
}

var blockPattern = regexp.MustCompile(`Block:([0-9hms]+)`)

// says is what the journal alone tells of the order: less than its file.
func (l *life) says() Says {
	f := func(key string) string { return l.facts[key] }
	at := func(key string) time.Time {
		t, err := time.Parse(time.RFC3339, f(key))
		if err != nil {
			return time.Time{}
		}
		return second(t)
	}
	s := Says{
		Publicity: l.publicity.String(), Title: f("title"), AuthorityKind: cmp.Or(f("authority.kind"), order.KindUnstated.String()), Authority: f("authority.name"),
		Jurisdiction: f("jurisdiction"), Category: f("category"), Received: at("received"),
		ValidFrom: at("valid.from"), ValidUntil: at("valid.until"), Review: f("valid.review"), Mode: f("mode"), Action: f("answer.action"),
	}
	if found := blockPattern.FindStringSubmatch(f("deadline")); found != nil {
		if d, err := time.ParseDuration(found[1]); err == nil {
			s.BlockSeconds = d.Seconds()
		}
	}
	if n := len(l.versions); n > 0 {
		s.Revision = l.versions[n-1].revision
	}
	return s
}

func errNothing(state string) error {
	return problem.Problem{File: state, Text: "holds no entry of that time", Remedy: "give a later --to, or the folder that `state` names"}
}

// isNotice reports whether a file may be a notice of its own.
func isNotice(path string) bool {
	return strings.Contains("/"+path, "/notices/") && (strings.HasSuffix(path, ".yaml") || strings.HasSuffix(path, ".yml"))
}
