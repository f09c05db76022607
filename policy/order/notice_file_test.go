package order

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiff/policy/name"
	"bailiff/policy/problem"
)

// dynamic is an order with rules of each kind, received on 1 March 2026.
const dynamic = `
id: dyn
authority: Court of Example
received: 2026-03-01T00:00:00Z
block: [a.example, b.example]
rules:
  - {name: panel.c.example, match: exact}
  - {label: iptv-dyn, match: any-tld}
  - {address: 192.0.2.44}
  - {name: n1.example, notice: n1}
  - {except: free.a.example, reason: not meant}
notices: [{id: n1, at: 2026-04-01T00:00:00Z, kind: addition}]
`

// notice is a file's text: a notice under dyn.
func notice(id, at, kind, rest string) string {
	return fmt.Sprintf("order: dyn\nid: %s\nat: %s\nkind: %s\n%s\n", id, at, kind, rest)
}

// ruleLines are the rules of the one order that a folder holds, a line each.
func ruleLines(folder string) (lines []string, problems string) {
	var list problem.List
	day := func(t time.Time) string {
		if t.IsZero() {
			return "…"
		}
		return t.Format(time.DateOnly)
	}
	for _, o := range Load([]string{folder}, &list).Orders {
		for i := range o.Rules {
			r := &o.Rules[i]
			var held []string
			for e := range r.Names.All() {
				held = append(held, strings.TrimPrefix(e.Match.String()+" "+name.Name(e.Name).String(), "subtree "))
			}
			for _, p := range r.Prefixes {
				held = append(held, p.String())
			}
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s–%s %s %s", day(r.From), day(r.Until), strings.Join(held, ", "), r.Notice)))
		}
	}
	return lines, printed(&list)
}

func TestLoad_anAdditionJoinsItsOrderFromItsTimeOn(t *testing.T) {
	write(t, map[string]string{
		"orders.d/dyn.yaml": dynamic,
		"orders.d/notices/2026/n2.yaml": notice("n2", "2026-05-01T00:00:00Z", "addition",
			"by: counsel\nblock: [d.example]\nrules:\n  - {name: e.example, match: below, until: 2026-06-01T00:00:00Z}\n"+
				"  - {list: names.txt, format: domains, from: 2026-05-02T00:00:00Z}"),
		"orders.d/notices/2026/names.txt": "f.example\n",
	})
	got, problems := ruleLines("orders.d")
	want := []string{
		"…–… a.example, b.example", "…–… exact panel.c.example", "…–… iptv-dyn", "…–… 192.0.2.44/32", "…–… n1.example n1", "…–… free.a.example",
		"2026-05-01–… d.example n2", "2026-05-01–2026-06-01 below e.example n2", "2026-05-02–… f.example n2",
	}
	if !slices.Equal(got, want) || problems != "" {
		t.Errorf("got\n%s\nwith problems %q, want\n%s", strings.Join(got, "\n"), problems, strings.Join(want, "\n"))
	}
}

func TestLoad_aRemovalEndsWhatItNamesAtItsTime(t *testing.T) {
	added := notice("n2", "2026-05-01T00:00:00Z", "addition", "block: [a.example]")
	tests := []struct {
		name, notices string
		want          []string // the rules that changed or came
	}{
		{"a name of a block", notice("r", "2026-06-01T00:00:00Z", "removal", "block: [a.example]"),
			[]string{"…–… b.example", "…–2026-06-01 a.example"}},
		{"each kind of rule",
			notice("r", "2026-06-01T00:00:00Z", "removal", "rules: [{name: panel.c.example, match: exact}, {label: iptv-dyn, match: any-tld}, {address: 192.0.2.44/32}, {except: free.a.example, reason: no more}]"),
			[]string{"…–2026-06-01 exact panel.c.example", "…–2026-06-01 iptv-dyn", "…–2026-06-01 192.0.2.44/32", "…–2026-06-01 free.a.example"}},
		{"two at different times, the later first",
			notice("r2", "2026-07-01T00:00:00Z", "removal", "block: [a.example]") + "---\n" + notice("r1", "2026-06-01T00:00:00Z", "removal", "block: [b.example]"),
			[]string{"…–2026-06-01 b.example", "…–2026-07-01 a.example"}},
		{"what a notice in the order added", notice("r", "2026-06-01T00:00:00Z", "removal", "block: [n1.example]"),
			[]string{"…–2026-06-01 n1.example n1"}},
		{"removed, and added again", notice("r", "2026-04-01T00:00:00Z", "removal", "block: [a.example]") + "---\n" + added,
			[]string{"…–… b.example", "2026-05-01–… a.example n2", "…–2026-04-01 a.example"}},
		{"removed, added and removed again",
			notice("r1", "2026-04-01T00:00:00Z", "removal", "block: [a.example]") + "---\n" + added + "---\n" +
				notice("r2", "2026-06-01T00:00:00Z", "removal", "block: [a.example]"),
			[]string{"…–… b.example", "…–2026-04-01 a.example", "2026-05-01–2026-06-01 a.example n2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			write(t, map[string]string{"dyn.yaml": dynamic, "notices/n.yaml": tt.notices})
			without, _ := ruleLines("dyn.yaml")
			got, problems := ruleLines(".")
			got = slices.DeleteFunc(got, func(line string) bool { return slices.Contains(without, line) })
			if !slices.Equal(got, tt.want) || problems != "" {
				t.Errorf("got\n%s\nwith problems\n%s\nwant\n%s", strings.Join(got, "\n"), problems, strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestLoad_noticesThatDoNotFitAreReported(t *testing.T) {
	const at = "2026-06-01T00:00:00Z"
	tests := []struct{ name, notice, want string }{
		{"unknown order", strings.Replace(notice("n", at, "addition", "block: [x.example]"), "dyn", "din", 1),
			"notices/n.yaml:1: notice: n: is a notice under din, which is not loaded; correct order, or load the file that holds it too\n"},
		{"the id of a notice in the order", notice("n1", at, "addition", "block: [x.example]"),
			"notices/n.yaml:1: notice: n1: is the id of another notice under dyn, in the order or in a file; give each notice of an order its own id\n"},
		{"the id of another file's notice", notice("n", at, "addition", "block: [x.example]") + "---\n" + notice("n", at, "addition", "block: [y.example]"),
			"notices/n.yaml:7: notice: n: is the id of another notice under dyn, in the order or in a file; give each notice of an order its own id\n"},
		{"before the order", notice("n", "2026-02-01T00:00:00Z", "addition", "block: [x.example]"),
			"notices/n.yaml:1: note: notice: n: came at 2026-02-01T00:00:00Z, before the order (2026-03-01T00:00:00Z); check at, and the order's received\n"},
		{"removal of what is no rule", notice("n", at, "removal", "block: [a.example, x.example]\nrules: [{name: b.example, match: exact}, {address: 192.0.2.0/24}]"),
			"notices/n.yaml:5: block: x.example: is no rule of dyn at that time; write it as the order does, match included, or take it out of the notice\n" +
				"notices/n.yaml:6: rule 1: b.example: is no rule of dyn at that time; write it as the order does, match included, or take it out of the notice\n" +
				"notices/n.yaml:6: rule 2: 192.0.2.0/24: is no rule of dyn at that time; write it as the order does, match included, or take it out of the notice\n"},
		{"removal of what was added later", notice("n", "2026-03-15T00:00:00Z", "removal", "block: [n1.example]"),
			"notices/n.yaml:5: block: n1.example: is no rule of dyn at that time; write it as the order does, match included, or take it out of the notice\n"},
		{"removal twice", notice("n", at, "removal", "block: [a.example]") + "---\n" + notice("m", "2026-07-01T00:00:00Z", "removal", "block: [a.example]"),
			"notices/n.yaml:11: block: a.example: is no rule of dyn at that time; write it as the order does, match included, or take it out of the notice\n"},
		{"removal with dates", notice("n", at, "removal", "rules: [{name: a.example, until: 2026-07-01T00:00:00Z}]"),
			"notices/n.yaml:5: rule 1: has dates, but a removal takes effect at the notice's at; remove from and until\n"},
		{"addition that ends before it begins", notice("n", at, "addition", "rules: [{name: x.example, until: 2026-05-01T00:00:00Z}]"),
			"notices/n.yaml:5: rule 1: until 2026-05-01T00:00:00Z is not after the notice's at; give a later until\n"},
		{"nothing", notice("n", at, "addition", "by: counsel"),
			"notices/n.yaml:1: adds and removes nothing; give block or rules\n"},
		{"keys", "order: dyn\nid: N\nkind: change\nblocks: [x.example]\n",
			"notices/n.yaml:1: has no at; add the key at\n" +
				"notices/n.yaml:2: id: N: is not of the right form; write 1 to 63 of a-z, 0-9, dot, underscore and hyphen, a letter or digit first\n" +
				"notices/n.yaml:3: kind: change: unknown word; known here: addition, removal\n" +
				"notices/n.yaml:4: blocks: unknown key; did you mean block? known here: order, id, at, kind, by, document, sha256, block, rules\n"},
		{"empty file", "# later\n", "notices/n.yaml: holds no notice; write one, or remove the file\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			write(t, map[string]string{"dyn.yaml": dynamic, "notices/n.yaml": tt.notice})
			if _, got := loaded("."); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestLoad_aNoticeOfARefusedOrderIsNoSecondProblem(t *testing.T) {
	write(t, map[string]string{"dyn.yaml": dynamic + "mode: nonsense\n", "notices/n.yaml": notice("n", "2026-06-01T00:00:00Z", "removal", "block: [x.example]")})
	if _, got := loaded("."); strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "dyn.yaml:") {
		t.Errorf("got\n%swant the order's problem alone", got)
	}
}

func TestLoad_problemsOfANoticeTellNoHiddenName(t *testing.T) {
	write(t, map[string]string{
		"dyn.yaml":       dynamic + "publicity: hidden\n",
		"notices/a.yaml": notice("n", "2026-06-01T00:00:00Z", "addition", "block: [secret.example/path]"),
		"notices/b.yaml": notice("m", "2026-06-01T00:00:00Z", "removal", "block: [secret.example]"),
		"notices/c.yaml": strings.Replace(notice("o", "2026-06-01T00:00:00Z", "removal", "block: [secret.example/path]"), "dyn", "other", 1),
	})
	_, got := loaded(".")
	if strings.Contains(got, "secret") || strings.Count(got, "\n") != 4 {
		t.Errorf("got\n%swant 4 problems without the name", got)
	}
}

func TestFind_whatStandsInAFolderOfNoticesIsOne(t *testing.T) {
	tests := []struct {
		path, file string
		want       bool
	}{
		{"orders.d", "orders.d/notices/a.yaml", true},
		{"orders.d", "orders.d/it/notices/2026/a.yaml", true},
		{"orders.d", "orders.d/notices.yaml", false},
		{"orders.d", "orders.d/old-notices/a.yaml", false},
		{"orders.d/notices", "orders.d/notices/a.yaml", true},
		{"orders.d/notices/a.yaml", "orders.d/notices/a.yaml", true},
		{"notices/orders.d", "notices/orders.d/a.yaml", false},
		{"notices/orders.d/a.yaml", "notices/orders.d/a.yaml", false},
		{".", "notices/a.yaml", true},
		{"/srv/notices/orders", "/srv/notices/orders/a.yaml", false},
	}
	for _, tt := range tests {
		if got := isNotice(tt.path, tt.file); got != tt.want {
			t.Errorf("%s below %s: got %t, want %t", tt.file, tt.path, got, tt.want)
		}
	}
}

func FuzzLoadNotice(f *testing.F) {
	f.Add([]byte(notice("n", "2026-06-01T00:00:00Z", "removal", "block: [a.example]")))
	f.Add([]byte(notice("n", "2026-06-01T00:00:00Z", "addition", "rules: [{address: 192.0.2.0/24}]")))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		var problems problem.List
		l := newLoader(nil, &problems)
		l.documents(File{Path: "dyn.yaml"}, []byte(dynamic))
		l.noticeDocuments(File{Path: "testdata/n.yaml"}, data)
		l.applyNotices()
		for i := range l.set.Orders[0].Rules {
			if r := &l.set.Orders[0].Rules[i]; r.Len() == 0 {
				t.Errorf("accepted the empty rule %+v", r)
			}
		}
	})
}
