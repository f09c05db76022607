package resolver

import (
	"bailiff/policy"
	"bailiff/resolver/dns64"
	"bailiff/resolver/local"
)

// addLayers puts over the backend what cfg asks for.
func (r *Resolver) addLayers(cfg Config) {
	r.zones, r.nat64 = cfg.Zones, cfg.NAT64
	if r.zones == nil {
		r.zones = local.New(nil, nil)
	} else {
		r.backend = local.NewLayer(r.zones, r.backend)
	}
	if r.nat64.IsValid() {
		r.dns64 = dns64.New(r.nat64, r.backend)
		r.backend = r.dns64
	}
}

// layered reports whether the answer is more than what an upstream says.
func (r *Resolver) layered(q *Query) bool {
	zone, _, _ := r.zones.Find(&q.name)
	return zone != nil || r.makes(q)
}

// makes reports whether addresses may be made for a question, or the way back
// from one.
func (r *Resolver) makes(q *Query) bool {
	return r.dns64 != nil && r.dns64.Concerns(q.asks())
}

// local answers for the zones served here: the operator's, and those that every
// resolver serves unless the operator names a closer one. It is not ok for any
// other name, nor if the answer is to be found in several places.
func (r *Resolver) local(q *Query, law *policy.Snapshot) (reply []byte, ok bool) {
	apex, everywhere := q.localZone()
	zone, at, named := r.zones.Find(&q.name)
	switch {
	case named && (everywhere == 0 || at <= apex):
		return r.serve(q, law, zone)
	case everywhere != 0 && !r.makes(q):
		return r.observe(q, SourceLocal, q.everywhere(apex, everywhere, r.info)), true
	}
	return nil, false
}

// serve answers from a zone of the operator's; nil is one that others serve. An
// alias that leads out of the zones is resolved as other names are, and so is a
// name for which an address is made; who wants no recursion gets what is here.
func (r *Resolver) serve(q *Query, law *policy.Snapshot, zone *local.Zone) (reply []byte, ok bool) {
	if zone == nil {
		return nil, false
	}
	message, whole, err := r.zones.Message(q.asks())
	if err != nil {
		return r.observe(q, SourceError, q.fail(describe(err))), true
	}
	t := newTruth(q, message, nil, q.now.Sub(r.epoch))
	if q.rd && (!whole || t.negative && r.makes(q)) {
		return nil, false
	}
	return r.tell(q, law, &outcome{truth: t, source: SourceLocal}), true
}
