//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package lease

import (
	"errors"
	"fmt"
	"os"
)

// errLocked is that another process has locked the file.
var errLocked = errors.New("locked by another process")

// lock is not to be had here; a file that merely exists would outlive its
// holder.
func lock(*os.File) error {
	return fmt.Errorf("%w: keep the lease in DynamoDB (fleet: lease: dynamodb)", errors.ErrUnsupported)
}
