package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"

	"github.com/linkfleet/linkfleet/internal/lease"
	"github.com/linkfleet/linkfleet/internal/reconcile"
)

// leaseHelp is what the help says of leases.
const leaseHelp = `Only one apply of a fleet acts at a time. The others are told who does, and exit
with 3. By default that holds for one user on one machine; where the fleet
names a DynamoDB table (fleet: lease), it holds everywhere. If an apply dies,
the next one goes on: at once, or with a table after half a minute.`

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

// leaseFile is the file of a fleet whose lease is in no table.
func (a *app) leaseFile(run *reconcile.Run, dir string) (string, error) {
	if run.Fleet.Lease != nil {
		return "", nil
	}
	if dir == "" {
		cache, err := a.cacheDir()
		if err != nil {
			return "", fmt.Errorf("there is no folder to keep the fleet's lease in; give one with --state-dir: %w", err)
		}
		dir = filepath.Join(cache, "linkfleet", run.Fleet.Name)
	}
	return filepath.Join(dir, "lease"), nil
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
