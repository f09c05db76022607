package journal

import (
	"net/netip"
	"time"
)

// Load is what a Start entry and a Reload entry that is ok say about the
// orders in force from then on: with the files that the FilesLoaded entries
// name it is all that an answer depends on.
type Load struct {
	Folder      string       `json:"folder"`                // where relative paths start
	Paths       []string     `json:"paths"`                 // the order files and folders that were named
	NoticeIPv4  []netip.Addr `json:"notice_ipv4,omitempty"` // the server's own notice addresses
	NoticeIPv6  []netip.Addr `json:"notice_ipv6,omitempty"`
	Orders      int          `json:"orders"`       // how many there are
	AllFiles    bool         `json:"all_files"`    // the FilesLoaded entries that follow name every file: no earlier load counts
	FileChanges int          `json:"file_changes"` // how many files they name
}

// Files is the detail of FilesLoaded: how the files of a load differ from those
// of the load before. Several entries may share the changes of a load.
type Files struct {
	Read []File   `json:"read,omitempty"`
	Gone []string `json:"gone,omitempty"` // paths
}

// File is an order, notice or list file as it was read.
type File struct {
	Path   string `json:"path"`   // as problems name it
	SHA256 string `json:"sha256"` // hex, of the whole file
}

// Missing is the detail of Gap: what the journal does not hold, or holds late.
type Missing struct {
	Cause      string    `json:"cause"`
	Lost       uint64    `json:"lost,omitempty"` // entries
	Late       uint64    `json:"late,omitempty"` // entries that were written after the gap, with the time they happened
	TornOctets int64     `json:"torn_octets,omitempty"`
	From       time.Time `json:"from,omitzero"`
	To         time.Time `json:"to,omitzero"`
	File       *File     `json:"file,omitempty"` // that is not in the archive
}

// Signature is the detail of Head. It is made over the text that headText
// gives for the entry before.
type Signature struct {
	PublicKey []byte `json:"public_key"` // ed25519, base64
	Signature []byte `json:"signature"`  // base64
}
