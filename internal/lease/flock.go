//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package lease

import (
	"errors"
	"os"
	"syscall"
)

// errLocked is that another process has locked the file.
var errLocked = errors.New("locked by another process")

// lock takes the file for this process alone, or fails at once. The lock is of
// the open file: it ends when that is closed, by whatever end of the process.
// See flock(2).
func lock(file *os.File) error {
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EWOULDBLOCK):
			return errLocked
		}
		return err
	}
}
