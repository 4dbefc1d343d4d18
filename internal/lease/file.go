package lease

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"
)

// A File is a lease among the processes of one machine. The operating system
// locks the file for as long as its holder lives, so that a holder that was
// killed leaves nothing behind. The file itself stays: what stands in it only
// tells who holds it.
type File struct {
	Fleet string
	Path  string // in a folder that Acquire makes if need be
}

// lookEvery is how often a holder makes sure that its file is still the one
// that others lock.
const lookEvery = time.Second

// errRemoved is that a lock file is no longer where others look for it.
var errRemoved = errors.New("its file was removed or replaced")

// Acquire locks the file.
func (f *File) Acquire(ctx context.Context, h Holder) (*Held, error) {
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of the lease of fleet %s: %w", f.Fleet, err)
	}
	for ctx.Err() == nil {
		file, err := f.open(ctx)
		if err != nil {
			return nil, err
		}
		if !same(file, f.Path) { // removed between opening and locking
			_ = file.Close()
			continue
		}
		h.Since = time.Now()
		if err := tell(file, h); err != nil {
			_ = file.Close()
			return nil, fmt.Errorf("writing who holds the lease of fleet %s: %w", f.Fleet, err)
		}
		return keep(f.keeper(file), func(context.Context) error { return release(file) }), nil
	}
	return nil, ctx.Err()
}

// open opens the file and locks it.
func (f *File) open(ctx context.Context) (*os.File, error) {
	file, err := os.OpenFile(f.Path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lease of fleet %s: %w", f.Fleet, err)
	}
	switch err := lock(file); {
	case errors.Is(err, errLocked):
		defer file.Close()
		return nil, &HeldError{Fleet: f.Fleet, Holder: whoever(ctx, file), Way: "wait until it is done, or end it: its lock on " + f.Path + " ends with it"}
	case err != nil:
		_ = file.Close()
		return nil, fmt.Errorf("locking %s, the lease of fleet %s: %w", f.Path, f.Fleet, err)
	}
	return file, nil
}

// keeper watches that the file stays where it is. A lock on a file that
// somebody removed keeps nobody out.
func (f *File) keeper(file *os.File) func(context.Context, *Held) {
	return func(ctx context.Context, h *Held) {
		for until(ctx, lookEvery) {
			if !same(file, f.Path) {
				h.end(&LostError{Fleet: f.Fleet, Err: fmt.Errorf("%s: %w", f.Path, errRemoved)})
				return
			}
		}
	}
}

// release says in the file that nobody holds it, and unlocks it.
func release(file *os.File) error {
	return errors.Join(file.Truncate(0), file.Close())
}

// same tells whether path is the file that is open.
func same(file *os.File, path string) bool {
	there, err := os.Stat(path)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist) // a folder that cannot be read for a moment is no loss
	}
	mine, err := file.Stat()
	return err == nil && os.SameFile(there, mine)
}

// tell writes the holder. Who reads meanwhile finds a whole one: the old one,
// or the new one with a rest of the old behind it.
func tell(file *os.File, h Holder) error {
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if _, err := file.WriteAt(text, 0); err != nil {
		return err
	}
	return file.Truncate(int64(len(text)))
}

// whoever is the holder. One that has only just locked the file tells in it a
// moment later.
func whoever(ctx context.Context, file *os.File) Holder {
	h := told(file)
	for tries := 100; tries > 0 && h == (Holder{}) && until(ctx, 10*time.Millisecond); tries-- {
		h = told(file)
	}
	return h
}

// told reads the holder; one that has not told yet is empty.
func told(file *os.File) Holder {
	var h Holder
	if err := json.NewDecoder(io.NewSectionReader(file, 0, math.MaxInt64)).Decode(&h); err != nil {
		return Holder{}
	}
	return h
}
