package strictyaml

import (
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v4"

	"bailiff/policy/problem"
)

// maxText bounds one scalar, in octets.
const maxText = 4096

// Text reads text that may run over several lines. Blanks around it go.
func Text(v Value) string {
	if !v.is(yaml.ScalarNode) {
		return ""
	}
	text := strings.TrimSpace(v.node.Value)
	switch {
	case text == "":
		v.Refuse("is blank", "give it a value or remove it")
	case len(text) > maxText:
		v.Refuse(fmt.Sprintf("is longer than %d octets", maxText), "shorten it")
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }):
		v.Refuse("holds a control character", "remove it")
	default:
		return text
	}
	return ""
}

// String reads text of one line.
func String(v Value) string {
	text := Text(v)
	if strings.Contains(text, "\n") {
		v.Refuse("runs over several lines", "write it on one line, or with >- before it")
		return ""
	}
	return text
}

// Parsed is the reader for text of one line that parse understands. A
// problem.Fault as its error brings the remedy.
func Parsed[T any](parse func(string) (T, error)) func(Value) T {
	return func(v Value) T {
		var none T
		text := String(v)
		if text == "" {
			return none
		}
		parsed, err := parse(text)
		if err != nil {
			v.RefuseBecause(err)
			return none
		}
		return parsed
	}
}

// fault is an error with its remedy.
func fault(text, remedy string) error { return problem.Fault{Text: text, Remedy: remedy} }

// Pattern is the reader for text that matches re as a whole.
func Pattern(re *regexp.Regexp, remedy string) func(Value) string {
	return Parsed(func(text string) (string, error) {
		if re.FindString(text) != text {
			return "", fault("is not of the right form", remedy)
		}
		return text, nil
	})
}

// Word is the reader for one of these words.
func Word(words ...string) func(Value) string {
	return Parsed(func(text string) (string, error) {
		if !slices.Contains(words, text) {
			return "", fault("unknown word", suggest(text, words))
		}
		return text, nil
	})
}

// Enum is the reader for one of these values, by the word its String says.
func Enum[T fmt.Stringer](values ...T) func(Value) T {
	words := make([]string, len(values))
	for i, value := range values {
		words[i] = value.String()
	}
	return func(v Value) T {
		if i := slices.Index(words, Word(words...)(v)); i >= 0 {
			return values[i]
		}
		var none T
		return none
	}
}

// Bool reads true or false, YAML 1.2's two words for it.
func Bool(v Value) bool { return Word("true", "false")(v) == "true" }

// Int is the reader for a whole number from low to high, in plain digits.
func Int[T int | int64 | uint64](low, high T) func(Value) T {
	return Parsed(func(text string) (T, error) {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || strconv.FormatInt(n, 10) != text || T(n) < low || T(n) > high {
			return 0, fault("is no whole number in range", fmt.Sprintf("write one from %d to %d", low, high))
		}
		return T(n), nil
	})
}

// Duration is the reader for a span of time from low to high, such as 90s,
// 1h30m or 30d (days of 24 hours).
func Duration(low, high time.Duration) func(Value) time.Duration {
	return Parsed(func(text string) (time.Duration, error) {
		d, err := parseDuration(text)
		switch {
		case err != nil:
			return 0, fault("is no duration", "write a number and its unit, such as 90s, 24h or 30d")
		case d < low || d > high:
			return 0, fault("is out of range", fmt.Sprintf("write a duration from %s to %s", low, high))
		}
		return d, nil
	})
}

// parseDuration is time.ParseDuration with whole days in front.
func parseDuration(text string) (time.Duration, error) {
	const day = 24 * time.Hour
	days, rest, found := strings.Cut(text, "d")
	if !found {
		return time.ParseDuration(text)
	}
	n, err := strconv.ParseUint(days, 10, 16) // 65,535 days: no overflow
	if err != nil || rest == "" {
		return time.Duration(n) * day, err
	}
	d, err := time.ParseDuration(rest)
	if d < 0 || d >= day {
		err = strconv.ErrRange
	}
	return time.Duration(n)*day + d, err
}

// Size is the reader for a number of octets from low to high, such as 256MiB.
func Size(low, high int64) func(Value) int64 {
	return Parsed(func(text string) (int64, error) {
		digits := strings.TrimRight(text, "KMGiB")
		n, err := strconv.ParseUint(digits, 10, 32)
		shift, known := map[string]int{"": 0, "KiB": 10, "MiB": 20, "GiB": 30}[text[len(digits):]]
		if err != nil || !known || n > math.MaxInt64>>shift {
			return 0, fault("is no size", "write a number and KiB, MiB or GiB, such as 256MiB")
		}
		size := int64(n) << shift
		if size < low || size > high {
			return 0, fault("is out of range", fmt.Sprintf("write a size from %d to %d octets", low, high))
		}
		return size, nil
	})
}

// Time reads an instant, RFC 3339 with its zone.
func Time(v Value) time.Time { return Parsed(parseTime)(v) }

func parseTime(text string) (time.Time, error) {
	t, err := time.ParseInLocation(time.RFC3339, text, time.UTC) // with the offset as written, whatever zone the machine is in
	switch {
	case err == nil && t.Year() >= firstYear && t.Year() <= lastYear:
		return t, nil
	case err == nil:
		return time.Time{}, fault("is out of range", fmt.Sprintf("write a year from %d to %d", firstYear, lastYear))
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"} {
		if local, err := time.Parse(layout, text); err == nil {
			written := local.Format("2006-01-02T15:04:05")
			return time.Time{}, fault("has no zone", fmt.Sprintf("write %s+01:00 or %[1]sZ", written))
		}
	}
	return time.Time{}, fault("is no time", "write it as 2021-02-16T09:12:00+01:00 or 2021-02-16T08:12:00Z")
}

// Years that an order may name: time.Time's zero year means "not given", and
// nanoseconds since 1970 end in 2262.
const (
	firstYear = 1900
	lastYear  = 2199
)

// Date reads a day of the calendar, such as 2021-02-15, and keeps its text.
func Date(v Value) string {
	return Parsed(func(text string) (string, error) {
		if t, err := time.Parse(time.DateOnly, text); err != nil || t.Year() < firstYear || t.Year() > lastYear {
			return "", fault("is no date", "write it as 2021-02-15")
		}
		return text, nil
	})(v)
}

// IPv4 reads an IPv4 address.
func IPv4(v Value) netip.Addr {
	return Parsed(func(text string) (netip.Addr, error) {
		addr, err := netip.ParseAddr(text)
		if err != nil || !addr.Is4() {
			return netip.Addr{}, fault("is no IPv4 address", "write one such as 192.0.2.1")
		}
		return addr, nil
	})(v)
}

// IPv6 reads an IPv6 address without a zone.
func IPv6(v Value) netip.Addr {
	return Parsed(func(text string) (netip.Addr, error) {
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Is4() || addr.Is4In6() || addr.Zone() != "" {
			return netip.Addr{}, fault("is no IPv6 address", "write one such as 2001:db8::1")
		}
		return addr, nil
	})(v)
}

// Prefix reads a network; an address alone is the network of that address.
func Prefix(v Value) netip.Prefix { return Parsed(parsePrefix)(v) }

func parsePrefix(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		text = netip.PrefixFrom(addr, addr.BitLen()).String()
	}
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return netip.Prefix{}, fault("is no network", "write one such as 192.0.2.0/24 or 2001:db8::/32")
	case p.Addr().Is4In6():
		return netip.Prefix{}, fault("is an IPv4 network in IPv6 form", "write it in IPv4 form")
	case p != p.Masked():
		return netip.Prefix{}, fault("has bits set beyond the prefix length", "write "+p.Masked().String())
	}
	return p, nil
}
