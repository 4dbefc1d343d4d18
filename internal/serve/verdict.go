package serve

import (
	"errors"
	"fmt"
	"time"

	"github.com/linkfleet/linkfleet/internal/lease"
	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/internal/rollout"
	"github.com/linkfleet/linkfleet/schema"
)

const (
	// mostTries is how often a run is tried that fails for what may pass by
	// itself. After that the next look for drift goes on with it.
	mostTries = 5
	// mostLooks is how often a repository is asked for a commit that it does
	// not have: for some five minutes.
	mostLooks = 8
	// arrivalLooks is how often a connection that has come is looked for: AWS
	// tells of it before all of its lists show it.
	arrivalLooks = 2
)

// verdict is what becomes of a job after its run.
func (s *Server) verdict(j ledger.Job, out *rollout.Outcome, err error, stopping bool) end {
	again := func(first, most time.Duration, why string) end {
		return end{again: s.Now().Add(backoff(first, most, j.Attempts)), why: why}
	}
	_, behind := errors.AsType[*rollout.BehindError](err)
	switch {
	case behind && j.Attempts < mostLooks:
		return again(5*time.Second, 2*time.Minute, err.Error())
	case behind:
		return end{why: err.Error()}
	case out == nil || out.Run.ID == 0:
		return s.ledgerFailed(err)
	}
	failed, why := cause(out, err), out.Run.Error
	switch {
	case out.Run.Outcome == ledger.Interrupted && stopping:
		return end{again: s.Now(), untried: true, why: "the server was stopped"}
	case held(failed):
		return again(10*time.Second, 5*time.Minute, why)
	case j.Kind == ledger.ArrivalJob && out.Run.Outcome == ledger.Nothing && j.Attempts < arrivalLooks:
		return again(15*time.Second, time.Minute, "nothing has come yet that may be accepted")
	case out.Run.Outcome != ledger.Failed && out.Run.Outcome != ledger.Interrupted, final(failed):
		return end{why: why}
	case j.Attempts < mostTries:
		return again(30*time.Second, 15*time.Minute, why)
	}
	return end{why: fmt.Sprintf("%s; it was tried %d times, and the next look for drift goes on with it", why, j.Attempts)}
}

// ledgerPatience is how long a job waits that the ledger kept from beginning:
// it is no try of the job's own.
const ledgerPatience = 15 * time.Second

// beginning is what does not work while runs cannot be begun for the ledger.
const beginning = "beginning a run"

// ledgerFailed has a job wait that could not be begun, for as long as it takes.
func (s *Server) ledgerFailed(err error) end {
	s.trouble.set(beginning, err)
	return end{again: s.Now().Add(ledgerPatience), untried: true, why: err.Error()}
}

// cause is what went wrong in a run or on the way to it.
func cause(out *rollout.Outcome, err error) error {
	switch {
	case err != nil:
		return err
	case out.Result != nil && out.Result.Err() != nil:
		return out.Result.Err()
	}
	return nil
}

// held tells whether another keeps the run from acting now, or has just acted:
// it did nothing, and is to be tried again soon.
func held(err error) bool {
	_, held := errors.AsType[*lease.HeldError](err)
	_, changed := errors.AsType[*reconcile.ChangedError](err)
	refused, ok := errors.AsType[*rollout.RefusedError](err)
	return held || changed || ok && refused.Passes
}

// final tells whether an error stays until somebody does something about it.
func final(err error) bool {
	_, refused := errors.AsType[*rollout.RefusedError](err)
	_, over := errors.AsType[*reconcile.OverError](err)
	return refused || over || len(schema.Faults(err)) > 0
}
