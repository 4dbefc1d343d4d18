package ledger

import (
	"context"
	"database/sql"
	"time"
)

// A Wait is what a resource waits for, or is blocked by.
type Wait struct {
	Fleet   string
	Address string
	Blocked bool   // by something amiss, rather than waiting for what will come
	What    string // the same words for as long as it is the same wait
	Since   time.Time
}

func scanWait(from row) (w Wait, err error) {
	err = from.Scan(&w.Fleet, &w.Address, &w.Blocked, &w.What, stamp{&w.Since})
	return w, err
}

// ObserveWaits keeps what a fleet waits for by what was seen of it: since when
// for what is new, and no more what is gone. It gives the fleet's waits as
// they are then.
func (l *Ledger) ObserveWaits(ctx context.Context, g Glance, seen []Wait) (now []Wait, err error) {
	err = l.change(ctx, func(tx *sql.Tx) error {
		gone, err := bareWaits(ctx, tx, g.Fleet)
		if err != nil {
			return err
		}
		for _, w := range seen {
			delete(gone, Wait{Fleet: g.Fleet, Address: w.Address, Blocked: w.Blocked, What: w.What})
			if _, err := execute(ctx, tx, `INSERT INTO waits (fleet, address, blocked, what, since) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
				g.Fleet, w.Address, w.Blocked, w.What, millis(g.At)); err != nil {
				return err
			}
		}
		for w := range gone {
			if !g.gone(w.Address) {
				continue
			}
			if _, err := execute(ctx, tx, `DELETE FROM waits WHERE fleet = ? AND address = ? AND blocked = ? AND what = ?`,
				w.Fleet, w.Address, w.Blocked, w.What); err != nil {
				return err
			}
		}
		now, err = waits(ctx, tx, g.Fleet)
		return err
	})
	if err != nil {
		return nil, err
	}
	return now, nil
}

// bareWaits are the waits of a fleet without since when.
func bareWaits(ctx context.Context, tx *sql.Tx, fleet string) (map[Wait]bool, error) {
	all, err := waits(ctx, tx, fleet)
	bare := map[Wait]bool{}
	for _, w := range all {
		w.Since = time.Time{}
		bare[w] = true
	}
	return bare, err
}

func waits(ctx context.Context, from source, fleet string) ([]Wait, error) {
	return list(ctx, from, scanWait, `SELECT fleet, address, blocked, what, since FROM waits WHERE ? IN ('', fleet)
		ORDER BY since, fleet, address, blocked, what`, fleet)
}

// Waits are what a fleet waits for or is blocked by, the longest first.
func (l *Ledger) Waits(ctx context.Context, fleet string) ([]Wait, error) {
	all, err := waits(ctx, l.read, fleet)
	return all, l.explain(err)
}
