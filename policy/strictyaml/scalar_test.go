package strictyaml

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// hue is an enum.
type hue int

func (h hue) String() string { return []string{"red", "green"}[h] }

func TestReaders_takeWhatWasWritten(t *testing.T) {
	here := time.Local
	defer func() { time.Local = here }()
	time.Local = time.FixedZone("CET", 3600) // a time is read alike on every machine
	tests := []struct {
		name, in, want string
		read           func(Value) any
	}{
		{"text that YAML takes for a boolean", "NO", "NO", as(String)},
		{"text that YAML takes for a number", "1e3", "1e3", as(String)},
		{"folded text", ">\n a\n b\n", "a b", as(String)},
		{"text of lines", "|\n a\n b\n", "a\nb", as(Text)},
		{"false", "false", "false", as(Bool)},
		{"quoted number", `"7"`, "7", as(Int(0, 9))},
		{"negative number", "-7", "-7", as(Int(-9, 9))},
		{"large number", "9007199254740991", "9007199254740991", as(Int[uint64](0, 1<<53-1))},
		{"seconds", "60s", "1m0s", as(Duration(0, time.Hour))},
		{"days", "90d", "2160h0m0s", as(Duration(0, 10000*time.Hour))},
		{"days and hours", "1d12h", "36h0m0s", as(Duration(0, 10000*time.Hour))},
		{"size", "256MiB", "268435456", as(Size(0, 1<<40))},
		{"octets", "512", "512", as(Size(0, 1<<40))},
		{"time with offset", "2021-02-16T09:12:00+01:00", "2021-02-16 09:12:00 +0100 +0100", as(Time)},
		{"time in UTC", "2021-02-16T09:12:00Z", "2021-02-16 09:12:00 +0000 UTC", as(Time)},
		{"date", "2021-02-15", "2021-02-15", as(Date)},
		{"IPv4 address", "192.0.2.1", "192.0.2.1", as(IPv4)},
		{"IPv6 address", "2001:db8::1", "2001:db8::1", as(IPv6)},
		{"prefix", "198.51.100.0/24", "198.51.100.0/24", as(Prefix)},
		{"address as prefix", "2001:db8::1", "2001:db8::1/128", as(Prefix)},
		{"word", "b", "b", as(Word("a", "b"))},
		{"enum", "green", "green", as(Enum(hue(0), hue(1)))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, problems := read(tt.in, tt.read)
			if got != tt.want || problems != "" {
				t.Errorf("got %q with problems %q, want %q", got, problems, tt.want)
			}
		})
	}
}

func TestReaders_refuseWithTheRemedy(t *testing.T) {
	tests := []struct {
		name, in, want string
		read           func(Value) any
	}{
		{"text with a control character", `"a\0b"`, `"a\x00b": holds a control character; remove it`, as(String)},
		{"long text", strings.Repeat("a", maxText+1), strings.Repeat("a", 80) + "…: is longer than 4096 octets; shorten it", as(String)},
		{"blank text", `"  "`, `"  ": is blank; give it a value or remove it`, as(String)},
		{"text of lines", "|\n a\n b\n", `"a\nb\n": runs over several lines; write it on one line, or with >- before it`, as(String)},
		{"boolean of YAML 1.1", "yes", "yes: unknown word; known here: true, false", as(Bool)},
		{"number with a fraction", "1.5", "1.5: is no whole number in range; write one from 0 to 9", as(Int(0, 9))},
		{"number in octal", "07", "07: is no whole number in range; write one from 0 to 9", as(Int(0, 9))},
		{"number out of range", "10", "10: is no whole number in range; write one from 0 to 9", as(Int(0, 9))},
		{"negative number for an unsigned one", "-1", "-1: is no whole number in range; write one from 0 to 9", as(Int[uint64](0, 9))},
		{"duration without unit", "60", "60: is no duration; write a number and its unit, such as 90s, 24h or 30d", as(Duration(0, time.Hour))},
		{"negative rest", "1d-1h", "1d-1h: is no duration; write a number and its unit, such as 90s, 24h or 30d", as(Duration(0, time.Hour))},
		{"endless days", "99999999999d", "99999999999d: is no duration; write a number and its unit, such as 90s, 24h or 30d", as(Duration(0, time.Hour))},
		{"duration out of range", "2h", "2h: is out of range; write a duration from 0s to 1h0m0s", as(Duration(0, time.Hour))},
		{"decimal size", "256MB", "256MB: is no size; write a number and KiB, MiB or GiB, such as 256MiB", as(Size(0, 1<<40))},
		{"size out of range", "2KiB", "2KiB: is out of range; write a size from 0 to 1024 octets", as(Size(0, 1024))},
		{"time without zone", "2021-02-16T09:12:00", `"2021-02-16T09:12:00": has no zone; write 2021-02-16T09:12:00+01:00 or 2021-02-16T09:12:00Z`, as(Time)},
		{"date for a time", "2021-02-16", "2021-02-16: has no zone; write 2021-02-16T00:00:00+01:00 or 2021-02-16T00:00:00Z", as(Time)},
		{"time with a blank", "2021-02-16 09:12:00Z", `"2021-02-16 09:12:00Z": is no time; write it as 2021-02-16T09:12:00+01:00 or 2021-02-16T08:12:00Z`, as(Time)},
		{"year zero", "0001-01-01T00:00:00Z", `"0001-01-01T00:00:00Z": is out of range; write a year from 1900 to 2199`, as(Time)},
		{"day that does not exist", "2021-02-30", "2021-02-30: is no date; write it as 2021-02-15", as(Date)},
		{"time for a date", "2021-02-16T09:12:00Z", `"2021-02-16T09:12:00Z": is no date; write it as 2021-02-15`, as(Date)},
		{"IPv6 for IPv4", "2001:db8::1", `"2001:db8::1": is no IPv4 address; write one such as 192.0.2.1`, as(IPv4)},
		{"IPv4 for IPv6", "::ffff:192.0.2.1", `"::ffff:192.0.2.1": is no IPv6 address; write one such as 2001:db8::1`, as(IPv6)},
		{"zone", "fe80::1%eth0", `"fe80::1%eth0": is no IPv6 address; write one such as 2001:db8::1`, as(IPv6)},
		{"no prefix", "192.0.2.0/33", "192.0.2.0/33: is no network; write one such as 192.0.2.0/24 or 2001:db8::/32", as(Prefix)},
		{"host bits", "192.0.2.1/24", "192.0.2.1/24: has bits set beyond the prefix length; write 192.0.2.0/24", as(Prefix)},
		{"mapped prefix", "::ffff:192.0.2.0/120", `"::ffff:192.0.2.0/120": is an IPv4 network in IPv6 form; write it in IPv4 form`, as(Prefix)},
		{"unknown word", "c", "c: unknown word; did you mean a? known here: a, b", as(Word("a", "b"))},
		{"unknown value", "gren", "gren: unknown word; did you mean green? known here: red, green", as(Enum(hue(0), hue(1)))},
		{"pattern", "ab1", "ab1: is not of the right form; write letters", as(Pattern(regexp.MustCompile("[a-z]+"), "write letters"))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, got := read(tt.in, tt.read); got != "f.yaml:1: "+tt.want {
				t.Errorf("got  %s\nwant f.yaml:1: %s", got, tt.want)
			}
		})
	}
}

// as hides what a reader returns.
func as[T any](read func(Value) T) func(Value) any {
	return func(v Value) any { return read(v) }
}
