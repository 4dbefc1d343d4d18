package gitsource

import (
	"context"
	"fmt"
	"os"
	"time"
)

// lock waits until this process alone may write a mirror. The file stays
// when the lock is gone; only what is locked counts.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock of a repository's mirror: %w", err)
	}
	const longest = 200 * time.Millisecond
	for wait := time.Millisecond; ; wait = min(2*wait, longest) {
		mine, err := tryLock(file)
		if mine {
			return func() { _ = file.Close() }, nil
		}
		if err != nil {
			_ = file.Close()
			return nil, fmt.Errorf("locking a repository's mirror by %s: %w", path, err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			_ = file.Close()
			return nil, fmt.Errorf("waiting for another process to release %s: %w", path, context.Cause(ctx))
		}
	}
}
