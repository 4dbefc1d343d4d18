//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package gitsource

import (
	"errors"
	"fmt"
	"os"
)

// tryLock is not to be had here; a file that merely exists would outlive its
// holder.
func tryLock(*os.File) (bool, error) {
	return false, fmt.Errorf("%w: keep mirrors of repositories on a system with flock", errors.ErrUnsupported)
}
