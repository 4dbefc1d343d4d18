package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"time"
)

// A Drift is that a resource was found other than the commit applied last
// wants it.
type Drift struct {
	ID      int64
	Fleet   string
	Address string
	Fields  []string  // what was found different at it last; empty: it was missing, or was not to be
	Found   time.Time // first
	Healed  time.Time // zero: it has drifted still
	Run     int64     // that found it; 0: it is kept no more
}

// Drifted is what a glance has changed.
type Drifted struct {
	Found  []Drift // had not drifted before
	Healed []Drift // have drifted no more
}

const driftColumns = "id, fleet, address, fields, found, healed, coalesce(run, 0)"

func scanDrift(from row) (d Drift, err error) {
	var fields []byte
	if err := from.Scan(&d.ID, &d.Fleet, &d.Address, &fields, stamp{&d.Found}, stamp{&d.Healed}, &d.Run); err != nil {
		return Drift{}, err
	}
	err = json.Unmarshal(fields, &d.Fields)
	return d, err
}

// ObserveDrift keeps what has drifted in a fleet by what was seen of it. Of
// each drift seen, Address and Fields count.
func (l *Ledger) ObserveDrift(ctx context.Context, g Glance, seen []Drift) (changed Drifted, err error) {
	err = l.change(ctx, func(tx *sql.Tx) error {
		open, err := openDrifts(ctx, tx, g.Fleet)
		if err != nil {
			return err
		}
		for _, d := range seen {
			was, known := open[d.Address]
			was.still = true
			switch {
			case known && slices.Equal(was.Fields, d.Fields):
			case known:
				err = setFields(ctx, tx, was.ID, d.Fields)
			default:
				was.Drift, err = insertDrift(ctx, tx, g, d)
				changed.Found = append(changed.Found, was.Drift)
			}
			if err != nil {
				return err
			}
			open[d.Address] = was
		}
		changed.Healed, err = heal(ctx, tx, g, open)
		return err
	})
	if err != nil {
		return Drifted{}, err
	}
	return changed, nil
}

// An openDrift is one that is not healed, and whether it is seen still.
type openDrift struct {
	Drift
	still bool
}

func openDrifts(ctx context.Context, tx *sql.Tx, fleet string) (map[string]openDrift, error) {
	drifts, err := list(ctx, tx, scanDrift, `SELECT `+driftColumns+` FROM drifts WHERE fleet = ? AND healed = 0`, fleet)
	open := map[string]openDrift{}
	for _, d := range drifts {
		open[d.Address] = openDrift{Drift: d}
	}
	return open, err
}

func insertDrift(ctx context.Context, tx *sql.Tx, g Glance, d Drift) (Drift, error) {
	fields, err := json.Marshal(d.Fields)
	if err != nil {
		return Drift{}, err
	}
	kept, _, err := first(ctx, tx, scanDrift, `INSERT INTO drifts (fleet, address, fields, found, run)
		VALUES (?, ?, ?, ?, nullif(?, 0)) RETURNING `+driftColumns, g.Fleet, d.Address, string(fields), millis(g.At), g.Run)
	return kept, err
}

func setFields(ctx context.Context, tx *sql.Tx, id int64, fields []string) error {
	text, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	_, err = execute(ctx, tx, `UPDATE drifts SET fields = ? WHERE id = ?`, string(text), id)
	return err
}

// heal keeps that drifts which are seen no more were healed.
func heal(ctx context.Context, tx *sql.Tx, g Glance, open map[string]openDrift) ([]Drift, error) {
	var healed []Drift
	for address, d := range open {
		if d.still || !g.gone(address) {
			continue
		}
		now, _, err := first(ctx, tx, scanDrift, `UPDATE drifts SET healed = ? WHERE id = ? RETURNING `+driftColumns, millis(g.At), d.ID)
		if err != nil {
			return nil, err
		}
		healed = append(healed, now)
	}
	slices.SortFunc(healed, func(a, b Drift) int { return int(a.ID - b.ID) })
	return healed, nil
}

// Drifts are what has drifted in a fleet and is not healed, in the order it
// was found.
func (l *Ledger) Drifts(ctx context.Context, fleet string) ([]Drift, error) {
	drifts, err := list(ctx, l.read, scanDrift, `SELECT `+driftColumns+` FROM drifts WHERE ? IN ('', fleet) AND healed = 0 ORDER BY id`, fleet)
	return drifts, l.explain(err)
}

// DriftHistory is what has ever drifted in a fleet, healed or not, newest
// first, and at most as many as limit says.
func (l *Ledger) DriftHistory(ctx context.Context, fleet string, limit int) ([]Drift, error) {
	drifts, err := list(ctx, l.read, scanDrift, `SELECT `+driftColumns+` FROM drifts WHERE ? IN ('', fleet) ORDER BY id DESC LIMIT ?`, fleet, limit)
	return drifts, l.explain(err)
}

// A DriftCount is how much drift there was in a fleet at the end of a run.
type DriftCount struct {
	Drifted int `json:"drifted"` // resources that had drifted still
	Healed  int `json:"healed"`  // those that had when it began, or turned out to, and did no more
}

// DriftOf counts the drift that a run saw. Looked is false of one that looked
// for none, or has not come that far.
func (l *Ledger) DriftOf(ctx context.Context, r Run) (c DriftCount, looked bool, err error) {
	if r.Digest == "" || r.Kind != HealRun && r.Kind != DriftRun {
		return DriftCount{}, false, nil
	}
	c, looked, err = first(ctx, l.read, func(from row) (c DriftCount, err error) {
		err = from.Scan(&c.Drifted, &c.Healed)
		return c, err
	}, `SELECT count(*) FILTER (WHERE healed = 0 OR healed > ?3), count(*) FILTER (WHERE healed BETWEEN ?2 AND ?3)
		FROM drifts WHERE fleet = ?1 AND found <= ?3`, r.Fleet, millis(r.Began), millis(r.Ended))
	return c, looked, l.explain(err)
}

// PruneDrifts forgets what was healed before a time.
func (l *Ledger) PruneDrifts(ctx context.Context, before time.Time) (forgotten int64, err error) {
	err = l.change(ctx, func(tx *sql.Tx) (err error) {
		forgotten, err = execute(ctx, tx, `DELETE FROM drifts WHERE healed > 0 AND healed < ?`, millis(before))
		return err
	})
	return forgotten, err
}
