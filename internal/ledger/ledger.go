// Package ledger keeps the state folder: what neither AWS nor Git can tell
// again. That is which runs there were and what came of them, what drifted and
// what waits since when, the jobs that webhooks and schedules asked for, what
// is paused, and which notifications are due.
//
// It is one SQLite database. What a method has returned without an error
// stands on the disk: a crash, of the program or of the machine, does not undo
// it. Any number of processes of one machine may have the same ledger open;
// the folder must be on a disk of that machine, for SQLite's log and the locks
// of processes work on no network file system.
//
// Times are given by the caller, and kept to the millisecond. They come back
// in UTC, and the zero time is "never". Lists of an empty fleet's name are of
// every fleet.
//
// A method whose context ends changes nothing. What must be kept at the end of
// a program (EndRun, Done) wants [context.WithoutCancel].
package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// fileName is the database in its folder. SQLite puts two more files beside
// it while it is open, named after it: its log (-wal) and the log's index
// (-shm).
const fileName = "linkfleet.db"

// ErrNone is that there is no ledger yet where one was to be read.
var ErrNone = errors.New("nothing was run with this state folder yet; linkfleet reconcile and linkfleet serve begin it")

// ErrReadOnly is that something was to be kept in a ledger opened to be read.
var ErrReadOnly = errors.New("it was opened to be read only")

// A Ledger is an open state folder. It may be used by many goroutines.
type Ledger struct {
	dir     string
	read    *sql.DB
	write   *sql.DB  // one connection, so that our own writers queue in order; nil: read only
	process *process // nil: read only
}

// Open opens the ledger in a folder to write. It makes both where they are
// not there, and brings the ledger of an older program up to date; that of a
// newer one is refused.
//
// What processes that died have left behind stays so until [Ledger.Recover].
func Open(ctx context.Context, dir string) (*Ledger, error) {
	if err := create(dir); err != nil {
		return nil, fmt.Errorf("making the state folder %s: %w", dir, err)
	}
	p, err := enlist(dir)
	if err != nil {
		return nil, fmt.Errorf("writing to the state folder %s: %w", dir, err)
	}
	l := &Ledger{dir: dir, process: p}
	if err := l.openToWrite(ctx); err != nil {
		return nil, errors.Join(l.explain(err), l.Close())
	}
	return l, nil
}

func (l *Ledger) openToWrite(ctx context.Context) (err error) {
	if l.write, err = connect(l.path(), forWriting); err != nil {
		return err
	}
	if err := prepare(ctx, l.write); err != nil {
		return err
	}
	l.read, err = connect(l.path(), forReading)
	return err
}

// OpenReadOnly opens a ledger that others may be writing. It makes neither the
// folder nor the database ([ErrNone]), and does not bring an old one up to
// date. Every method that would change something fails with [ErrReadOnly].
func OpenReadOnly(ctx context.Context, dir string) (*Ledger, error) {
	l := &Ledger{dir: dir}
	if _, err := os.Stat(l.path()); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNone)
	} else if err != nil {
		return nil, fmt.Errorf("opening the state folder: %w", err)
	}
	if err := l.openToRead(ctx); err != nil {
		return nil, errors.Join(l.explain(err), l.Close())
	}
	return l, nil
}

func (l *Ledger) openToRead(ctx context.Context) (err error) {
	if l.read, err = connect(l.path(), forReading); err != nil {
		return err
	}
	all, err := steps()
	if err != nil {
		return err
	}
	return current(ctx, l.read, len(all))
}

// Close ends the use of the ledger. Jobs that were taken from it and not ended
// are for others to [Ledger.Recover].
func (l *Ledger) Close() error {
	var errs []error
	for _, db := range []*sql.DB{l.read, l.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if l.process != nil {
		errs = append(errs, l.process.leave())
	}
	return errors.Join(errs...)
}

func (l *Ledger) path() string { return filepath.Join(l.dir, fileName) }

// create makes the folder and an empty database, for their owner alone.
// SQLite gives the files beside the database the same mode.
func create(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(dir, fileName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}
