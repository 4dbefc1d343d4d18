package ledger

import (
	"context"
	"database/sql"
	"time"
)

// A Pause is that nothing is to be written for a fleet, or for one service of
// it, until somebody resumes it.
type Pause struct {
	Fleet   string    `json:"fleet"`
	Service string    `json:"service,omitempty"` // empty: the whole fleet
	Reason  string    `json:"reason"`
	Who     string    `json:"who"`
	Since   time.Time `json:"since"`
}

func scanPause(from row) (p Pause, err error) {
	err = from.Scan(&p.Fleet, &p.Service, &p.Reason, &p.Who, stamp{&p.Since})
	return p, err
}

// Pause pauses a fleet or a service. One that is paused already stays so since
// it was, and gets the new reason and who.
func (l *Ledger) Pause(ctx context.Context, p Pause) error {
	return l.change(ctx, func(tx *sql.Tx) error {
		_, err := execute(ctx, tx, `INSERT INTO pauses (fleet, service, reason, who, since) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET reason = excluded.reason, who = excluded.who`,
			p.Fleet, p.Service, p.Reason, p.Who, millis(p.Since))
		return err
	})
}

// Resume ends the pause of a fleet (no service) or of a service, and gives it;
// found is false where there was none. A service of a paused fleet stays
// paused with it.
func (l *Ledger) Resume(ctx context.Context, fleet, service string) (was Pause, found bool, err error) {
	err = l.change(ctx, func(tx *sql.Tx) (err error) {
		was, found, err = first(ctx, tx, scanPause, `DELETE FROM pauses WHERE fleet = ? AND service = ?
			RETURNING fleet, service, reason, who, since`, fleet, service)
		return err
	})
	if err != nil {
		return Pause{}, false, err
	}
	return was, found, nil
}

// Pauses are what is paused of a fleet: the whole of it first.
func (l *Ledger) Pauses(ctx context.Context, fleet string) ([]Pause, error) {
	all, err := list(ctx, l.read, scanPause, `SELECT fleet, service, reason, who, since FROM pauses
		WHERE ? IN ('', fleet) ORDER BY fleet, service`, fleet)
	return all, l.explain(err)
}
