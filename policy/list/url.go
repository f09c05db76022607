package list

import (
	"strings"

	"bailiff/policy/problem"
)

// urlName returns the name of a URL that has no path: text without a scheme is
// taken for a name. Every error is a problem.Fault.
func urlName(text string) (string, error) {
	_, rest, isURL := strings.Cut(text, "://")
	if !isURL {
		return text, nil
	}
	owner, path, _ := strings.Cut(rest, "/")
	if path != "" || strings.ContainsAny(owner, "?#") {
		return "", problem.Fault{
			Text:   "is a URL with a path, which no DNS answer is as narrow as",
			Remedy: "block it by other means; if the order covers the whole name, add it under block",
		}
	}
	return owner, nil
}

// agrees reports whether a URL, with a scheme or without, leads to owner. No
// URL agrees with everything.
func agrees(url, owner string) bool {
	if _, rest, is := strings.Cut(url, "://"); is {
		url = rest
	}
	at, _, _ := strings.Cut(url, "/")
	at, _, _ = strings.Cut(at, ":")
	return url == "" || strings.EqualFold(at, owner)
}
