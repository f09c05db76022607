package name

import "testing"

func TestString_escapesWhatCouldBeMisread(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   Name
		want string
	}{
		{"root", Root, "."},
		{"no name", "", "."},
		{"plain", "\x03ads\x07example\x00", "ads.example"},
		{"dot and backslash", "\x03a.\\\x07example\x00", `a\.\\.example`},
		{"octets that do not print", "\x03\x00 \xff\x00", `\000\032\255`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.in.String(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestLabelsAndParent_climbToTheRoot(t *testing.T) {
	n := MustParse("www.ads.example")
	for _, want := range []string{"www.ads.example", "ads.example", "example", "."} {
		if n.String() != want {
			t.Fatalf("got %s, want %s", n, want)
		}
		if got := n.Parent().Labels(); got != max(n.Labels()-1, 0) {
			t.Errorf("got %d labels above %s", got, n)
		}
		n = n.Parent()
	}
	if n != Root {
		t.Errorf("got %q above the root, want the root", n)
	}
}

func TestIsBelow_aNameIsBelowItsAncestorsOnly(t *testing.T) {
	for _, tt := range []struct {
		name, n, ancestor string
		want              bool
	}{
		{"parent", "www.ads.example", "ads.example", true},
		{"top-level domain", "www.ads.example", "example", true},
		{"root", "example", ".", true},
		{"itself", "ads.example", "ads.example", false},
		{"child", "ads.example", "www.ads.example", false},
		{"same ending inside a label", "badads.example", "ads.example", false},
		{"the root itself", ".", ".", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := MustParse(tt.n).IsBelow(MustParse(tt.ancestor)); got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
		})
	}
}

func TestMatch_everyValueHasItsWord(t *testing.T) {
	for m, want := range map[Match]string{Subtree: "subtree", Below: "below", Exact: "exact", 3: "Match(3)"} {
		if got := m.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
