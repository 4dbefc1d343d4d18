//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package ledger

import (
	"errors"
	"fmt"
	"os"
)

// errLocked is that another open file has the lock.
var errLocked = errors.New("locked by another process")

// The ways to hold a lock: alone, or with others who share it.
const (
	exclusively = iota
	shared
)

// lock is not to be had here. Without it nobody could tell a job that is being
// done from one that a dead process left behind.
func lock(*os.File, int) error {
	return fmt.Errorf("%w: a state folder needs flock(2), which this operating system does not have", errors.ErrUnsupported)
}
