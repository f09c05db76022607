package likeness

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/idna"

	"bailiff/policy/name"
)

// milan are the services of the order of the Court of Milan.
func milan() *Index {
	x := new(Index)
	x.Add(Service{Order: "milan", Name: "iptv-the-best.example", Label: "iptv-the-best"})
	x.Add(Service{Order: "milan", Name: "energy-iptv.example", Label: "energy-iptv"})
	return x
}

func TestLook_tellsInWhichWayLabelsAreAlike(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"the label itself", "energy-iptv", "same-label energy-iptv.example 0.95"},
		{"in capitals", "ENERGY-IPTV", "same-label energy-iptv.example 0.95"},
		{"no hyphen", "energyiptv", "hyphenated energy-iptv.example 0.90"},
		{"another hyphen", "iptvthe-best", "hyphenated iptv-the-best.example 0.90"},
		{"a number after it", "energy-iptv2", "numbered energy-iptv.example 0.90"},
		{"a number set off", "energy-iptv-03", "numbered energy-iptv.example 0.90"},
		{"numbers around it", "24iptvthebest7", "numbered iptv-the-best.example 0.90"},
		{"a word after it", "energy-iptv-live", "decorated energy-iptv.example 0.80"},
		{"a word before it", "tv-energy-iptv", "decorated energy-iptv.example 0.80"},
		{"words and a number", "new-energyiptv2-app", "decorated energy-iptv.example 0.80"},
		{"a word grown on", "energyiptvonline", "decorated energy-iptv.example 0.80"},
		{"something else after it", "iptv-the-best-milano", "extended iptv-the-best.example 0.60"},
		{"something else before it", "amici-energyiptv", "extended energy-iptv.example 0.60"},
		{"a letter exchanged", "enregy-iptv", "misspelt energy-iptv.example 0.75"},
		{"a letter missing", "energ-iptv", "misspelt energy-iptv.example 0.75"},
		{"a slip and a number", "enregyiptv7", "misspelt energy-iptv.example 0.75"},
		{"two slips", "energi-ipvt", ""},
		{"a country after it", "energy-iptv-it", "decorated energy-iptv.example 0.80"},
		{"the same words", "tv-energy", "same-words energy-iptv.example 0.50"},
		{"the same words, turned", "iptv-energy", "same-words energy-iptv.example 0.50"},
		{"one word of the trade alone", "iptv", ""},
		{"one telling word alone", "energy", ""},
		{"unlike", "example", ""},
		{"Cyrillic e", mustASCII("еnergy-iptv"), "look-alike energy-iptv.example 0.90"},
		{"an accent", mustASCII("énergy-iptv"), "look-alike energy-iptv.example 0.90"},
		{"Greek o and a number", mustASCII("iptv-the-bεst-2"), "numbered iptv-the-best.example 0.90"},
		{"digit for a letter", "energy-1ptv", "look-alike energy-iptv.example 0.90"},
		{"l for i", "lptv-the-best", "look-alike iptv-the-best.example 0.90"},
		{"empty", "", ""},
		{"hyphens only", "---", ""},
		{"a broken A-label", "xn--\xff", ""},
	}
	x := milan()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			for _, l := range x.Look(tt.in) {
				got += fmt.Sprintf("%s %s %.2f\n", l.Kind, l.Name, l.Score)
			}
			if got = strings.TrimSuffix(got, "\n"); got != tt.want {
				t.Errorf("%s: got %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func mustASCII(label string) string {
	ascii, err := idna.Punycode.ToASCII(label)
	if err != nil {
		panic(err)
	}
	return ascii
}

func TestLook_shortLabelsTellLess(t *testing.T) {
	x := new(Index)
	x.Add(Service{Label: "kino"})
	for in, want := range map[string]string{"kino": "same-label 0.47", "kino7": "numbered 0.45", "kina": "", "kinomax": ""} {
		got := ""
		for _, l := range x.Look(in) {
			got += fmt.Sprintf("%s %.2f", l.Kind, l.Score)
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}

func TestLook_wordsOfTheTradeTellNothing(t *testing.T) {
	tests := []struct{ name, service, in, want string }{
		{"two slips in a long name", "expektitalia", "expectitalya", "misspelt 0.55"},
		{"three slips", "expektitalia", "expectytalya", ""},
		{"two slips in a short one", "vulkan-bet", "balkan-bet", ""},
		{"one slip", "vulkan-vegas", "1vulkn-vegas421", "misspelt 0.75"},
		{"one slip beside the trade", "foxycasino", "boxycasino", ""},
		{"one slip in the trade", "betonline", "betonlime", ""},
		{"numbers of a trade", "24casino", "casino7", ""},
		{"numbers of a service", "royal24casino", "royalcasino7", "numbered 0.90"},
		{"words around a trade", "1livecasino", "casinoplus", ""},
		{"longer than a trade", "online-casino", "myliveonlinecasino", ""},
		{"longer than a service", "spinpalace", "spinpalacepoker", "extended 0.60"},
		{"another trade", "captaincooks-casino", "captaincookspoker", "same-words 0.50"},
		{"another trade, short", "royal-casino", "royalpoker", ""},
		{"the same trade", "online-casino", "onlinecasino", "hyphenated 0.90"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := new(Index)
			x.Add(Service{Label: tt.service})
			got := ""
			for _, l := range x.Look(tt.in) {
				got += fmt.Sprintf("%s %.2f", l.Kind, l.Score)
			}
			if got != tt.want {
				t.Errorf("%s like %s: got %q, want %q", tt.in, tt.service, got, tt.want)
			}
		})
	}
}

func TestLook_tellsTheBestForEveryOrder(t *testing.T) {
	x := milan()
	x.Add(Service{Order: "rome", Name: "energy-iptv.test", Label: "Energy-IPTV"})
	x.Add(Service{Order: "rome", Name: "energy-iptv.org", Label: "energy-iptv"}) // known already
	got := x.Look("energy-iptv9")
	if len(got) != 2 || got[0].Order != "milan" || got[1].Order != "rome" || got[1].Name != "energy-iptv.test" {
		t.Errorf("got %v, want one of milan and one of rome", got)
	}
	if x.Len() != 3 {
		t.Errorf("got %d services, want 3", x.Len())
	}
}

func TestLook_anEmptyIndexKnowsNothing(t *testing.T) {
	if got := new(Index).Look("energy-iptv"); len(got) > 0 {
		t.Errorf("got %v, want nothing", got)
	}
}

func TestDistance_countsSlips(t *testing.T) {
	tests := []struct {
		a, b  string
		slips int
		ok    bool
	}{
		{"", "", 0, true},
		{"energy", "energy", 0, true},
		{"energy", "enregy", 1, true},
		{"energy", "nergy", 1, true},
		{"energy", "energyx", 1, true},
		{"energy", "anergi", 2, true},
		{"energy", "neregy", 2, true},
		{"energy", "neergyxx", 0, false},
		{"energy", "energyxxx", 0, false},
		{"ab", "ba", 1, true},
		{"ca", "abc", 0, false}, // restricted: 3, not 2
		{strings.Repeat("x", 63), strings.Repeat("x", 62) + "y", 1, true},
		{strings.Repeat("x", 64), strings.Repeat("x", 64), 0, false},
	}
	for _, tt := range tests {
		for _, pair := range [][2]string{{tt.a, tt.b}, {tt.b, tt.a}} {
			slips, ok := distance(pair[0], pair[1])
			if ok != tt.ok || ok && slips != tt.slips {
				t.Errorf("%s %s: got %d, %t, want %d, %t", pair[0], pair[1], slips, ok, tt.slips, tt.ok)
			}
		}
	}
}

func TestRegistrable_isOneLabelAndAPublicSuffix(t *testing.T) {
	tests := []struct{ in, domain, label string }{
		{"www.energy-iptv.example", "energy-iptv.example", "energy-iptv"},
		{"energy-iptv.co.uk", "energy-iptv.co.uk", "energy-iptv"},
		{"energy-iptv.github.io", "energy-iptv.github.io", "energy-iptv"},
		{"co.uk", "", ""},
		{"example", "", ""},
		{".", "", ""},
	}
	for _, tt := range tests {
		domain, label, ok := Registrable(name.MustParse(tt.in))
		if domain != tt.domain || label != tt.label || ok != (tt.domain != "") {
			t.Errorf("%s: got %s, %s, %t, want %s, %s", tt.in, domain, label, ok, tt.domain, tt.label)
		}
	}
}

func TestKind_everyKindHasItsWord(t *testing.T) {
	for k := range SameWords + 1 {
		if strings.HasPrefix(k.String(), "Kind(") || k.weight() < SameWords.weight() {
			t.Errorf("got %s with weight %v", k, k.weight())
		}
	}
}

func FuzzLook(f *testing.F) {
	for _, label := range []string{"energy-iptv2", "xn--nergy-iptv-m0h", "4k-4k", "\xff-", strings.Repeat("a1", 40)} {
		f.Add(label, label)
	}
	f.Fuzz(func(t *testing.T, service, label string) {
		x := milan()
		x.Add(Service{Order: "fuzz", Label: service})
		for _, l := range x.Look(label) {
			if l.Score <= 0 || l.Score > 1 {
				t.Errorf("%q like %q: got score %v", label, service, l.Score)
			}
		}
	})
}

func BenchmarkLook_amongTenThousandServices(b *testing.B) {
	x := new(Index)
	for i := range 10_000 {
		x.Add(Service{Label: fmt.Sprintf("serv%dice-%d", i%977, i)})
	}
	for b.Loop() {
		x.Look("energy-iptv2")
	}
}
