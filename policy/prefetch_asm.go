//go:build amd64 || arm64

package policy

// prefetch calls for a bucket of memory, without waiting for it. It cannot fault.
//
//go:noescape
func prefetch(octet *byte)
