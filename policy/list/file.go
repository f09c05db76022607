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
// problems. A file that changes meanwhile is refused. It returns the SHA-256 of
// the file in hexadecimal too.
func ReadFile(path, shown string, options Options, problems *problem.List) (groups []Group, digest string) {
	whole := problem.Problem{File: shown}
	f, err := infile.Open(path, MaxOctets)
	if err != nil {
		problems.Add(whole.Because(err))
		return nil, ""
	}
	defer f.Close()
	sum := sha256.New()
	in := io.TeeReader(io.LimitReader(f, MaxOctets+1), sum) // it may grow for ever
	groups = Read(in, shown, options, problems)
	if _, err := io.Copy(io.Discard, in); err != nil { // what Read had no use for
		problems.Add(whole.Because(infile.Unreadable(err)))
		return groups, ""
	}
	if err := f.Unchanged(); err != nil {
		problems.Add(whole.Because(err))
		return groups, ""
	}
	digest = hex.EncodeToString(sum.Sum(nil))
	if want := options.SHA256; want != "" && !strings.EqualFold(digest, want) {
		whole.Value = digest
		problems.Add(whole.Because(problem.Fault{
			Text:   fmt.Sprintf("is its SHA-256, not the %s of the order", problem.Quote(want)),
			Remedy: "fetch the list again or correct sha256",
		}))
	}
	return groups, digest
}
