package name

import "testing"

func TestIsPublicSuffix_registrableNamesAndWhatIsForOthers(t *testing.T) {
	cases := []struct {
		name                           string
		suffix, registrable, forOthers bool
	}{
		{"uk", true, false, true},
		{"test", true, false, true}, // of the list's rule for what it does not know
		{"co.uk", true, false, true},
		{"github.io", true, false, true},
		{"example.co.uk", false, true, false},
		{"example.test", false, true, false},
		{"www.example.co.uk", false, false, false},
		{"kawasaki.jp", false, true, true}, // *.kawasaki.jp
		{"a.kawasaki.jp", true, false, true},
		{"city.kawasaki.jp", false, true, false}, // !city.kawasaki.jp
		{"www.city.kawasaki.jp", false, false, false},
	}
	for _, c := range cases {
		wire := []byte(MustParse(c.name))
		if s, r, o := IsPublicSuffix(wire), IsRegistrable(wire), IsForOthers(wire); s != c.suffix || r != c.registrable || o != c.forOthers {
			t.Errorf("%s: got suffix %v, registrable %v, for others %v; want %v, %v, %v", c.name, s, r, o, c.suffix, c.registrable, c.forOthers)
		}
	}
}
