package ledger

import "time"

// A Glance is when and by which run a fleet was looked at, and how much of it
// was seen.
type Glance struct {
	Fleet string
	At    time.Time
	Run   int64 // 0: none that is kept
	// Unread tells whether nothing is known of an address, for its place could
	// not be read. What was there before is then held to be there still; it is
	// not gone because nobody could look. Nil: all was read.
	Unread func(address string) bool
}

// gone tells whether what is not seen at an address is there no more.
func (g *Glance) gone(address string) bool { return g.Unread == nil || !g.Unread(address) }
