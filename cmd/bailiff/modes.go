package main

import "os"

// Modes of the files that commands write.
const (
	filePublic  os.FileMode = 0o644
	filePrivate os.FileMode = 0o600 // holds names that nobody else may know
)
