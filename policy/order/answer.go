package order

import (
	"fmt"
	"time"

	"bailiff/policy/strictyaml"
)

// Bounds of an answer.
const (
	maxTTL             = 24 * time.Hour
	maxNoticeAddresses = 16 // of one family: an answer with all of them fits 1232 octets
)

// defaultAnswer is how queries are answered where the order does not say.
func defaultAnswer() Answer { return Answer{Action: ActionNXDOMAIN, TTL: time.Minute} }

func answer(v strictyaml.Value) Answer {
	a := defaultAnswer()
	var notice strictyaml.Value
	v.Mapping(
		strictyaml.Key("action", &a.Action, strictyaml.Enum(ActionNXDOMAIN, ActionNODATA, ActionNotice, ActionRefuse, ActionDrop)),
		strictyaml.Key("ttl", &a.TTL, ttl),
		strictyaml.Key("notice", &notice, strictyaml.Itself),
		strictyaml.Key("text", &a.Text, texts),
	)
	if notice.Given() {
		a.Notice = ReadAddresses(notice)
		if a.Action != ActionNotice && a.Action != ActionPass { // pass: the action was refused
			notice.Note("is not used with action "+a.Action.String(), "write action: notice to answer with it")
		}
	}
	return a
}

func ttl(v strictyaml.Value) time.Duration {
	d := strictyaml.Duration(0, maxTTL)(v)
	if d%time.Second != 0 {
		v.Refuse("is no whole number of seconds", "write "+d.Round(time.Second).String())
	}
	return d
}

// ReadAddresses reads the addresses of a notice page: `notice` of an answer, and
// of the config file.
func ReadAddresses(v strictyaml.Value) (a Addresses) {
	v.Mapping(
		strictyaml.Key("ipv4", &a.IPv4, strictyaml.List(strictyaml.IPv4)),
		strictyaml.Key("ipv6", &a.IPv6, strictyaml.List(strictyaml.IPv6)),
	)
	if max(len(a.IPv4), len(a.IPv6)) > maxNoticeAddresses {
		v.Refuse(fmt.Sprintf("holds more than %d addresses of a family", maxNoticeAddresses), "leave some out")
	}
	return a
}

// ReadLanguage reads a language tag (BCP 47): the keys of an answer's text, and
// the config file's own.
func ReadLanguage(v strictyaml.Value) string {
	return strictyaml.Pattern(languagePattern, "write a language code such as it, en or pt-BR")(v)
}

// texts reads what people see, by language.
func texts(v strictyaml.Value) map[string]string {
	byLanguage := map[string]string{}
	for _, e := range v.Entries() {
		if code := ReadLanguage(e.Key); code != "" {
			byLanguage[code] = strictyaml.Text(e.Value)
		}
	}
	return byLanguage
}
