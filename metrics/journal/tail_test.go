package journal

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLastHead_isThatOfVerify(t *testing.T) {
	for _, tt := range []struct {
		name    string
		entries int
		limit   int64
	}{
		{"one file", 10, 1 << 20}, {"many files", 200, 2000}, {"no entry but the head", 0, 1 << 20},
	} {
		folder := written(t, tt.entries, tt.limit)
		report, _ := verified(t, folder)
		head, last, err := LastHead(folder)
		if err != nil || head.KeptHead != report.Signed || !head.SignedAt.Equal(report.SignedAt) || last.Seq != report.Entries {
			t.Errorf("%s: got %+v, last %d (%v); want %+v, %d", tt.name, head, last.Seq, err, report.Signed, report.Entries)
		}
	}
}

func TestLastHead_passesOverDamageAndATornLine(t *testing.T) {
	folder := written(t, 3, 1<<20)
	report, _ := verified(t, folder)
	path := filepath.Join(folder, liveFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, "garbage\n{\"seq\":99,\"event\":\"sto"...)
	if err := os.WriteFile(path, text, modePrivate); err != nil {
		t.Fatal(err)
	}
	if head, last, err := LastHead(folder); err != nil || head.KeptHead != report.Signed || last.Seq != report.Entries {
		t.Errorf("got %+v, last %d (%v); want %+v, %d", head, last.Seq, err, report.Signed, report.Entries)
	}
}

func TestLastHead_saysWhenThereIsNone(t *testing.T) {
	if head, last, err := LastHead(t.TempDir()); err != nil || head.Seq != 0 || last.Seq != 0 {
		t.Errorf("no journal: got %+v, %+v (%v), want none", head, last, err)
	}
	if _, _, err := LastHead(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no folder: got no error")
	}
}

func TestBackwards_yieldsTheLinesOfAFileFromItsEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	long := make([]byte, 3*maxLine)
	for i := range long {
		long[i] = 'x'
	}
	for _, tt := range []struct {
		name, in string
		want     []string
	}{
		{"empty", "", nil},
		{"lines", "a\nbb\nccc\n", []string{"ccc", "bb", "a"}},
		{"torn", "a\nb", []string{"b", "a"}},
		{"blank lines", "\n\na\n\n", []string{"a"}},
	} {
		if err := os.WriteFile(path, []byte(tt.in), modePrivate); err != nil {
			t.Fatal(err)
		}
		var got []string
		if err := backwards(path, func(text []byte) bool { got = append(got, string(text)); return true }); err != nil {
			t.Fatal(err)
		}
		if len(got) != len(tt.want) {
			t.Fatalf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		for i := range got {
			if got[i] != tt.want[i] {
				t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
			}
		}
	}
	if err := os.WriteFile(path, append([]byte("first\n"), append(long, "\nlast\n"...)...), modePrivate); err != nil {
		t.Fatal(err)
	}
	var first, last string
	longest := 0
	_ = backwards(path, func(text []byte) bool {
		if last == "" {
			last = string(text)
		}
		first, longest = string(text), max(longest, len(text))
		return true
	})
	if first != "first" || last != "last" || longest > 2*maxLine {
		t.Errorf("got %.10q … %.10q, the longest of %d octets; want first … last, memory bounded", first, last, longest)
	}
}
