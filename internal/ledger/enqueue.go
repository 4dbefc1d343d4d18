package ledger

import (
	"context"
	"database/sql"
	"time"
)

// Queued is what became of jobs that were to be queued.
type Queued struct {
	// Jobs are those that wait now, in the order they were given. One that
	// waited already for the same commit is that one.
	Jobs []Job
	// Superseded are those that waited for older commits and will not be done.
	Superseded []Job
}

// Enqueue has jobs wait to be taken: all of them, or none.
//
// Of one kind, fleet and key one job waits. A job with another commit
// supersedes one that waits; for the same commit it is the same job, due at
// the earlier time. A job that runs is left alone, and the new one waits behind
// it.
func (l *Ledger) Enqueue(ctx context.Context, jobs ...Job) (q Queued, err error) {
	err = l.change(ctx, func(tx *sql.Tx) error { return q.add(ctx, tx, jobs) })
	if err != nil {
		return Queued{}, err
	}
	return q, nil
}

func (q *Queued) add(ctx context.Context, tx *sql.Tx, jobs []Job) error {
	for _, j := range jobs {
		old, found, err := waiting(ctx, tx, j)
		if err != nil {
			return err
		}
		if found && old.Commit == j.Commit {
			j, err = renew(ctx, tx, old, j)
		} else {
			if found {
				q.Superseded = append(q.Superseded, old)
			}
			j, err = replace(ctx, tx, old, j)
		}
		if err != nil {
			return err
		}
		q.Jobs = append(q.Jobs, j)
	}
	return nil
}

// renew has a waiting job be asked for once more.
func renew(ctx context.Context, tx *sql.Tx, old, again Job) (Job, error) {
	j, _, err := first(ctx, tx, scanJob, `UPDATE jobs SET not_before = min(not_before, ?) WHERE id = ? RETURNING `+jobColumns,
		millis(again.NotBefore), old.ID)
	return j, err
}

// replace has a job wait, and an old one (with ID 0: none) no more.
func replace(ctx context.Context, tx *sql.Tx, old, j Job) (Job, error) {
	if _, err := execute(ctx, tx, `DELETE FROM jobs WHERE id = ?`, old.ID); err != nil {
		return Job{}, err
	}
	j, _, err := first(ctx, tx, scanJob, `INSERT INTO jobs (kind, fleet, key, lane, hash, enqueued, not_before)
		VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING `+jobColumns,
		j.Kind, j.Fleet, j.Key, j.lane(), j.Commit, millis(j.Enqueued), millis(j.NotBefore))
	return j, err
}

// A Delivery is one message of a webhook, as its sender tells it from others.
type Delivery struct {
	Forge string // who sent it
	ID    string // by the sender's own header
	At    time.Time
}

// Accept enqueues the jobs that a delivery asks for, once: where the delivery
// was accepted before, fresh is false and nothing is done. A crash leaves both
// the delivery and its jobs behind, or neither, so a sender that got no answer
// may send it again.
func (l *Ledger) Accept(ctx context.Context, d Delivery, jobs ...Job) (q Queued, fresh bool, err error) {
	err = l.change(ctx, func(tx *sql.Tx) error {
		n, err := execute(ctx, tx, `INSERT INTO deliveries (forge, id, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, d.Forge, d.ID, millis(d.At))
		if err != nil || n == 0 {
			return err
		}
		fresh = true
		return q.add(ctx, tx, jobs)
	})
	if err != nil {
		return Queued{}, false, err
	}
	return q, fresh, nil
}

// PruneDeliveries forgets the deliveries accepted before a time. Sent again,
// they would be taken for new ones.
func (l *Ledger) PruneDeliveries(ctx context.Context, before time.Time) (forgotten int64, err error) {
	err = l.change(ctx, func(tx *sql.Tx) (err error) {
		forgotten, err = execute(ctx, tx, `DELETE FROM deliveries WHERE at < ?`, millis(before))
		return err
	})
	return forgotten, err
}
