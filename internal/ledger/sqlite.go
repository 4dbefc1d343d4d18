package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// patience is how long a statement waits for another process's to end. None
// takes longer than the disk does.
const patience = 10 * time.Second

// A purpose is what connections are for.
type purpose struct {
	options string
	most    int // connections at once
}

// Every connection gives up waiting in the end, checks references, and takes
// nothing in double quotes for a string. Writers claim the lock as they begin,
// since a reader that turns writer cannot wait for it, and have every commit
// on the disk before it returns.
const common = "mode=rw&_error_rc=1&_dqs=0&_defensive=1&_foreign_keys=1&_synchronous=FULL"

var (
	forWriting = purpose{common + "&_txlock=immediate", 1}
	forReading = purpose{common + "&_query_only=1", 4}
)

// connect gives connections to the database at path, which must exist.
func connect(path string, p purpose) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	uri := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: fmt.Sprintf("%s&_busy_timeout=%d", p.options, patience.Milliseconds())}
	connector, err := sqlite.NewConnector(uri.String())
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(p.most)
	db.SetMaxIdleConns(p.most)
	return db, nil
}

// transact does all of do, or nothing.
func transact(ctx context.Context, db *sql.DB, do func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback() // SQLite may have done so by itself; without a commit nothing stands
		return err
	}
	return tx.Commit()
}

// change does all of do in the ledger, or nothing.
func (l *Ledger) change(ctx context.Context, do func(*sql.Tx) error) error {
	if l.write == nil {
		return l.explain(ErrReadOnly)
	}
	return l.explain(transact(ctx, l.write, do))
}

// A source is what rows are read from: connections, or a transaction.
type source interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// A row is what can be scanned.
type row interface{ Scan(dest ...any) error }

// list reads every row of a query.
func list[T any](ctx context.Context, from source, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	rows, err := from.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// first reads the first row of a query, if there is one.
func first[T any](ctx context.Context, from source, scan func(row) (T, error), query string, args ...any) (one T, found bool, err error) {
	all, err := list(ctx, from, scan, query, args...)
	if err != nil || len(all) == 0 {
		return one, false, err
	}
	return all[0], true, nil
}

// execute carries out a statement, and tells how many rows it changed.
func execute(ctx context.Context, tx *sql.Tx, statement string, args ...any) (int64, error) {
	result, err := tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func scanText(r row) (text string, err error) {
	err = r.Scan(&text)
	return text, err
}

// millis is a time as the database keeps it.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// A stamp scans what millis made.
type stamp struct{ to *time.Time }

// Scan implements [sql.Scanner].
func (s stamp) Scan(value any) error {
	ms, ok := value.(int64)
	if !ok {
		return fmt.Errorf("%v is no time", value)
	}
	*s.to = time.Time{}
	if ms != 0 {
		*s.to = time.UnixMilli(ms).UTC()
	}
	return nil
}

// busy tells whether another process had the lock that was wanted.
func busy(err error) bool {
	failed, ok := errors.AsType[*sqlite.Error](err)
	return ok && failed.Code()&0xff == sqlite3.SQLITE_BUSY
}

// explain says where an error is from and, where that is known, what to do.
func (l *Ledger) explain(err error) error {
	if err == nil {
		return nil
	}
	path := l.path()
	failed, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return fmt.Errorf("the ledger %s: %w", path, err)
	}
	switch failed.Code() & 0xff { // what is above says more of the same
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("the ledger %s is damaged or no database; move it away, and the next run begins a new one: %w", path, err)
	case sqlite3.SQLITE_BUSY:
		return fmt.Errorf("the ledger %s has been locked by another process for %s; end that, and run again: %w", path, patience, err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return fmt.Errorf("the ledger %s cannot be opened by this user, who must be allowed to write it and its folder, even to read it: %w", path, err)
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("the ledger %s has no more room on its disk; make some, and run again: %w", path, err)
	}
	return fmt.Errorf("the ledger %s: %w", path, err)
}
