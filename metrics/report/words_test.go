package report

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bailiff/policy/order"
)

// languages are all of them, by code.
func languages(t *testing.T) map[string]*Language {
	t.Helper()
	all := map[string]*Language{}
	for _, code := range Languages() {
		l, err := NewLanguage(code)
		if err != nil {
			t.Fatal(err)
		}
		all[code] = l
	}
	return all
}

var verb = regexp.MustCompile(`%(\[[0-9]\])?.`)

func TestLanguages_haveTheSameKeysAndArguments(t *testing.T) {
	all := languages(t)
	files, err := languageFiles.ReadDir("languages")
	if err != nil || len(files) != len(all) {
		t.Errorf("got %d files (%v), want one for each of %v", len(files), err, Languages())
	}
	for code, l := range all {
		for key, text := range all["en"].texts {
			got, ok := l.texts[key]
			if !ok || got == "" {
				t.Errorf("%s: %s is missing", code, key)
			}
			if strings.HasSuffix(key, ".one") { // "One …" or "%s …"
				continue
			}
			if got, want := verb.FindAllString(got, -1), verb.FindAllString(text, -1); !slices.Equal(got, want) {
				t.Errorf("%s: %s: got arguments %v, want %v", code, key, got, want)
			}
		}
		for key := range l.texts {
			if _, ok := all["en"].texts[key]; !ok {
				t.Errorf("%s: %s is in no other language", code, key)
			}
		}
	}
}

var keyUsed = regexp.MustCompile(`\b(t|n|word|list) "([^"]+)"`)

func TestLanguages_haveEveryKeyThatPagesUse(t *testing.T) {
	texts := languages(t)["en"].texts
	pages, err := pageFiles.ReadDir("pages")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, p := range pages {
		page, err := pageFiles.ReadFile("pages/" + p.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range keyUsed.FindAllStringSubmatch(string(page), -1) {
			keys := map[string][]string{"t": {""}, "n": {".one", ".other"}, "list": {".1"}}[found[1]]
			for _, ending := range keys {
				used[found[2]+ending] = true
				if texts[found[2]+ending] == "" {
					t.Errorf("%s uses %s%s, which is no key", p.Name(), found[2], ending)
				}
			}
		}
	}
	set := regexp.MustCompile(`^(unit|action|authority|category|chart|effect|interruption|kind|notice|proves|publicity|reason|result|says|state)\.`)
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		if !used[key] && !set.MatchString(key) {
			t.Errorf("%s is a key that no page uses", key)
		}
	}
}

func TestLanguages_haveAWordForEveryValue(t *testing.T) {
	sets := map[string][]string{
		"reason":       reasons(),
		"result":       {resultMet, resultLate, resultOpen, resultNone},
		"interruption": {interruptStopped, interruptUnrecorded, interruptGap},
		"state":        {"pending", "in-force", "lapsed", "lifted"},
		"notice":       {"order", "addition", removal},
		"effect":       {effect(order.Enforce), effect(order.Observe)},
		"chart":        {unitDay.String(), unitMonth.String(), unitYear.String()},
		"kind": {"name.subtree", "name.exact", "name.below", "any-tld", "address", "nameserver", "nameserver-address",
			"exception.subtree", "exception.exact", "exception.below"},
	}
	for a := order.ActionNXDOMAIN; int(a) < order.Actions; a++ {
		sets["action"] = append(sets["action"], a.String())
	}
	for k := order.KindUnstated; k <= order.KindOperator; k++ {
		sets["authority"] = append(sets["authority"], k.String())
	}
	for p := order.Public; p <= order.Hidden; p++ {
		sets["publicity"] = append(sets["publicity"], p.String())
	}
	for _, f := range (Says{}).facts() {
		sets["says"] = append(sets["says"], f.Key)
	}
	for code, l := range languages(t) {
		for set, values := range sets {
			for _, value := range values {
				if _, ok := l.texts[set+"."+value]; !ok {
					t.Errorf("%s: %s.%s is missing", code, set, value)
				}
			}
		}
	}
}

func TestLanguage_spellsNumbersAndDurations(t *testing.T) {
	for _, tt := range []struct{ code, one, none, many, duration string }{
		{"en", "One order is on record.", "0 orders are on record.", "12,345 orders are on record.", "3 d 1 h"},
		{"fr", "1 mesure est enregistrée.", "0 mesure est enregistrée.", "12\u00a0345 mesures sont enregistrées.", "3 j 1 h"},
		{"it", "È registrato un ordine.", "Sono registrati 0 ordini.", "Sono registrati 12.345 ordini.", "3 g 1 h"},
		{"de", "Eine Anordnung ist aufgezeichnet.", "0 Anordnungen sind aufgezeichnet.", "12.345 Anordnungen sind aufgezeichnet.", "3 T. 1 h"},
		{"es", "Consta una orden.", "Constan 0 órdenes.", "Constan 12.345 órdenes.", "3 d 1 h"},
	} {
		l := languages(t)[tt.code]
		for n, want := range map[int]string{1: tt.one, 0: tt.none, 12345: tt.many} {
			if got := l.plural("summary.orders", n); got != want {
				t.Errorf("%s, %d: got %q, want %q", tt.code, n, got, want)
			}
		}
		if got := strings.ReplaceAll(l.duration(73*3600+59), "\u00a0", " "); got != tt.duration {
			t.Errorf("%s: got %q, want %q", tt.code, got, tt.duration)
		}
	}
}

func TestDuration_isTheTwoLargestUnits(t *testing.T) {
	l := languages(t)["en"]
	for _, tt := range []struct {
		in   float64
		want string
	}{
		{0, "0 s"}, {59.9, "59 s"}, {60, "1 min"}, {2791, "46 min 31 s"}, {3605, "1 h"}, {172800, "48 h"}, {259199, "71 h 59 min"}, {259200, "3 d"}, {90 * 86400, "90 d"},
	} {
		if got := strings.ReplaceAll(l.duration(tt.in), "\u00a0", " "); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestNewLanguage_anUnknownOneIsAnError(t *testing.T) {
	for _, code := range []string{"", "xx", "../languages/en"} {
		if l, err := NewLanguage(code); err == nil {
			t.Errorf("%q: got %v", code, l)
		}
	}
}
