package ledger

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"time"
)

// The schema in steps: schema/1.sql makes it, and each file after it changes
// what the one before has left. A step that was released stays as it is.
//
//go:embed schema/*.sql
var schema embed.FS

// applicationID marks a database as ours, in the place that SQLite has for
// that: "lnkf".
const applicationID = 0x6c6e6b66

// errForeign is that a database is not one of ours.
var errForeign = errors.New("it is another program's database; give another state folder, or move it away")

// steps are the steps of the schema in order.
func steps() ([]string, error) {
	files, err := schema.ReadDir("schema")
	if err != nil {
		return nil, err
	}
	all := make([]string, len(files))
	for i := range files {
		text, err := schema.ReadFile(fmt.Sprintf("schema/%d.sql", i+1))
		if err != nil {
			return nil, err
		}
		all[i] = string(text)
	}
	return all, nil
}

// prepare makes a database ours and as new as the program. Before it knows
// that the database is ours or empty it changes nothing in it.
func prepare(ctx context.Context, db *sql.DB) error {
	all, err := steps()
	if err != nil {
		return err
	}
	have, err := version(ctx, db, len(all))
	if err != nil {
		return err
	}
	if err := useLog(ctx, db); err != nil {
		return err
	}
	if have == len(all) {
		return nil
	}
	return migrate(ctx, db, all)
}

// useLog has the database keep a write-ahead log, with which readers and a
// writer do not wait for one another.
//
// To turn a new database to that, SQLite begins to read and then wants to
// write, and does not wait for another process that is about the same, as it
// does elsewhere. So we do.
func useLog(ctx context.Context, db *sql.DB) error {
	const pause = 10 * time.Millisecond
	for range patience / pause {
		switch mode, _, err := first(ctx, db, scanText, "PRAGMA journal_mode = WAL"); {
		case err == nil && mode != "wal":
			return errors.New("its file system cannot share memory, as SQLite's log needs; put the state folder on a local disk")
		case !busy(err):
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
	return errors.New("other processes keep it from being begun; end them, and run again")
}

// migrate takes the steps that a database lacks: all of them, or none.
func migrate(ctx context.Context, db *sql.DB, all []string) error {
	return transact(ctx, db, func(tx *sql.Tx) error {
		have, err := version(ctx, tx, len(all))
		if err != nil {
			return err
		}
		for i, step := range all[have:] {
			if _, err := tx.ExecContext(ctx, step); err != nil {
				return fmt.Errorf("bringing it from version %d to %d: %w", have+i, have+i+1, err)
			}
		}
		_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d; PRAGMA application_id = %d", len(all), applicationID))
		return err
	})
}

// current wants a database that has taken all of the steps that are known, and
// no more.
func current(ctx context.Context, db *sql.DB, known int) error {
	have, err := version(ctx, db, known)
	switch {
	case err != nil:
		return err
	case have == 0:
		return ErrNone
	case have < known:
		return fmt.Errorf("it is of an older linkfleet (version %d, and this program reads %d); linkfleet reconcile and linkfleet serve bring it up to date", have, known)
	}
	return nil
}

// version is how many steps a database has taken; an empty one, none. A
// database that is not ours, or has taken more steps than are known, is an
// error.
func version(ctx context.Context, from source, known int) (int, error) {
	type header struct{ application, version, tables int }
	h, _, err := first(ctx, from, func(r row) (h header, err error) {
		err = r.Scan(&h.application, &h.version, &h.tables)
		return h, err
	}, "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema) FROM pragma_application_id, pragma_user_version")
	switch {
	case err != nil:
		return 0, err
	case h == header{}:
		return 0, nil
	case h.application != applicationID:
		return 0, errForeign
	case h.version > known:
		return 0, fmt.Errorf("it is of a newer linkfleet (version %d, and this program knows %d); use that one", h.version, known)
	}
	return h.version, nil
}
