package main

import (
	"strings"
	"testing"
)

func TestGenerate_keepsWhatLabelsCanHold(t *testing.T) {
	const in = "\ufeff# confusables.txt\n# Version: 15.0.0\n\n" +
		"0441 ;\t0063 ;\tMA\t# ( с → c ) CYRILLIC SMALL LETTER ES → LATIN SMALL LETTER C\t#\n" +
		"006D ;\t0072 006E ;\tMA\n" +
		"0421 ;\t0043 ;\tMA\n" + // a capital
		"FF43 ;\t0063 ;\tMA\n" + // UTS 46 maps it to c
		"00E9 ;\t0065 0301 ;\tMA\n" + // decomposes
		"0028 ;\t0029 ;\tMA\n" // no letter, digit or hyphen
	got, err := generate(strings.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	want := "\t{0x6d, \"rn\"}, {0x421, \"C\"}, {0x441, \"c\"},\n}\n"
	if !strings.HasSuffix(string(got), want) || !strings.Contains(string(got), `"15.0.0"`) {
		t.Errorf("got\n%s\nwant at its end\n%s", got, want)
	}
}

func TestGenerate_refusesAnotherForm(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"no version", "", "no version"},
		{"no fields", "# Version: 1\n0441 0063", "2: 1 fields, not 3"},
		{"no number", "# Version: 1\n0441 ; x ; MA", `2: strconv.ParseUint: parsing "x": invalid syntax`},
		{"two characters", "# Version: 1\n0441 0442 ; 0063 ; MA", "2: 2 characters look like 1"},
		{"no prototype", "# Version: 1\n0441 ; ; MA", "2: 1 characters look like 0"},
	}
	for _, tt := range tests {
		if _, err := generate(strings.NewReader(tt.in)); err == nil || err.Error() != tt.want {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
}
