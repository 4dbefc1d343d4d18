//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package gitsource

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the file for this open file alone, or says that another has
// it. The lock ends with the file, by whatever end of the process. See
// flock(2).
func tryLock(file *os.File) (bool, error) {
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		}
		return err == nil, err
	}
}
