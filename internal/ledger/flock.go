//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package ledger

import (
	"errors"
	"os"
	"syscall"
)

// errLocked is that another open file has the lock.
var errLocked = errors.New("locked by another process")

// The ways to hold a lock: alone, or with others who share it.
const (
	exclusively = syscall.LOCK_EX
	shared      = syscall.LOCK_SH
)

// lock locks an open file, or fails at once. The lock ends when the file is
// closed, by whatever end of the process. See flock(2).
func lock(file *os.File, how int) error {
	for {
		err := syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EWOULDBLOCK):
			return errLocked
		}
		return err
	}
}
