package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/gitsource"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// awsFlags say how a command reaches AWS.
type awsFlags struct {
	endpoint string
	speed    float64
}

func (f *awsFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.endpoint, "endpoint-url", "", "address of all AWS services, such as a simulator's (by default AWS_ENDPOINT_URL, else AWS itself)")
	cmd.Flags().Float64Var(&f.speed, "speed", 1, "how much faster than real time the clock of a simulator runs; for simulators only")
}

// check refuses to hurry AWS itself.
func (f *awsFlags) check(a *app) error {
	switch {
	case f.speed <= 0:
		return fmt.Errorf("--speed %v is not above 0", f.speed)
	case f.speed != 1 && f.endpoint == "" && a.getenv("AWS_ENDPOINT_URL") == "":
		return errors.New("--speed is for simulators only, and no endpoint is set; AWS's clock runs at speed 1")
	}
	return nil
}

// openRun loads the fleet of a folder and prepares to reach AWS. It sends
// nothing yet.
func (a *app) openRun(ctx context.Context, dir string, f awsFlags, readOnly bool) (*reconcile.Run, error) {
	if err := f.check(a); err != nil {
		return nil, err
	}
	fleet, err := a.loadFleet(ctx, dir)
	if err != nil {
		return nil, err
	}
	commit, session := a.commitOf(dir)
	return a.reach(ctx, fleet, commit, session, f, readOnly)
}

// reach prepares a run of a fleet at a commit. It sends nothing yet.
func (a *app) reach(ctx context.Context, fleet *schema.Fleet, commit, session string, f awsFlags, readOnly bool) (*reconcile.Run, error) {
	api, err := awsapi.New(ctx, awsapi.Options{
		Accounts:    reconcile.Accounts(fleet, readOnly),
		SessionName: session,
		Endpoint:    f.endpoint,
		Speed:       f.speed,
		ReadOnly:    readOnly,
	})
	if err != nil {
		return nil, err
	}
	return &reconcile.Run{Fleet: fleet, Commit: commit, API: api, Log: a.log, Speed: f.speed}, nil
}

// commitOf is the commit that the plan of a folder is of, and the name of the
// role sessions that work on it. Files that differ from the commit are no
// commit's; the session's name shows where they came from all the same.
func (a *app) commitOf(dir string) (commit, session string) {
	head, err := gitsource.Head(dir)
	switch {
	case err != nil:
		a.log.Warn("the fleet's commit is unknown", "error", err)
		return "", "linkfleet"
	case head.Hash == "":
		return "", "linkfleet"
	case head.Dirty:
		a.log.Warn("the fleet's files are not as they were committed, so the plan names no commit", "folder", dir, "head", head.Hash[:12])
		return "", "linkfleet-" + head.Hash[:12] + "-dirty"
	}
	return head.Hash, sessionOf(head.Hash)
}

// sessionOf names the role sessions that work on a commit, so that CloudTrail
// tells which commit did what.
func sessionOf(commit string) string { return "linkfleet-" + commit[:12] }

// planOf reads AWS and plans. That no place could be read is an error and no
// plan: there is nothing to show.
func (a *app) planOf(ctx context.Context, run *reconcile.Run) (*planner.Plan, error) {
	status := a.newStatus(fmt.Sprintf("Reading %s", plural(len(reconcile.Accounts(run.Fleet, false)), "account")))
	plan, err := run.Plan(ctx)
	status.close()
	if err != nil {
		return nil, err
	}
	if reason := run.AllUnread(plan); reason != "" {
		return nil, errors.New("no place of the fleet could be read: " + reason)
	}
	a.logCalls(run)
	return plan, nil
}

// logCalls tells how many requests it took.
func (a *app) logCalls(run *reconcile.Run) {
	calls, throttled := 0, 0
	for _, c := range run.API.Calls() {
		calls += c.Calls
		throttled += c.Throttled
	}
	a.log.Debug("requests so far", "calls", calls, "throttled", throttled)
}
