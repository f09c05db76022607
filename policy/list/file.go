package list

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"bailiff/policy/infile"
	"bailiff/policy/problem"
)

// ReadFile is Read for the regular file at path; shown is its name in
// problems. Unless sha256hex is empty it must be the file's SHA-256, in
// whatever case. A file that changes meanwhile is refused.
func ReadFile(path, shown string, format Format, sha256hex string, problems *problem.List) Names {
	whole := problem.Problem{File: shown}
	f, err := infile.Open(path, maxBytes)
	if err != nil {
		problems.Add(whole.Because(err))
		return Names{}
	}
	defer f.Close()
	sum := sha256.New()
	in := io.TeeReader(io.LimitReader(f, maxBytes+1), sum) // it may grow for ever
	names := Read(in, shown, format, problems)
	if _, err := io.Copy(io.Discard, in); err != nil { // what Read had no use for
		problems.Add(whole.Because(infile.Unreadable(err)))
		return names
	}
	if err := f.Unchanged(); err != nil {
		problems.Add(whole.Because(err))
		return names
	}
	got := hex.EncodeToString(sum.Sum(nil))
	if sha256hex != "" && !strings.EqualFold(got, sha256hex) {
		whole.Value = got
		problems.Add(whole.Because(problem.Fault{
			Text:   fmt.Sprintf("is its SHA-256, not the %s of the order", problem.Quote(sha256hex)),
			Remedy: "fetch the list again or correct sha256",
		}))
	}
	return names
}
