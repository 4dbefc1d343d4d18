package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// A JobKind is what has to be done, by what asked for it.
type JobKind string

// The kinds of jobs.
const (
	PushJob    JobKind = "push"    // a ref has a new commit: apply it
	PullJob    JobKind = "pull"    // a pull request was opened or changed: preview it
	DriftJob   JobKind = "drift"   // it is time to look for drift, and heal it
	ArrivalJob JobKind = "arrival" // a partner's connection has come: accept it if it is declared
)

// lane is what a job has to itself while it runs. Whatever may apply has the
// fleet; a preview writes nothing, and has its pull request.
func (j *Job) lane() string {
	if j.Kind == PullJob {
		return "pull " + j.Key
	}
	return ""
}

// A Job is something to be done for a fleet. It is done at least once: a crash
// before it is ended has it done again.
type Job struct {
	ID        int64 // grows with each job
	Kind      JobKind
	Fleet     string
	Key       string // what of the fleet: a ref, a pull request's number, a connection
	Commit    string // in hex; empty: whichever is there when the job runs
	Enqueued  time.Time
	NotBefore time.Time // zero: at once
	Attempts  int       // how often it was taken, this time included
	LastError string    // of the attempt before; one sentence
	Taken     time.Time // zero: it waits
}

const jobColumns = "id, kind, fleet, key, hash, enqueued, not_before, attempts, error, taken"

func scanJob(from row) (j Job, err error) {
	err = from.Scan(&j.ID, &j.Kind, &j.Fleet, &j.Key, &j.Commit, stamp{&j.Enqueued}, stamp{&j.NotBefore},
		&j.Attempts, &j.LastError, stamp{&j.Taken})
	return j, err
}

// startable is that a job waits, and for nothing but its time.
const startable = `next.process = '' AND NOT EXISTS (
	SELECT 1 FROM jobs AS other WHERE other.process <> '' AND other.fleet = next.fleet AND other.lane = next.lane)`

// ofKinds is that a job is of one of the kinds that the third parameter lists.
const ofKinds = `(?3 = '' OR instr(?3, ' ' || kind || ' ') > 0)`

// kindList is kinds as ofKinds reads them.
func kindList(kinds []JobKind) string {
	if len(kinds) == 0 {
		return ""
	}
	list := " "
	for _, k := range kinds {
		list += string(k) + " "
	}
	return list
}

// Take gives the oldest job that is due and whose fleet, or pull request for a
// preview, no other job is running for. It is then this process's, until Done
// or Fail, or until the process dies and another finds that by Recover. Found
// is false if there is none. Only jobs of the given kinds are looked at; no
// kinds are all.
func (l *Ledger) Take(ctx context.Context, now time.Time, kinds ...JobKind) (j Job, found bool, err error) {
	err = l.change(ctx, func(tx *sql.Tx) (err error) {
		j, found, err = first(ctx, tx, scanJob, `UPDATE jobs SET process = ?1, taken = ?2, attempts = attempts + 1 WHERE id = (
			SELECT id FROM jobs AS next WHERE `+startable+` AND `+ofKinds+` AND not_before <= ?2 ORDER BY enqueued, id LIMIT 1)
			RETURNING `+jobColumns, l.process.name, millis(now), kindList(kinds))
		return err
	})
	if err != nil {
		return Job{}, false, err
	}
	return j, found, nil
}

// NextDue is the earliest time at which a job may be taken that waits for
// nothing but its time. It has passed where Take would give one at once. Found
// is false if there is none; a job that waits for another to end is not one.
// Only jobs of the given kinds are looked at; no kinds are all.
func (l *Ledger) NextDue(ctx context.Context, kinds ...JobKind) (at time.Time, found bool, err error) {
	at, found, err = first(ctx, l.read, func(r row) (at time.Time, err error) {
		err = r.Scan(stamp{&at})
		return at, err
	}, `SELECT max(enqueued, not_before) AS due FROM jobs AS next WHERE `+startable+` AND `+ofKinds+` ORDER BY due LIMIT 1`,
		nil, nil, kindList(kinds))
	return at, found, l.explain(err)
}

// Done ends a job that was taken: it is done, or given up.
func (l *Ledger) Done(ctx context.Context, j Job) error {
	return l.change(ctx, func(tx *sql.Tx) error {
		n, err := execute(ctx, tx, `DELETE FROM jobs WHERE id = ? AND process = ?`, j.ID, l.process.name)
		if err == nil && n == 0 {
			err = errNotHere(j)
		}
		return err
	})
}

// Fail has a job that was taken wait again until the time of a retry. If a
// newer one for the same waits already, that is done in its stead, and kept is
// false.
func (l *Ledger) Fail(ctx context.Context, j Job, retry time.Time, why string) (kept bool, err error) {
	return l.retry(ctx, j, `UPDATE jobs SET not_before = ?, error = ? WHERE id = ? AND process = ?`, retry, why)
}

// Defer is as Fail, of a job that was not tried: it may not run yet, or its
// process ends. It does not count as an attempt.
func (l *Ledger) Defer(ctx context.Context, j Job, until time.Time, why string) (kept bool, err error) {
	return l.retry(ctx, j, `UPDATE jobs SET not_before = ?, error = ?, attempts = attempts - 1 WHERE id = ? AND process = ?`, until, why)
}

func (l *Ledger) retry(ctx context.Context, j Job, statement string, at time.Time, why string) (kept bool, err error) {
	err = l.change(ctx, func(tx *sql.Tx) error {
		n, err := execute(ctx, tx, statement, millis(at), why, j.ID, l.process.name)
		switch {
		case err != nil:
			return err
		case n == 0:
			return errNotHere(j)
		}
		kept, err = putBack(ctx, tx, j)
		return err
	})
	return kept && err == nil, err
}

func errNotHere(j Job) error {
	return fmt.Errorf("job %d is not running here, so it cannot end", j.ID)
}

// putBack has a running job wait again, unless a newer one for the same does:
// that supersedes it.
func putBack(ctx context.Context, tx *sql.Tx, j Job) (kept bool, err error) {
	_, newer, err := waiting(ctx, tx, j)
	switch {
	case err != nil:
		return false, err
	case newer:
		_, err = execute(ctx, tx, `DELETE FROM jobs WHERE id = ?`, j.ID)
		return false, err
	}
	_, err = execute(ctx, tx, `UPDATE jobs SET process = '', taken = 0 WHERE id = ?`, j.ID)
	return true, err
}

// waiting is the job that waits for the same as j.
func waiting(ctx context.Context, tx *sql.Tx, j Job) (Job, bool, error) {
	return first(ctx, tx, scanJob, `SELECT `+jobColumns+` FROM jobs WHERE kind = ? AND fleet = ? AND key = ? AND process = ''`,
		j.Kind, j.Fleet, j.Key)
}

// Jobs are the jobs of a fleet: those that run, and those that wait in the
// order they will be taken in.
func (l *Ledger) Jobs(ctx context.Context, fleet string) ([]Job, error) {
	jobs, err := list(ctx, l.read, scanJob, `SELECT `+jobColumns+` FROM jobs WHERE ? IN ('', fleet) ORDER BY taken = 0, enqueued, id`, fleet)
	return jobs, l.explain(err)
}
