package order

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"bailiff/policy/problem"
)

func TestReload_readsAgainOnlyWhatChanged(t *testing.T) {
	files := map[string]string{
		"a.yaml":         minimal("a"),
		"b.yaml":         minimal("b") + "rules: [{list: lists/b.txt, format: domains}]\n",
		"lists/b.txt":    "b1.example\nb2.example\n",
		"d.yaml":         strings.TrimSpace(dynamic) + "\n---\n" + minimal("e"),
		"notices/d.yaml": notice("n2", "2026-05-01T00:00:00Z", "addition", "rules: [{list: d.txt, format: domains}]"),
		"notices/d.txt":  "later.example\n",
	}
	const all = "a b dyn e"
	cases := []struct {
		name, file, text string // what changes; no text: the file goes
		again, kept      string
	}{
		{"nothing", "", "", "", all},
		{"an order", "a.yaml", minimal("a") + "title: other\n", "a", "b dyn e"},
		{"a list", "lists/b.txt", "b1.example\nb3.example\n", "b", "a dyn e"},
		{"a notice", "notices/d.yaml", notice("n3", "2026-05-02T00:00:00Z", "addition", "block: [x.example]"), "dyn e", "a b"},
		{"a notice's list", "notices/d.txt", "other.example\n", "dyn e", "a b"},
		{"a new notice", "notices/new.yaml", notice("n3", "2026-05-02T00:00:00Z", "addition", "block: [x.example]"), "dyn e", "a b"},
		{"no notice any more", "notices/d.yaml", "", "dyn e", "a b"},
		{"a new order", "c.yaml", minimal("c"), "c", all},
		{"an order less", "a.yaml", "", "", "b dyn e"},
		{"an id twice", "z.yaml", minimal("a"), "", all}, // refused: where it stands first is kept, and named
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			write(t, files)
			var problems problem.List
			before := Load([]string{"."}, &problems)
			switch {
			case c.text != "":
				change(t, map[string]string{c.file: c.text})
			case c.file != "":
				if err := os.Remove(c.file); err != nil {
					t.Fatal(err)
				}
			}
			after := Reload(before, []string{"."}, &problems)
			again, kept := idsOf(after.Orders), idsOf(after.Kept)
			if again != c.again || kept != c.kept {
				t.Errorf("got %q again and %q kept, want %q and %q; problems:\n%s", again, kept, c.again, c.kept, printed(&problems))
			}
			if refused := c.name == "an id twice"; problems.Refused() != refused {
				t.Errorf("got problems\n%s", printed(&problems))
			}
			for _, o := range after.Kept {
				if !slices.Contains(before.Orders, o) {
					t.Errorf("%s is kept, but not the order that was loaded", o.ID)
				}
			}
			third := Reload(after, []string{"."}, &problems)
			if want := len(after.Orders) + len(after.Kept); !problems.Refused() && len(third.Kept) != want {
				t.Errorf("a third load keeps %d orders, want %d", len(third.Kept), want)
			}
			if !problems.Refused() && len(third.Files) != len(after.Files) {
				t.Errorf("a third load says it read %v, want %v", third.Files, after.Files)
			}
		})
	}
}

func TestReload_aNoticeUnderAKeptAndAChangedOrderIsAppliedOnce(t *testing.T) {
	second := strings.Replace(notice("m1", "2026-05-01T00:00:00Z", "addition", "block: [y.example]"), "order: dyn", "order: a", 1)
	write(t, map[string]string{
		"a.yaml": minimal("a"), "d.yaml": dynamic,
		"notices/both.yaml": notice("n2", "2026-05-01T00:00:00Z", "addition", "block: [x.example]") + "---\n" + second,
	})
	var problems problem.List
	before := Load([]string{"."}, &problems)
	change(t, map[string]string{"a.yaml": minimal("a") + "title: other\n"})
	after := Reload(before, []string{"."}, &problems)
	if len(after.Orders) != 1 || len(after.Kept) != 1 {
		t.Fatalf("got %q again and %q kept", idsOf(after.Orders), idsOf(after.Kept))
	}
	if n := len(after.Orders[0].Notices); n != 1 || len(after.Kept[0].Notices) != 2 || problems.Refused() {
		t.Errorf("got %d notices in the changed order, %d in the kept one, want 1 and 2; problems:\n%s", n, len(after.Kept[0].Notices), printed(&problems))
	}
}

func TestReload_whatIsKeptCountsAgainstTheBounds(t *testing.T) {
	write(t, map[string]string{"a.yaml": minimal("a") + "rules: [{list: a.txt, format: domains}]\n", "a.txt": "a1.example\n"})
	var problems problem.List
	before := Load([]string{"."}, &problems)
	cases := []struct {
		name          string
		orders, names int // before it
		want          bool
	}{
		{"room", maxOrders - 1, maxNames - 1, true},
		{"an order too many", maxOrders, 0, false},
		{"a name too many", 0, maxNames, false},
	}
	for _, c := range cases {
		l := newLoader(before, &problems)
		l.names = c.names
		for i := range c.orders {
			l.ids[fmt.Sprint(i)] = &seenID{}
		}
		if got := l.keep("a.yaml"); got != c.want {
			t.Errorf("%s: got kept %v, want %v", c.name, got, c.want)
		}
	}
}

// idsOf is the ids of orders, as they come.
func idsOf(orders []*Order) string {
	var ids []string
	for _, o := range orders {
		ids = append(ids, o.ID)
	}
	return strings.Join(ids, " ")
}
