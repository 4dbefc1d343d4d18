package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/estate"
	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/internal/reconcile"
)

type adoptFlags struct {
	aws     awsFlags
	service string
	yes     bool
	// stateDir is where the lease is kept, as of apply.
	stateDir string
}

func newAdoptCommand(a *app) *cobra.Command {
	var f adoptFlags
	cmd := &cobra.Command{
		Use:   "adopt [DIR]",
		Short: "Take what stands already into the fleet",
		Long: `adopt gives the fleet's tags to objects that stand already, and changes nothing
else: names, rules, options and traffic stay as they are. In a TXT record it
adds a value beside the token that is there.

Which object is which resource of the fleet is said by id, in the folder adopt
of the fleet's folder. linkfleet import writes it; a file of your own is a JSON
object of ids by address:

  {"endpoint-service/fraud@platform/us-east-1": "vpce-svc-0123456789abcdef0"}

Everything that AWS tags is named so; what it does not tag, such as
permissions, comes with its service or endpoint. adopt shows what there would
be left to do, asks, and then tags. The folder may be deleted afterwards.

The roles must be allowed
  ` + strings.Join(kinds.MarkActions(), "\n  ") + `

` + exitHelp,
		Args: folderArg,
		RunE: func(cmd *cobra.Command, args []string) error { return a.adopt(cmd.Context(), folder(args), f) },
	}
	cmd.Flags().StringVar(&f.service, "service", "", "adopt what belongs to one service, such as `services/fraud`")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "adopt without asking")
	addLeaseDir(cmd, &f.stateDir)
	f.aws.add(cmd)
	return cmd
}

// serviceName takes services/fraud for fraud.
func serviceName(text string) string { return strings.TrimPrefix(text, "services/") }

func (a *app) adopt(ctx context.Context, dir string, f adoptFlags) error {
	objects, err := estate.ReadClaims(dir)
	if err != nil {
		return err
	}
	run, err := a.openRun(ctx, dir, f.aws, false)
	if err != nil {
		return err
	}
	plan := func(ctx context.Context) (*estate.Adoption, error) {
		status := a.newStatus("Reading what stands")
		defer status.close()
		return estate.PlanAdoption(ctx, run.API, run.Fleet, objects, serviceName(f.service))
	}
	adoption, err := plan(ctx)
	if err != nil {
		return err
	}
	if len(adoption.Objects) == 0 {
		_, err := fmt.Fprintf(a.stdout, "Nothing to adopt: all %s are fleet %s's already\n", plural(adoption.Done, "object"), run.Fleet.Name)
		return err
	}
	fmt.Fprintf(a.stdout, "To become fleet %s's, by tags and nothing else:\n", run.Fleet.Name)
	a.showObjects(adoption.Objects)
	if len(adoption.Left.Steps)+len(adoption.Left.Blocked) == 0 {
		fmt.Fprintln(a.stdout, "They stand as the fleet says: nothing would be left to do.")
	} else {
		fmt.Fprintln(a.stdout, "They do not stand as the fleet says; the next apply would then do this:")
		if err := a.showPlan(a.stdout, adoption.Left); err != nil {
			return err
		}
	}
	if err := a.agreed(ctx, f.yes, "Adopt them?"); err != nil {
		return err
	}
	return a.doEach(ctx, run, f.stateDir, "adopted", len(adoption.Objects), func(ctx context.Context) (deed, bool, error) {
		now, err := plan(ctx)
		if err != nil {
			return nil, false, err
		}
		return now.Do, slices.Equal(now.Objects, adoption.Objects) && now.Left.Digest() == adoption.Left.Digest(), nil
	})
}

func (a *app) showObjects(objects []estate.Object) {
	for _, o := range objects {
		fmt.Fprintf(a.stdout, "  %s  %s\n", o.Addr, printable(o.ID))
	}
}

// agreed asks a question, unless the answer was given on the command line.
func (a *app) agreed(ctx context.Context, yes bool, question string) error {
	if yes {
		return nil
	}
	if !a.isTerminal(a.stdin) || !a.isTerminal(a.stderr) {
		return refused("nobody can be asked here, so nothing was changed; say with --yes that it may be done")
	}
	fmt.Fprintf(a.stderr, "\n%s Only \"yes\" does it: ", question)
	answer, err := a.readLine(ctx)
	if err != nil {
		return err
	}
	if answer != "yes" {
		return refused("not confirmed, so nothing was changed")
	}
	return nil
}

// A deed is done to objects one by one; it hears of each.
type deed func(context.Context, func(estate.Object)) error

// doEach does something with each of n objects under the fleet's lease, and
// says how many it was. Others may have acted before the lease was had, so
// again plans once more, and tells whether that is what was agreed on.
func (a *app) doEach(ctx context.Context, run *reconcile.Run, stateDir, done string, n int, again func(context.Context) (deed, bool, error)) error {
	if err := a.takeLease(ctx, run, stateDir, func(text string) { a.log.Info(text) }); err != nil {
		return err
	}
	held, err := run.Lease.Acquire(ctx, run.Holder)
	if err != nil {
		return refusedTurn(err)
	}
	defer func() {
		if err := held.Release(context.WithoutCancel(ctx)); err != nil {
			a.log.Warn("the lease was not given back", "error", awsapi.Explain(err))
		}
	}()
	holding, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-held.Lost():
			cancel()
		case <-holding.Done():
		}
	}()
	do, same, err := again(holding)
	switch lost := held.Err(); {
	case lost != nil:
		return lost // all else follows from it
	case err != nil || !same:
		return stale(ctx, err)
	}
	count := 0
	err = do(holding, func(o estate.Object) {
		count++
		a.log.Debug(done, "object", o.ID, "address", o.Addr.String())
	})
	fmt.Fprintf(a.stdout, "%s of %d %s\n", plural(count, "object"), n, done)
	return errors.Join(held.Err(), err)
}

// stale refuses what was agreed on and has changed since, or, for a reason,
// cannot be planned any more.
func stale(ctx context.Context, because error) error {
	switch {
	case ctx.Err() != nil:
		return because
	case because != nil:
		return refused("what was shown does not hold any more, so nothing was changed: %w; run again", because)
	}
	return refused("what stands has changed since it was shown, so nothing was changed; run again")
}
