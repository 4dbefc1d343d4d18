package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/spf13/cobra"

	"github.com/linkfleet/linkfleet/internal/estate"
)

type releaseFlags struct {
	aws awsFlags
	yes bool
	// stateDir is where the lease is kept, as of apply.
	stateDir string
}

func newReleaseCommand(a *app) *cobra.Command {
	var f releaseFlags
	cmd := &cobra.Command{
		Use:   "release SERVICE [DIR]",
		Short: "Let go of a service, leaving it as it stands",
		Long: `release takes the fleet's tags off everything of a service, and changes nothing
else: it goes on as it stands, and is nobody's. In a TXT record it removes its
own value and leaves the token.

Let go of a service first, then take it out of the fleet's files, and let no
apply run in between: it would make the service a second time. The other way
round an apply would delete it.

` + exitHelp,
		Example: "  linkfleet release services/fraud",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return flagError(cmd, errors.New("linkfleet release wants a service, such as services/fraud, and perhaps the fleet's folder"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.release(cmd.Context(), serviceName(args[0]), folder(args[1:]), f)
		},
	}
	cmd.Flags().BoolVar(&f.yes, "yes", false, "let go without asking")
	addLeaseDir(cmd, &f.stateDir)
	f.aws.add(cmd)
	return cmd
}

func (a *app) release(ctx context.Context, service, dir string, f releaseFlags) error {
	run, err := a.openRun(ctx, dir, f.aws, false)
	if err != nil {
		return err
	}
	plan := func(ctx context.Context) (*estate.Release, error) {
		status := a.newStatus("Reading what stands")
		defer status.close()
		return estate.PlanRelease(ctx, run.API, run.Fleet, service)
	}
	r, err := plan(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "To be fleet %s's no more, and stay as they are:\n", run.Fleet.Name)
	a.showObjects(r.Objects)
	for _, t := range r.Topics {
		fmt.Fprintf(a.stdout, "The topic goes with it, and %s must name it by its ARN before the next apply:\n  notifications: topic: %q\n", list(t.Services), t.ARN)
	}
	if err := a.agreed(ctx, f.yes, "Let go of them?"); err != nil {
		return err
	}
	err = a.doEach(ctx, run, f.stateDir, "let go of", len(r.Objects), func(ctx context.Context) (deed, bool, error) {
		now, err := plan(ctx)
		if err != nil {
			return nil, false, err
		}
		return now.Do, slices.Equal(now.Objects, r.Objects) && reflect.DeepEqual(now.Topics, r.Topics), nil
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "Now take services.%s out of the fleet's files, before the next apply\n", service)
	return err
}
