// Package deploy carries what is installed beside the program. It holds no
// code but the embedding of the example orders.
package deploy

import "embed"

// Examples holds the folder examples: the orders that are in force when the
// program is tried without a config file.
//
//go:embed examples
var Examples embed.FS
