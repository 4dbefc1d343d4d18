package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// A Condition is the state that something is in, of which people are told when
// it changes.
type Condition struct {
	Subject string // such as "drift of fleet payments"
	State   string // such as "drifted"
	Since   time.Time
}

// A Notice is a message that is to be sent, once if nothing goes wrong
// between sending it and keeping that it was sent, and else once more.
type Notice struct {
	ID        int64
	Channel   string // where to, by the name it has in the configuration: its address may be a secret
	Subject   string // the condition's
	Body      []byte
	At        time.Time
	NotBefore time.Time
	Attempts  int // how often it was taken, this time included
	LastError string
	Sent      time.Time // zero: not yet
}

// Turn keeps the state that a condition is in. Where that is another than it
// was in, changed is true, and the notices that tell makes of the change are
// kept with it to be sent: both, or neither. Tell, which may be nil, is given
// the state it was in; empty: none was known.
func (l *Ledger) Turn(ctx context.Context, c Condition, tell func(was string) []Notice) (was string, changed bool, err error) {
	err = l.change(ctx, func(tx *sql.Tx) (err error) {
		was, _, err = first(ctx, tx, scanText, `SELECT state FROM conditions WHERE subject = ?`, c.Subject)
		if err != nil || was == c.State {
			return err
		}
		changed = true
		if _, err := execute(ctx, tx, `INSERT INTO conditions (subject, state, since) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET state = excluded.state, since = excluded.since`, c.Subject, c.State, millis(c.Since)); err != nil {
			return err
		}
		if tell == nil {
			return nil
		}
		return keepNotices(ctx, tx, c, tell(was))
	})
	if err != nil {
		return "", false, err
	}
	return was, changed, nil
}

func keepNotices(ctx context.Context, tx *sql.Tx, c Condition, notices []Notice) error {
	for _, n := range notices {
		if _, err := execute(ctx, tx, `INSERT INTO notices (channel, subject, body, at) VALUES (?, ?, ?, ?)`,
			n.Channel, c.Subject, n.Body, millis(c.Since)); err != nil {
			return err
		}
	}
	return nil
}

const noticeColumns = "id, channel, subject, body, at, not_before, attempts, error, sent"

func scanNotice(from row) (n Notice, err error) {
	err = from.Scan(&n.ID, &n.Channel, &n.Subject, &n.Body, stamp{&n.At}, stamp{&n.NotBefore}, &n.Attempts, &n.LastError, stamp{&n.Sent})
	return n, err
}

// TakeNotice gives the oldest notice that is due. A channel gets its notices
// in their order, one at a time: while one is being sent or waits for a retry,
// those after it wait too. Found is false if there is none.
func (l *Ledger) TakeNotice(ctx context.Context, now time.Time) (n Notice, found bool, err error) {
	err = l.change(ctx, func(tx *sql.Tx) (err error) {
		n, found, err = first(ctx, tx, scanNotice, `UPDATE notices SET process = ?, attempts = attempts + 1 WHERE id = (
			SELECT next FROM (SELECT min(id) AS next, process, not_before FROM notices WHERE sent = 0 GROUP BY channel)
			WHERE process = '' AND not_before <= ? ORDER BY next LIMIT 1)
			RETURNING `+noticeColumns, l.process.name, millis(now))
		return err
	})
	if err != nil {
		return Notice{}, false, err
	}
	return n, found, nil
}

// NoticeSent keeps that a notice which was taken was sent, or given up.
func (l *Ledger) NoticeSent(ctx context.Context, n Notice, at time.Time) error {
	return l.endNotice(ctx, n, `UPDATE notices SET process = '', sent = ?, error = ? WHERE id = ? AND process = ?`, at, n.LastError)
}

// NoticeFailed keeps why a notice which was taken could not be sent, and when
// to try again.
func (l *Ledger) NoticeFailed(ctx context.Context, n Notice, retry time.Time, why string) error {
	return l.endNotice(ctx, n, `UPDATE notices SET process = '', not_before = ?, error = ? WHERE id = ? AND process = ?`, retry, why)
}

func (l *Ledger) endNotice(ctx context.Context, n Notice, statement string, at time.Time, why string) error {
	return l.change(ctx, func(tx *sql.Tx) error {
		changed, err := execute(ctx, tx, statement, millis(at), why, n.ID, l.process.name)
		if err == nil && changed == 0 {
			err = fmt.Errorf("notice %d is not being sent here", n.ID)
		}
		return err
	})
}

// Unsent are the notices that were not sent yet, in their order.
func (l *Ledger) Unsent(ctx context.Context) ([]Notice, error) {
	all, err := list(ctx, l.read, scanNotice, `SELECT `+noticeColumns+` FROM notices WHERE sent = 0 ORDER BY id`)
	return all, l.explain(err)
}

// PruneNotices forgets the notices that were sent before a time.
func (l *Ledger) PruneNotices(ctx context.Context, before time.Time) (forgotten int64, err error) {
	err = l.change(ctx, func(tx *sql.Tx) (err error) {
		forgotten, err = execute(ctx, tx, `DELETE FROM notices WHERE sent > 0 AND sent < ?`, millis(before))
		return err
	})
	return forgotten, err
}
