package querylog

import (
	"encoding/binary"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"bailiff/policy"
	"bailiff/policy/order"
	"bailiff/resolver"
)

// Field numbers of dnstap.proto. Those of one message stand together.
const (
	tapIdentity = protowire.Number(1)
	tapVersion  = protowire.Number(2)
	tapExtra    = protowire.Number(3)
	tapMessage  = protowire.Number(14)
	tapType     = protowire.Number(15)

	messageType           = protowire.Number(1)
	messageSocketFamily   = protowire.Number(2)
	messageSocketProtocol = protowire.Number(3)
	messageQueryAddress   = protowire.Number(4)
	messageQueryTime      = protowire.Number(8)
	messageQueryNanos     = protowire.Number(9)
	messageQuery          = protowire.Number(10)
	messageResponseTime   = protowire.Number(12)
	messageResponseNanos  = protowire.Number(13)
	messageResponse       = protowire.Number(14)
	messagePolicy         = protowire.Number(15)

	policyType   = protowire.Number(1)
	policyRule   = protowire.Number(2)
	policyAction = protowire.Number(3)
	policyMatch  = protowire.Number(4)
	policyValue  = protowire.Number(5)
)

// Values of its enums.
const (
	typeMessage        = 1
	typeClientQuery    = 5
	typeClientResponse = 6

	familyINET, familyINET6 = 1, 2

	actionNXDOMAIN, actionNODATA, actionPass, actionDrop, actionLocalData = 1, 2, 3, 4, 6

	matchQNAME, matchResponseIP, matchNSName, matchNSIP = 1, 3, 4, 5
)

// policyOfOrders is the type of our policies: what Policy.rule and value look
// like follows from it.
const policyOfOrders = "order"

// tap encodes entries as dnstap frames: the query, and the response if there
// was one. Both tell the policy.
type tap struct {
	veil              *veil
	identity, version string
	policy, message   []byte // room
}

func newTap(identity, version string, v *veil) *tap {
	return &tap{veil: v, identity: identity, version: version}
}

// append appends the entry's frames, each behind its length, to dst.
func (t *tap) append(dst []byte, e *entry) []byte {
	query, reply := e.query, e.reply
	if t.veil.clients != Full {
		query, reply = anonymous(query), anonymous(reply)
	}
	t.policy = t.appendPolicy(t.policy[:0], e)
	t.message = t.appendMessage(t.message[:0], e, typeClientQuery)
	t.message = appendOctets(t.message, messageQuery, query)
	dst = t.appendFrame(dst, e)
	if e.rcode < 0 {
		return dst
	}
	t.message = t.appendMessage(t.message[:0], e, typeClientResponse)
	t.message = appendTime(t.message, messageResponseTime, messageResponseNanos, e.received.Add(e.took))
	t.message = appendOctets(t.message, messageResponse, reply)
	return t.appendFrame(dst, e)
}

// appendMessage appends what the messages of query and response have in common,
// but for the policy.
func (t *tap) appendMessage(dst []byte, e *entry, kind uint64) []byte {
	family := uint64(familyINET)
	if e.client.Is6() {
		family = familyINET6
	}
	dst = appendNumber(dst, messageType, kind)
	dst = appendNumber(dst, messageSocketFamily, family)
	dst = appendNumber(dst, messageSocketProtocol, socketProtocol(e.transport))
	if a := t.veil.address(e.client); a.IsValid() {
		dst = appendOctets(dst, messageQueryAddress, a.AsSlice())
	}
	return appendTime(dst, messageQueryTime, messageQueryNanos, e.received)
}

// appendFrame appends t.message with its policy as a frame.
func (t *tap) appendFrame(dst []byte, e *entry) []byte {
	t.message = appendOctets(t.message, messagePolicy, t.policy)
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = appendOctets(dst, tapIdentity, []byte(t.identity))
	dst = appendOctets(dst, tapVersion, []byte(t.version))
	if t.veil.clients == Digest {
		dst = appendOctets(dst, tapExtra, []byte("client="+t.veil.client(e.client)))
	}
	dst = appendOctets(dst, tapMessage, t.message)
	dst = appendNumber(dst, tapType, typeMessage)
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	return dst
}

// appendPolicy appends the policy of the match that answers, or else of the
// first that only counts; nothing if there is none.
func (t *tap) appendPolicy(dst []byte, e *entry) []byte {
	if len(e.matches) == 0 {
		return dst
	}
	m := &e.matches[0]
	dst = appendOctets(dst, policyType, []byte(policyOfOrders))
	dst = appendOctets(dst, policyRule, []byte(m.Order.ID+" "+m.Order.Rules[m.Rule].Place))
	action := uint64(actionPass)
	if e.ruled {
		action = policyActionOf(m.Order.Answer.Action)
	}
	dst = appendNumber(dst, policyAction, action)
	dst = appendNumber(dst, policyMatch, policyMatchOf(m))
	if e.hidden {
		return appendOctets(dst, policyValue, []byte(t.veil.name(e.name)))
	}
	return appendOctets(dst, policyValue, e.subject)
}

// policyActionOf is 0, none, for refuse: dnstap has no word for it.
func policyActionOf(a order.Action) uint64 {
	switch a {
	case order.ActionNXDOMAIN:
		return actionNXDOMAIN
	case order.ActionNODATA:
		return actionNODATA
	case order.ActionNotice:
		return actionLocalData
	case order.ActionDrop:
		return actionDrop
	}
	return 0
}

func policyMatchOf(m *policy.Match) uint64 {
	switch m.Trigger() {
	case order.TriggerAddress:
		return matchResponseIP
	case order.TriggerNameserver:
		return matchNSName
	case order.TriggerNameserverAddress:
		return matchNSIP
	}
	return matchQNAME
}

// socketProtocol is 0, none, for a transport that dnstap does not know.
func socketProtocol(t resolver.Transport) uint64 {
	switch t.String() {
	case "udp":
		return 1
	case "tcp":
		return 2
	case "dot":
		return 3
	case "doh":
		return 4
	case "doq":
		return 7
	}
	return 0
}

// appendNumber appends an enum or number, unless it is 0: none.
func appendNumber(dst []byte, field protowire.Number, value uint64) []byte {
	if value == 0 {
		return dst
	}
	return protowire.AppendVarint(protowire.AppendTag(dst, field, protowire.VarintType), value)
}

// appendOctets appends octets or an embedded message, unless it is empty.
func appendOctets(dst []byte, field protowire.Number, octets []byte) []byte {
	if len(octets) == 0 {
		return dst
	}
	return protowire.AppendBytes(protowire.AppendTag(dst, field, protowire.BytesType), octets)
}

func appendTime(dst []byte, seconds, nanos protowire.Number, t time.Time) []byte {
	dst = appendNumber(dst, seconds, uint64(t.Unix()))
	return protowire.AppendFixed32(protowire.AppendTag(dst, nanos, protowire.Fixed32Type), uint32(t.Nanosecond()))
}
