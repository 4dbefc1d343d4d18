package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// A RunKind is what a run was for.
type RunKind string

// The kinds of runs.
const (
	ApplyRun   RunKind = "apply"   // rolls out a commit
	ShardRun   RunKind = "shard"   // rolls out a commit to one shard of the fleet
	HealRun    RunKind = "heal"    // corrects what drifted from the commit applied last
	PreviewRun RunKind = "preview" // plans a pull request, and writes nothing
	DriftRun   RunKind = "drift"   // looks for drift, and writes nothing
)

// Whole tells whether runs of the kind look at the whole fleet as AWS has it.
func (k RunKind) Whole() bool { return k != PreviewRun && k != ShardRun }

// An Outcome is what came of a run.
type Outcome string

// The outcomes of runs.
const (
	Running     Outcome = "running"
	Done        Outcome = "done"        // all that was to be done was
	Nothing     Outcome = "nothing"     // there was nothing to do
	Failed      Outcome = "failed"      // something could not be done
	Refused     Outcome = "refused"     // a guard kept it from beginning
	Interrupted Outcome = "interrupted" // it was stopped, or its process died
)

// Well tells whether the run leaves the fleet as its commit wants it.
func (o Outcome) Well() bool { return o == Done || o == Nothing }

// A Run is one run of linkfleet.
type Run struct {
	ID      int64 // grows with each run
	Fleet   string
	Kind    RunKind
	Commit  string // in hex; empty: unknown
	Subject string // the first line of the commit's message
	Ref     string // the branch or tag it was of
	Pull    int    // the pull request's number; 0: none
	Began   time.Time
	Ended   time.Time // zero while it runs, and until Recover for one whose process died
	Outcome Outcome
	Digest  string // the plan's
	Counts  Counts
	Error   string          // the first sentence of what went wrong
	Report  json.RawMessage // every step; only [Ledger.Run] reads it
}

// Counts are how many resources a run did what to.
type Counts struct {
	Created  int `json:"created"`
	Changed  int `json:"changed"`
	Replaced int `json:"replaced"`
	Deleted  int `json:"deleted"`
	Blocked  int `json:"blocked"`
	Waiting  int `json:"waiting"`
}

const runColumns = "id, fleet, kind, hash, subject, ref, pull, began, ended, outcome, digest, created, changed, replaced, deleted, blocked, waiting, error, process"

// fields are where runColumns go.
func (r *Run) fields(process *string) []any {
	c := &r.Counts
	return []any{&r.ID, &r.Fleet, &r.Kind, &r.Commit, &r.Subject, &r.Ref, &r.Pull, stamp{&r.Began}, stamp{&r.Ended}, &r.Outcome, &r.Digest,
		&c.Created, &c.Changed, &c.Replaced, &c.Deleted, &c.Blocked, &c.Waiting, &r.Error, process}
}

// scanRun reads a run. One that runs still as far as the database knows, but
// whose process is dead, was interrupted.
func (l *Ledger) scanRun(from row, more ...any) (r Run, err error) {
	var process string
	if err := from.Scan(append(r.fields(&process), more...)...); err != nil {
		return Run{}, err
	}
	if r.Outcome == Running && !alive(l.dir, process) {
		r.Outcome = Interrupted
	}
	return r, nil
}

// BeginRun keeps that a run has begun, with what is known of it by then: all
// but how it ends. It gives the run's ID.
func (l *Ledger) BeginRun(ctx context.Context, r Run) (id int64, err error) {
	err = l.change(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `INSERT INTO runs (fleet, kind, hash, subject, ref, pull, began, outcome, process)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			r.Fleet, r.Kind, r.Commit, r.Subject, r.Ref, r.Pull, millis(r.Began), Running, l.process.name).Scan(&id)
	})
	return id, err
}

// EndRun keeps how the run with r's ID ended: when, its outcome, digest,
// counts, error and report. The run must have been begun with this ledger.
func (l *Ledger) EndRun(ctx context.Context, r Run) error {
	if r.Outcome == "" || r.Outcome == Running {
		return fmt.Errorf("run %d cannot end %q", r.ID, r.Outcome)
	}
	return l.change(ctx, func(tx *sql.Tx) error {
		c := r.Counts
		n, err := execute(ctx, tx, `UPDATE runs SET ended = ?, outcome = ?, digest = ?, created = ?, changed = ?, replaced = ?, deleted = ?,
			blocked = ?, waiting = ?, error = ?, report = ? WHERE id = ? AND outcome = ? AND process = ?`,
			millis(r.Ended), r.Outcome, r.Digest, c.Created, c.Changed, c.Replaced, c.Deleted,
			c.Blocked, c.Waiting, r.Error, []byte(r.Report), r.ID, Running, l.process.name)
		if err == nil && n == 0 {
			err = fmt.Errorf("run %d is not running here, so it cannot end", r.ID)
		}
		return err
	})
}

// A RunFilter says which runs are wanted. The zero filter wants all.
type RunFilter struct {
	Fleet  string
	Kind   RunKind
	Whole  bool  // only kinds that are [RunKind.Whole]
	Before int64 // only runs with lower IDs: the next page; 0: from the newest on
	Limit  int   // at most so many; 0: all
}

// Runs are the runs that a filter lets through, newest first, without reports.
func (l *Ledger) Runs(ctx context.Context, f RunFilter) ([]Run, error) {
	limit := f.Limit
	if limit == 0 {
		limit = -1 // as SQLite says "all"
	}
	runs, err := list(ctx, l.read, func(r row) (Run, error) { return l.scanRun(r) }, `SELECT `+runColumns+` FROM runs
		WHERE ?1 IN ('', fleet) AND ?2 IN ('', kind) AND (?3 = 0 OR id < ?3) AND (NOT ?5 OR kind NOT IN ('preview', 'shard'))
		ORDER BY id DESC LIMIT ?4`,
		f.Fleet, f.Kind, f.Before, limit, f.Whole)
	return runs, l.explain(err)
}

// Run is one run with its report.
func (l *Ledger) Run(ctx context.Context, id int64) (r Run, found bool, err error) {
	r, found, err = first(ctx, l.read, func(from row) (Run, error) {
		var report []byte
		r, err := l.scanRun(from, &report)
		r.Report = report
		return r, err
	}, `SELECT `+runColumns+`, report FROM runs WHERE id = ?`, id)
	return r, found, l.explain(err)
}

// LastApplied is the apply of a fleet that ended well last: its commit is what
// the fleet was told to be.
func (l *Ledger) LastApplied(ctx context.Context, fleet string) (r Run, found bool, err error) {
	return l.lastWell(ctx, fleet, `kind = 'apply'`)
}

// effective is that a run which rolls something out may have changed something:
// it was not kept from that, or did a part of it. One that failed may have if
// it came as far as a plan. One that was refused has a plan also where another
// held the lease, so there only what it counts tells.
const effective = `kind IN ('apply', 'shard') AND hash <> ''
	AND (outcome NOT IN ('refused', 'failed') OR outcome = 'failed' AND digest <> '' OR created + changed + replaced + deleted > 0)`

// Unfinished is the newest run that has begun to roll another commit out than
// LastApplied tells, after that, and may have changed something. To heal what
// drifted from the commit applied last would undo it.
func (l *Ledger) Unfinished(ctx context.Context, fleet string) (r Run, found bool, err error) {
	last, _, err := l.LastApplied(ctx, fleet)
	if err != nil {
		return Run{}, false, err
	}
	r, found, err = l.RolledOther(ctx, fleet, last.Commit)
	if err != nil || !found || r.ID < last.ID {
		return Run{}, false, err
	}
	return r, true, nil
}

// RolledOther is the newest run that has begun to roll another commit than the
// given one out to a fleet, or to a shard of it, and may have changed something,
// whatever came of it.
func (l *Ledger) RolledOther(ctx context.Context, fleet, than string) (r Run, found bool, err error) {
	r, found, err = first(ctx, l.read, func(r row) (Run, error) { return l.scanRun(r) }, `SELECT `+runColumns+` FROM runs
		WHERE fleet = ? AND hash <> ? AND `+effective+` ORDER BY id DESC LIMIT 1`, fleet, than)
	return r, found, l.explain(err)
}

// RolledOut tells whether it was begun to roll a commit out to a fleet, whatever
// came of that. A run that changed nothing is no beginning.
func (l *Ledger) RolledOut(ctx context.Context, fleet, commit string) (begun bool, err error) {
	_, begun, err = first(ctx, l.read, scanText, `SELECT hash FROM runs WHERE fleet = ? AND hash = ? AND `+effective+` LIMIT 1`, fleet, commit)
	return begun, l.explain(err)
}

// LastSuccess is the run of a fleet that ended well last, previews and shards
// aside.
func (l *Ledger) LastSuccess(ctx context.Context, fleet string) (r Run, found bool, err error) {
	return l.lastWell(ctx, fleet, `kind NOT IN ('preview', 'shard')`)
}

func (l *Ledger) lastWell(ctx context.Context, fleet, which string) (Run, bool, error) {
	r, found, err := first(ctx, l.read, func(r row) (Run, error) { return l.scanRun(r) }, `SELECT `+runColumns+` FROM runs
		WHERE fleet = ? AND outcome IN ('done', 'nothing') AND `+which+` ORDER BY id DESC LIMIT 1`, fleet)
	return r, found, l.explain(err)
}

// PruneRuns forgets the runs that ended before a time, but keeps the newest of
// each fleet, as many as keep says. What LastApplied and LastSuccess tell stays.
// It gives the number of runs forgotten.
func (l *Ledger) PruneRuns(ctx context.Context, keep int, before time.Time) (forgotten int64, err error) {
	err = l.change(ctx, func(tx *sql.Tx) (err error) {
		forgotten, err = execute(ctx, tx, `DELETE FROM runs WHERE id IN (
			SELECT id FROM (SELECT id, outcome, ended,
				row_number() OVER (PARTITION BY fleet ORDER BY id DESC) AS nth,
				max(id) FILTER (WHERE outcome IN ('done', 'nothing') AND kind = 'apply') OVER (PARTITION BY fleet) AS applied,
				max(id) FILTER (WHERE outcome IN ('done', 'nothing') AND kind NOT IN ('preview', 'shard')) OVER (PARTITION BY fleet) AS success
				FROM runs)
			WHERE outcome <> 'running' AND ended < ? AND nth > ? AND id IS NOT applied AND id IS NOT success)`,
			millis(before), keep)
		return err
	})
	return forgotten, err
}
