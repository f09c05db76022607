package internet

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/miekg/dns"
)

// signer signs a zone's file in place and returns the RDATA of its DS records.
type signer func(w *workshop, z *zone) (ds []string)

// withBIND signs with dnssec-signzone, and one key for everything.
func withBIND(algorithm string, options ...string) signer {
	return func(w *workshop, z *zone) []string {
		w.newKey(z, algorithm)
		args := append([]string{"-q", "-P", "-S", "-z", "-o", z.name, "-f", "zone"}, options...)
		run(w.t, filepath.Dir(w.files[z.name]), "dnssec-signzone", append(args, "zone")...)
		return w.digests(z)
	}
}

// withLDNS signs with ldns-signzone, and one key for everything.
func withLDNS(algorithm string, options ...string) signer {
	return func(w *workshop, z *zone) []string {
		key := w.newKey(z, algorithm)
		args := append([]string{"-o", z.name, "-f", "zone"}, options...)
		run(w.t, filepath.Dir(w.files[z.name]), "ldns-signzone", append(args, "zone", key)...)
		return w.digests(z)
	}
}

// newKey makes a key in the zone's folder and returns its base name.
func (w *workshop) newKey(z *zone, algorithm string) string {
	w.t.Helper()
	args := []string{"-q", "-a", algorithm, "-f", "KSK"}
	if strings.HasPrefix(algorithm, "RSA") {
		args = append(args, "-b", "2048")
	}
	return strings.TrimSpace(run(w.t, filepath.Dir(w.files[z.name]), "dnssec-keygen", append(args, z.name)...))
}

// withKnot signs with kzonesign: a key that signs the DNSKEY RRset, and one
// that signs all else. The options are those of a policy.
func withKnot(algorithm string, options ...string) signer {
	return func(w *workshop, z *zone) []string {
		folder := filepath.Dir(w.files[z.name])
		overwrite(w.t, filepath.Join(folder, "knot.conf"), fmt.Sprintf(`database:
    storage: %[1]s
policy:
  - id: own
    algorithm: %[2]s
    %[3]s
zone:
  - domain: %[4]s
    storage: %[1]s
    file: zone
    journal-content: none
    dnssec-signing: on
    dnssec-policy: own
`, folder, strings.ToLower(algorithm), strings.Join(options, "\n    "), z.name))
		run(w.t, folder, "kzonesign", "-r", "-c", "knot.conf", "-o", folder, z.name)
		return w.digests(z)
	}
}

// digests are the DS records of the zone's secure entry points.
func (w *workshop) digests(z *zone) (ds []string) {
	w.t.Helper()
	for _, rr := range w.read(z.name) {
		if key, ok := rr.(*dns.DNSKEY); ok && key.Flags&dns.SEP != 0 {
			d := key.ToDS(dns.SHA256)
			ds = append(ds, fmt.Sprintf("%d %d %d %s", d.KeyTag, d.Algorithm, d.DigestType, d.Digest))
		}
	}
	return ds
}

// withPowerDNS leaves the signing to the server, and has it make the key. The
// options are those of pdnsutil set-nsec3.
func withPowerDNS(options ...string) signer {
	return func(w *workshop, z *zone) (ds []string) {
		folder := subfolder(w.t, w.folder, "pdns")
		if len(w.online) == 0 {
			run(w.t, folder, "pdnsutil", "create-bind-db", filepath.Join(folder, "dnssec.db"))
		}
		w.online = append(w.online, served{z.name, w.files[z.name]})
		pdns.configure(w.t, folder, authoritySite{Dir: folder, Zones: w.online})
		run(w.t, folder, "pdnsutil", "--config-dir="+folder, "secure-zone", z.name)
		if len(options) > 0 {
			run(w.t, folder, "pdnsutil", append([]string{"--config-dir=" + folder, "set-nsec3", z.name}, options...)...)
		}
		said := run(w.t, folder, "pdnsutil", "--config-dir="+folder, "export-zone-ds", z.name)
		for line := range strings.Lines(said) {
			if _, rdata, ok := strings.Cut(strings.Split(line, ";")[0], " IN DS "); ok && strings.Fields(rdata)[2] == "2" {
				ds = append(ds, strings.TrimSpace(rdata))
			}
		}
		return ds
	}
}
