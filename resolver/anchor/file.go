package anchor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/miekg/dns"

	"bailiff/policy/infile"
	"bailiff/policy/outfile"
)

const (
	stateVersion   = 1
	maxStateOctets = 32 << 20 // 32 MiB: a thousand zones, each with all the keys it may have
	stateMode      = 0o644    // public keys
)

// savedState is the state file.
type savedState struct {
	Version int         `json:"version"`
	Zones   []savedZone `json:"zones"`
}

type savedZone struct {
	Zone       string     `json:"zone"`
	Configured []string   `json:"configured"` // the anchors that the state began from
	Keys       []savedKey `json:"keys"`
}

type savedKey struct {
	DNSKEY string    `json:"dnskey"` // in presentation format
	Tag    uint16    `json:"tag"`    // for the reader
	State  State     `json:"state"`
	Since  time.Time `json:"since"`
}

// texts are the anchors configured as they are compared: sorted, without
// TTLs.
func (z *zone) texts() []string {
	texts := make([]string, len(z.configured))
	for i, a := range z.configured {
		rr := dns.Copy(a)
		rr.Header().Ttl = 0
		texts[i] = rr.String()
	}
	slices.Sort(texts)
	return texts
}

// restore takes the state of the file over. A file that is not there yet is
// none; one that is broken is not used at all.
func (k *Keeper) restore() {
	if _, err := os.Stat(k.file); errors.Is(err, fs.ErrNotExist) {
		return
	}
	data, err := infile.Read(k.file, maxStateOctets)
	var kept map[string]restored
	if err == nil {
		kept, err = decode(data)
	}
	if err != nil {
		k.faults.Add(1)
		k.log.Error("the state of the trust anchors is of no use: going on from those configured", "file", k.file, "error", err)
		return
	}
	k.saved = data
	for _, z := range k.zones {
		switch r, ok := kept[z.name]; {
		case !ok:
		case !slices.Equal(r.configured, z.texts()):
			k.log.Warn("other trust anchors are configured than before: the state of the zone begins anew", "zone", z.name)
		default:
			z.keys = r.keys
		}
	}
}

// restored is a zone of the state file.
type restored struct {
	configured []string
	keys       []key
}

// decode reads a state file, by zone.
func decode(data []byte) (map[string]restored, error) {
	var s savedState
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, err
	}
	if s.Version != stateVersion {
		return nil, fmt.Errorf("version %d is not known", s.Version)
	}
	kept := map[string]restored{}
	for _, z := range s.Zones {
		r := restored{configured: z.Configured}
		for _, saved := range z.Keys {
			record, err := readKey(saved.DNSKEY, z.Zone)
			if err != nil {
				return nil, err
			}
			if saved.State == Start {
				return nil, fmt.Errorf("zone %s: a key without a state", z.Zone)
			}
			r.keys = append(r.keys, key{record, saved.State, saved.Since})
		}
		kept[z.Zone] = r
	}
	return kept, nil
}

// readKey reads a DNSKEY record of a zone.
func readKey(text, zone string) (*dns.DNSKEY, error) {
	rr, err := dns.NewRR(text)
	if err != nil {
		return nil, err
	}
	record, ok := rr.(*dns.DNSKEY)
	if !ok || record.Hdr.Name != zone || record.Flags&dns.REVOKE != 0 {
		return nil, fmt.Errorf("%q is no DNSKEY of the zone", text)
	}
	return record, nil
}

// encode writes a state file.
func (k *Keeper) encode() []byte {
	s := savedState{Version: stateVersion}
	for _, z := range k.zones {
		saved := savedZone{Zone: z.name, Configured: z.texts()}
		for _, known := range z.keys {
			saved.Keys = append(saved.Keys, savedKey{known.record.String(), known.record.KeyTag(), known.state, known.since.UTC().Truncate(time.Second)})
		}
		s.Zones = append(s.Zones, saved)
	}
	data, _ := json.MarshalIndent(s, "", "\t") // errs only for a State that is none
	return append(data, '\n')
}

// save writes the state if it is not what the file holds. What cannot be
// written is tried again after the next look.
func (k *Keeper) save() {
	if k.file == "" {
		return
	}
	data := k.encode()
	if bytes.Equal(data, k.saved) {
		return
	}
	err := outfile.Replace(k.file, stateMode, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
	if err != nil {
		k.faults.Add(1)
		k.log.Error("the state of the trust anchors cannot be written", "error", err)
		return
	}
	k.saved = data
}
