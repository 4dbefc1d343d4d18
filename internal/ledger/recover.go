package ledger

import (
	"context"
	"database/sql"
	"time"
)

// Recovered is what dead processes left behind, and what became of it.
type Recovered struct {
	Runs       []Run // were running; now interrupted
	Jobs       []Job // were running; now wait again, and are due when they were
	Superseded []Job // were running; a newer one for the same waits already
	Notices    int64 // were being sent; now wait again, though they may have been sent
}

// Recover takes up what processes left behind that died before they had ended
// it. Whatever a living process has in hand is left to it. It is to be called
// when a program begins, and now and then by one that stays.
func (l *Ledger) Recover(ctx context.Context, at time.Time) (r Recovered, err error) {
	err = l.change(ctx, func(tx *sql.Tx) error {
		named, err := list(ctx, tx, scanText, `SELECT process FROM runs WHERE outcome = 'running'
			UNION SELECT process FROM jobs WHERE process <> '' UNION SELECT process FROM notices WHERE process <> ''`)
		if err != nil {
			return err
		}
		for _, name := range named {
			if alive(l.dir, name) {
				continue
			}
			if err := r.from(ctx, l, tx, name, at); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Recovered{}, err
	}
	return r, l.explain(bury(l.dir))
}

// from takes up what one dead process left behind.
func (r *Recovered) from(ctx context.Context, l *Ledger, tx *sql.Tx, process string, at time.Time) error {
	runs, err := list(ctx, tx, func(r row) (Run, error) { return l.scanRun(r) }, `UPDATE runs SET outcome = 'interrupted', ended = ?
		WHERE process = ? AND outcome = 'running' RETURNING `+runColumns, millis(at), process)
	if err != nil {
		return err
	}
	r.Runs = append(r.Runs, runs...)
	jobs, err := list(ctx, tx, scanJob, `SELECT `+jobColumns+` FROM jobs WHERE process = ? ORDER BY id`, process)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		switch kept, err := putBack(ctx, tx, j); {
		case err != nil:
			return err
		case kept:
			r.Jobs = append(r.Jobs, j)
		default:
			r.Superseded = append(r.Superseded, j)
		}
	}
	notices, err := execute(ctx, tx, `UPDATE notices SET process = '' WHERE process = ?`, process)
	r.Notices += notices
	return err
}
