package ledger

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// A process is an open ledger as others see it, so that they can tell what it
// has in hand from what it left behind when it died.
//
// It is a file with a random name, which the operating system keeps locked for
// as long as the process lives. Process ids would not do: each container
// counts its own from 1. Nor would the time of a last sign of life: a job
// would wait for that to grow old, and a machine that slept would seem dead.
type process struct {
	name string
	file *os.File
}

// processes is the folder of those files.
const processes = "processes"

// enlist makes this process known.
func enlist(dir string) (*process, error) {
	if err := os.MkdirAll(filepath.Join(dir, processes), 0o700); err != nil {
		return nil, err
	}
	for {
		name := rand.Text()
		file, err := os.OpenFile(processPath(dir, name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, err
		}
		switch err := lock(file, exclusively); {
		case err == nil && there(file):
			return &process{name, file}, nil
		case err != nil && !errors.Is(err, errLocked):
			return nil, errors.Join(err, file.Close(), os.Remove(file.Name()))
		}
		// Another process looked at the file before it was locked, and may
		// have taken it for a dead one's.
		_ = file.Close()
	}
}

// leave ends what enlist began.
func (p *process) leave() error {
	err := os.Remove(p.file.Name())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // with the whole folder
	}
	return errors.Join(err, p.file.Close())
}

// there tells whether an open file is still where it was made.
func there(file *os.File) bool {
	mine, err := file.Stat()
	if err != nil {
		return false
	}
	now, err := os.Stat(file.Name())
	return err == nil && os.SameFile(mine, now)
}

// alive tells whether a process lives. One of which that cannot be told does.
func alive(dir, name string) bool {
	file, err := os.Open(processPath(dir, name))
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	defer file.Close()
	return lock(file, shared) != nil
}

// bury removes the files of dead processes.
func bury(dir string) error {
	files, err := os.ReadDir(filepath.Join(dir, processes))
	if err != nil {
		return err
	}
	for _, file := range files {
		if alive(dir, file.Name()) {
			continue
		}
		if err := os.Remove(processPath(dir, file.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func processPath(dir, name string) string { return filepath.Join(dir, processes, name) }
