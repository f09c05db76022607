package resolver

import "bailiff/resolver/upstream"

// Usage is how much of its bounds the resolver uses at a moment.
type Usage struct {
	Questions, QuestionsLimit int    // under way upstream
	Waiting, WaitingLimit     int    // queries that wait for upstreams
	Shed                      uint64 // queries for which no place was left, since the start
	Cache, CacheLimit         int64  // octets
}

// Usage is for metrics.
func (r *Resolver) Usage() Usage {
	u := Usage{QuestionsLimit: maxFlights, WaitingLimit: maxWaiting}
	u.Questions, u.Waiting, u.Shed = r.flights.usage()
	u.Cache, u.CacheLimit = r.cache.usage()
	return u
}

// Upstreams tells of each upstream, in the order of Config; a Recursor has none.
func (r *Resolver) Upstreams() []upstream.Health {
	if r.forwarder == nil {
		return nil
	}
	return r.forwarder.Health()
}

func (fs *flights) usage() (running, waiting int, shed uint64) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return len(fs.running), fs.waiting, fs.shed
}

func (c *cache) usage() (octets, limit int64) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		octets += int64(s.size)
		limit += int64(s.limit)
		s.mu.Unlock()
	}
	return octets, limit
}
