package order

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"bailiff/policy/problem"
)

// write makes the files (path below dir → text) and returns dir, which is the
// working directory from then on: problems name short paths.
func write(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	change(t, files)
}

// change writes files into the folder at hand.
func change(t *testing.T, files map[string]string) {
	t.Helper()
	for path, text := range files {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// minimal is the shortest order.
func minimal(id string) string {
	return "id: " + id + "\nauthority: Court of Example\nblock: [www.example.org]\n"
}

// loaded loads paths and returns the ids and the problems.
func loaded(paths ...string) (ids []string, problems string) {
	var list problem.List
	for _, o := range Load(paths, &list).Orders {
		ids = append(ids, o.ID)
	}
	return ids, printed(&list)
}

func TestLoad_takesTheYAMLFilesBelowAFolder(t *testing.T) {
	write(t, map[string]string{
		"orders.d/b.yaml":              minimal("b"),
		"orders.d/a.yml":               minimal("a"),
		"orders.d/it/rome/c.yaml":      minimal("c"),
		"orders.d/dir.yaml/d.yaml":     minimal("d"),
		"orders.d/.hidden.yaml":        "hidden",
		"orders.d/.git/x.yaml":         "hidden",
		"orders.d/.#b.yaml":            "an editor's lock",
		"orders.d/#b.yaml#":            "an editor's copy",
		"orders.d/b.yaml~":             "an editor's copy",
		"orders.d/b.yaml.bak":          "a copy",
		"orders.d/lists/names.txt":     "www.example.org",
		"orders.d/README":              "no order",
		"elsewhere/any-name.orders":    minimal("e"),
		"elsewhere/not-asked-for.yaml": "no order",
	})
	ids, problems := loaded("orders.d", "elsewhere/any-name.orders")
	if want := []string{"a", "b", "c", "d", "e"}; !slices.Equal(ids, want) || problems != "" {
		t.Errorf("got %v with problems %q, want %v", ids, problems, want)
	}
}

func TestLoad_readsAFileReachedTwiceOnce(t *testing.T) {
	write(t, map[string]string{"orders.d/a.yaml": minimal("a")})
	link(t, "a.yaml", "orders.d/b.yaml")
	link(t, "..", "orders.d/loop")
	link(t, "orders.d", "alias")
	ids, problems := loaded("orders.d", "orders.d/a.yaml", "./orders.d/../orders.d", "alias")
	if want := []string{"a"}; !slices.Equal(ids, want) || problems != "" {
		t.Errorf("got %v with problems %q, want %v", ids, problems, want)
	}
}

func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

func TestLoad_pathsThatHoldNoFileAreReported(t *testing.T) {
	write(t, map[string]string{"empty/README": "", "dangling/README": "", "fifo/README": "", "loops/README": ""})
	link(t, "nowhere.yaml", "dangling/a.yaml")
	link(t, "self.yaml", "loops/self.yaml")
	if err := syscall.Mkfifo("fifo/a.yaml", 0o644); err != nil {
		t.Skip(err)
	}
	tests := []struct{ path, want string }{
		{"missing.yaml", "missing.yaml: cannot be read (no such file or directory); check the path, or remove what names it\n"},
		{"empty", "empty: note: no order file below\n"},
		{"dangling", "dangling/a.yaml: cannot be read (no such file or directory); check the path, or remove what names it\n"},
		{"fifo", "fifo/a.yaml: is not a regular file; copy its content to a file\n"},
		{"loops", "loops/self.yaml: cannot be read (EvalSymlinks: too many links); check the file and its disk\n"},
	}
	for _, tt := range tests {
		if _, got := loaded(tt.path); got != tt.want {
			t.Errorf("%s: got\n%swant\n%s", tt.path, got, tt.want)
		}
	}
}

func TestLoad_tooManyFoldersInEachOtherAreRefused(t *testing.T) {
	write(t, map[string]string{"orders.d/" + strings.Repeat("d/", maxFolderDepth) + "a.yaml": minimal("a")})
	_, got := loaded("orders.d")
	if want := "lies deeper than 32 folders; move it up\n"; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLoad_aFileOverTheSizeLimitIsRefused(t *testing.T) {
	write(t, map[string]string{"big.yaml": minimal("big") + strings.Repeat("#", maxFileOctets)})
	_, got := loaded("big.yaml")
	if want := "big.yaml: is larger than 16777216 octets; move its names to a list file and point a rule at that\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLoad_anIDThatStandsInTwoFilesIsRefusedAtBoth(t *testing.T) {
	write(t, map[string]string{"a.yaml": minimal("same"), "b.yaml": "# later\n" + minimal("same")})
	_, got := loaded("a.yaml", "b.yaml")
	const remedy = "give each order its own id; of two versions of one order keep the later\n"
	want := "a.yaml:1: id: same: stands at b.yaml:2 too; " + remedy + "b.yaml:2: id: same: stands at a.yaml:1 too; " + remedy
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestLoad_aBrokenOrderLeavesTheOthersInTheSet(t *testing.T) {
	write(t, map[string]string{"a.yaml": minimal("a") + "---\n" + minimal("B") + "---\n" + minimal("c"), "d.yaml": "{", "e.yaml": minimal("e")})
	ids, problems := loaded(".")
	if want := []string{"a", "c", "e"}; !slices.Equal(ids, want) {
		t.Errorf("got %v, want %v", ids, want)
	}
	if got := strings.Count(problems, "\n"); got != 2 {
		t.Errorf("got %d problems, want 2:\n%s", got, problems)
	}
}

func TestLoad_aListBehindALinkOutOfTheFolderIsRefused(t *testing.T) {
	rule := func(id, path string) string {
		return fmt.Sprintf("id: %s\nauthority: Court of Example\nrules: [{list: %s, format: domains}]\n", id, path)
	}
	write(t, map[string]string{
		"orders.d/a.yaml":       rule("a", "out.txt"),
		"orders.d/b.yaml":       rule("b", "outdir/names.txt"),
		"orders.d/c.yaml":       rule("c", "in.txt"),
		"orders.d/..data/x.txt": "www.example.org\n",
		"outside/names.txt":     "www.example.org\n",
	})
	link(t, "../outside/names.txt", "orders.d/out.txt")
	link(t, "../outside", "orders.d/outdir")
	link(t, "..data/x.txt", "orders.d/in.txt")
	ids, got := loaded("orders.d")
	const refused = ": leads out of the order file's folder; put the list into the folder or below it, and write its path from there\n"
	want := "orders.d/a.yaml:3: rule 1 list: out.txt" + refused + "orders.d/b.yaml:3: rule 1 list: outdir/names.txt" + refused
	if got != want || !slices.Equal(ids, []string{"c"}) {
		t.Errorf("got %v with problems\n%swant [c] with\n%s", ids, got, want)
	}
}

func TestLoad_aNameThatStandsTwiceInBlockIsNoted(t *testing.T) {
	write(t, map[string]string{"a.yaml": "id: a\nauthority: Court of Example\nblock:\n- example.org\n- Example.ORG.\n"})
	ids, got := loaded("a.yaml")
	if want := "a.yaml:5: note: block 2: Example.ORG.: stands twice (first on line 4); remove one of them\n"; got != want || len(ids) != 1 {
		t.Errorf("got %v with %q, want %q", ids, got, want)
	}
}

func TestLoad_noticeAddressesWithoutTheActionAreNoted(t *testing.T) {
	write(t, map[string]string{"a.yaml": minimal("a") + "answer: {notice: {ipv4: [192.0.2.80]}}\n"})
	ids, got := loaded("a.yaml")
	if want := "a.yaml:4: note: answer notice: is not used with action nxdomain; write action: notice to answer with it\n"; got != want || len(ids) != 1 {
		t.Errorf("got %v with %q, want %q", ids, got, want)
	}
}

func TestLoad_saysWhichFilesItRead(t *testing.T) {
	write(t, map[string]string{"b.yaml": minimal("b"), "a.yaml": minimal("a")})
	var problems problem.List
	got := Load([]string{"b.yaml", "a.yaml"}, &problems).Files
	sum := func(id string) string {
		hash := sha256.Sum256([]byte(minimal(id)))
		return hex.EncodeToString(hash[:])
	}
	if want := []File{{"b.yaml", sum("b")}, {"a.yaml", sum("a")}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestLoad_tooManyRulesOrNoticesAreRefused(t *testing.T) {
	write(t, map[string]string{
		"rules.yaml":   "id: rules\nauthority: a\nblock: [a.example]\nrules:\n" + strings.Repeat("- {name: a.example}\n", maxRules+1),
		"notices.yaml": minimal("notices") + "notices:\n" + strings.Repeat("- {id: a}\n", maxNotices+1),
	})
	_, got := loaded("rules.yaml", "notices.yaml")
	const want = "notices.yaml:5: notices: holds more than 10000 notices; split the order\n" +
		"rules.yaml:5: rules: holds more than 100000 rules; move the names to a list file and point a rule at that\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// FuzzLoadDocument: whatever stands in an order file, loading it ends soon,
// and an order without a refusal keeps the bounds.
func FuzzLoadDocument(f *testing.F) {
	for _, ending := range []string{".good.yaml", ".bad.yaml"} {
		for _, path := range fixtures(f, ending) {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		var problems problem.List
		l := newLoader(nil, &problems)
		start := time.Now()
		l.documents(File{Path: "testdata/order.yaml"}, data)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("took %s", took)
		}
		for _, o := range l.set.Orders {
			if !identifierPattern.MatchString(o.ID) || o.Authority.Name == "" || len(o.Rules) == 0 || o.Answer.Action == ActionPass {
				t.Errorf("accepted %+v", o)
			}
		}
		for _, p := range problems.Sorted() {
			if bytes.ContainsAny([]byte(p.Error()), "\n\x00") {
				t.Errorf("problem is not one line: %q", p.Error())
			}
		}
	})
}
