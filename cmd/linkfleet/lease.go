package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/user"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/linkfleet/linkfleet/internal/lease"
	"github.com/linkfleet/linkfleet/internal/reconcile"
)

// leaseHelp is what the help says of leases.
const leaseHelp = `Only one apply of a fleet acts at a time. The others are told who does, and exit
with 3. By default that holds among those that share a state folder on one
machine, given by --state-dir or ` + stateVariable + `, or else the user's; where
the fleet names a DynamoDB table (fleet: lease), it holds everywhere. If an apply
dies, the next one goes on: at once, or with a table after half a minute.`

// addLeaseDir is --state-dir of a command that keeps nothing else there.
func addLeaseDir(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "state-dir", "", "`FOLDER` of the file that lets one apply act at a time, for a fleet that names no table for it: that of reconcile and serve ("+stateVariable+"; by default one of the user's cache)")
}

// takeLease lets the run act only while it holds the fleet's lease. say is told
// when it has to be seen whether another is still there.
func (a *app) takeLease(ctx context.Context, run *reconcile.Run, stateDir string, say func(string)) error {
	path, err := a.leaseFile(run, stateDir)
	if err != nil {
		return err
	}
	run.Lease, err = reconcile.LeaseOf(ctx, run.API, run.Fleet, path, func(h lease.Holder) {
		say("looking whether another apply is still there: " + h.String())
	})
	run.Holder = a.holder(run.Commit)
	return err
}

// leaseFile is the file of a fleet whose lease is in no table. It is in the
// state folder, the same for every command, and named by the fleet: by default
// one state folder is there for all the fleets that a user applies by hand.
func (a *app) leaseFile(run *reconcile.Run, stateDir string) (string, error) {
	if run.Fleet.Lease != nil {
		return "", nil
	}
	state, err := a.state(stateDir)
	if err != nil {
		return "", err
	}
	return filepath.Join(state, "lease-"+run.Fleet.Name), nil
}

// holder is this process, as others are told of it.
func (a *app) holder(commit string) lease.Holder {
	h := lease.Holder{Process: os.Getpid(), Commit: commit}
	if u, err := user.Current(); err == nil {
		h.Who = u.Username
	}
	h.Who = cmp.Or(h.Who, a.getenv("USER"))
	h.Host, _ = os.Hostname() // a holder without one is told without
	return h
}

// refusedTurn makes a guard's refusal of what kept a run from acting because
// of others.
func refusedTurn(err error) error {
	held, isHeld := errors.AsType[*lease.HeldError](err)
	changed, isChanged := errors.AsType[*reconcile.ChangedError](err)
	switch {
	case isHeld:
		return refused("%w", held)
	case isChanged:
		return refused("%w", changed)
	}
	return err
}
