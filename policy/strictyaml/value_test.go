package strictyaml

import "testing"

// site is a small mapping with every kind of field.
type site struct {
	Name   string
	Places []string
	Limits struct{ Low, High int }
	Kept   string
}

func readSite(v Value) (s site) {
	s.Kept = "default"
	v.Mapping(
		Key("name", &s.Name, String).Required(),
		Key("places", &s.Places, List(String)),
		Key("limits", &s.Limits, func(v Value) (l struct{ Low, High int }) {
			v.Mapping(
				Key("low", &l.Low, Int(0, 9)),
				Key("high", &l.High, Int(0, 9)),
			)
			return l
		}),
		Key("kept", &s.Kept, String),
	)
	return s
}

func TestMapping_readsItsFieldsAndKeepsDefaults(t *testing.T) {
	got, problems := read("limits: {high: 9, low: 1}\nplaces:\n- x\n- y: z\nname: 1e3\n", readSite)
	const want = "{1e3 [x ] {1 9} default}"
	const wantProblems = "f.yaml:4: places 2: is a mapping (key: value); write a single value"
	if got != want || problems != wantProblems {
		t.Errorf("got %s with problems %s, want %s with %s", got, problems, want, wantProblems)
	}
}

func TestMapping_everyProblemIsReported(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"unknown key", "name: a\ncolour: b\n", "f.yaml:2: colour: unknown key; known here: name, places, limits, kept"},
		{"near miss", "name: a\nlimits: {hihg: 1}\n", "f.yaml:2: limits: hihg: unknown key; did you mean high? known here: low, high"},
		{"capital", "Name: a\n", "f.yaml:1: Name: unknown key; did you mean name? known here: name, places, limits, kept\nf.yaml:1: has no name; add the key name"},
		{"key with a blank", "name: a\n\"kept \": b\n", "f.yaml:2: \"kept \": unknown key; did you mean kept? known here: name, places, limits, kept"},
		{"missing key", "kept: a\n", "f.yaml:1: has no name; add the key name"},
		{"twice", "name: a\nkept: b\nname: c\n", "f.yaml:3: name: stands twice (first on line 1); remove one of them"},
		{"not a mapping", "- a\n", "f.yaml:1: is a list; write a mapping (key: value)"},
		{"not a list", "name: a\nplaces: x\n", "f.yaml:2: places: x: is a single value; write a list"},
		{"empty values", "name:\nkept: \"\"\nplaces: []\nlimits: {}\n", "f.yaml:1: name: is empty; give it a value or remove it\n" +
			"f.yaml:2: kept: is empty; give it a value or remove it\n" +
			"f.yaml:3: places: is empty; give it a value or remove it\n" +
			"f.yaml:4: limits: is empty; give it a value or remove it"},
		{"null", "name: ~\nkept: null\n", "f.yaml:1: name: ~: is empty; give it a value or remove it\nf.yaml:2: kept: null: is empty; give it a value or remove it"},
		{"anchor and alias", "name: &a b\nkept: *a\n", "f.yaml:1: name: b: has an anchor; remove &a\nf.yaml:2: kept: a: is an alias; write the value itself"},
		{"merge key", "name: a\n<<: {kept: b}\n", "f.yaml:2: <<: is a merge key; write the keys themselves"},
		{"tag", "name: !!str a\nkept: !x b\n", "f.yaml:1: name: a: has the tag !!str; remove it\nf.yaml:2: kept: b: has the tag !x; remove it"},
		{"list as key", "name: a\n? [b]\n: c\n", "f.yaml:2: is a list; write a single value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, got := read(tt.in, readSite); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestListOrOne_takesBothForms(t *testing.T) {
	for _, tt := range []struct{ name, in, want, problems string }{
		{"a list", "[a, b]", "[a b]", ""},
		{"one", "a", "[a]", ""},
		{"neither", "{a: b}", "[]", "f.yaml:1: is a mapping (key: value); write a single value"},
		{"an empty list", "[]", "[]", "f.yaml:1: is empty; give it a value or remove it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, problems := read(tt.in, ListOrOne(String)); got != tt.want || problems != tt.problems {
				t.Errorf("got %s with problems %q, want %s with %q", got, problems, tt.want, tt.problems)
			}
		})
	}
}

func TestNear_isForSlipsOfTheFingers(t *testing.T) {
	tests := []struct {
		word, known string
		want        bool
	}{
		{"untill", "until", true},
		{"utnil", "until", true},
		{"legal-basis", "legal_basis", true},
		{"jurisdicton", "jurisdiction", true},
		{"jurisdikton", "jurisdiction", true},
		{"form", "from", true},
		{"name", "note", false},
		{"", "id", false},
		{"clients", "publicity", false},
	}
	for _, tt := range tests {
		if got := near(tt.word, tt.known); got != tt.want {
			t.Errorf("near(%q, %q): got %t, want %t", tt.word, tt.known, got, tt.want)
		}
	}
}
