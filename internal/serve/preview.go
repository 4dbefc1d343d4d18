package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/linkfleet/linkfleet/internal/forge"
	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/rollout"
)

// headLooks is how often a pull request's head is asked for until it is the
// one that a webhook told of.
const headLooks = 4

// preview does a job to preview a pull request.
func (s *Server) preview(ctx context.Context, j ledger.Job) end {
	number, err := strconv.Atoi(j.Key)
	if err != nil || s.Previewer == nil {
		return end{why: "pull requests are not previewed here"}
	}
	if j.Attempts > mostTries { // whatever ended the process then would do so again
		return s.abandon(ctx, j, number)
	}
	began := s.Now()
	told, err := s.Previewer.Preview(ctx, number)
	s.previewed(ctx, j, told, err, began)
	return s.previewVerdict(ctx, j, told, err)
}

// abandon gives a preview up that has never come to an end.
func (s *Server) abandon(ctx context.Context, j ledger.Job, number int) end {
	run := ledger.Run{Kind: ledger.PreviewRun, Pull: number, Commit: j.Commit, Ref: s.Ref, Began: s.Now()}
	run.Error = fmt.Sprintf("the preview was begun %d times, and each time the server died before its end; linkfleet preview --pull %d tries again", j.Attempts-1, number)
	if err := s.keepAbandoned(ctx, &run); err != nil {
		return end{again: s.Now().Add(ledgerPatience), untried: true, why: err.Error()}
	}
	s.previewed(ctx, j, &rollout.Previewed{Run: run}, nil, run.Began)
	return end{why: run.Error}
}

// keepAbandoned keeps a failed preview of the pull request's head, which else
// would be found to lack one. A job of no commit is about one that had one.
func (s *Server) keepAbandoned(ctx context.Context, run *ledger.Run) (err error) {
	if run.Fleet, err = s.fleet(ctx); err != nil {
		return err
	}
	all, err := s.Ledger.Runs(ctx, ledger.RunFilter{Kind: ledger.PreviewRun, Limit: remembered})
	if err != nil {
		return err
	}
	if last := slices.IndexFunc(all, func(r ledger.Run) bool { return r.Pull == run.Pull }); run.Commit == "" && last >= 0 {
		run.Commit = all[last].Commit
	}
	if run.ID, err = s.Ledger.BeginRun(ctx, *run); err != nil {
		return err
	}
	run.Ended, run.Outcome = s.Now(), ledger.Failed
	return s.Ledger.EndRun(ctx, *run)
}

func (s *Server) previewed(ctx context.Context, j ledger.Job, told *rollout.Previewed, err error, began time.Time) {
	log := s.Log.With("trigger", j.Kind, "job", j.ID, "pull", j.Key)
	switch {
	case told == nil || told.Run.ID == 0 && err != nil:
		log.WarnContext(ctx, "a preview could not begin", "commit", j.Commit, "error", err)
		return
	case told.Skipped != "":
		log.InfoContext(ctx, "no preview", "commit", j.Commit, "why", told.Skipped)
		return
	}
	run, took := told.Run, s.Now().Sub(began)
	log.InfoContext(ctx, "run ended", "run", run.ID, "kind", run.Kind, "fleet", run.Fleet, "commit", run.Commit,
		"outcome", run.Outcome, "seconds", took.Seconds(), "state", told.State, "error", run.Error)
	s.Observer.RunEnded(Ended{Trigger: j.Kind, Run: run, Took: took, Calls: told.Calls})
}

// previewVerdict is what becomes of a job after its preview. A pull request
// that is at fault itself was told so, and its job is done.
func (s *Server) previewVerdict(ctx context.Context, j ledger.Job, told *rollout.Previewed, err error) end {
	wait := s.Now().Add(backoff(15*time.Second, 10*time.Minute, j.Attempts))
	limited, full := errors.AsType[*forge.RateLimited](err)
	refused, ok := errors.AsType[*forge.Error](err)
	switch {
	case err == nil && told.Skipped == "" && lags(told, j):
		return end{again: s.Now().Add(backoff(5*time.Second, time.Minute, j.Attempts)),
			why: fmt.Sprintf("the pull request shows commit %.12s, and not %.12s yet", told.Run.Commit, j.Commit)}
	case err == nil:
		return end{}
	case ctx.Err() != nil:
		return end{again: s.Now(), untried: true, why: "the server was stopped"}
	case full:
		return end{again: limited.Until, untried: true, why: err.Error()}
	case ok && refused.Status == http.StatusNotFound, j.Attempts >= mostTries:
		return end{why: err.Error()}
	}
	return end{again: wait, why: err.Error()}
}

// lags tells whether a preview may be of an older head than its job. One of a
// newer head has a job of its own, which takes this one's place.
func lags(told *rollout.Previewed, j ledger.Job) bool {
	return j.Commit != "" && told.Run.Commit != j.Commit && j.Attempts < headLooks
}
