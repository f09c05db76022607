package recurse

import (
	"strings"

	"github.com/miekg/dns"
)

// Names here are in presentation format as the library writes it, in lower
// case and fully qualified: == compares them.

// within reports whether name is zone or below it.
func within(name, zone string) bool {
	if zone == "." || name == zone {
		return true
	}
	cut := len(name) - len(zone)
	return cut > 0 && strings.HasSuffix(name, zone) && name[cut-1] == '.' && !escaped(name, cut-1)
}

// below reports whether name is below zone.
func below(name, zone string) bool { return name != zone && within(name, zone) }

// escaped reports whether the octet at an offset stands behind a backslash of
// its own.
func escaped(name string, at int) bool {
	slashes := 0
	for at > 0 && name[at-1] == '\\' {
		slashes, at = slashes+1, at-1
	}
	return slashes%2 == 1
}

// parent is the name less its first label; the root is its own.
func parent(name string) string {
	for i := 0; i+1 < len(name); i++ {
		if name[i] == '.' && !escaped(name, i) {
			return name[i+1:]
		}
	}
	return "."
}

// labels counts the labels, the root's not.
func labels(name string) (n int) {
	for name != "." {
		name, n = parent(name), n+1
	}
	return n
}

// suffix is the name's last n labels.
func suffix(name string, n int) string {
	for skip := labels(name) - n; skip > 0; skip-- {
		name = parent(name)
	}
	return name
}

// canonical is a name of the library in lower case.
func canonical(name string) string { return dns.CanonicalName(name) }
