package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/planner"
)

type applyFlags struct {
	aws      awsFlags
	yes      bool
	expect   string
	saved    string
	format   string
	pace     paceFlags
	stateDir string
	target   targetFlag
	allow    allowFlags
}

func newApplyCommand(a *app) *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use:   "apply [DIR]",
		Short: "Make AWS as the fleet says",
		Long: `apply plans, shows the plan, and carries it out: independent steps side by side,
each waiting until what it needs is usable. Connections of declared consumers
that appear meanwhile are accepted in the same run. In the end it reads AWS
again and says what is left or waited for.

It asks before it changes anything, if it runs on a terminal. Elsewhere one of
--yes, --expect and --plan must say that the plan may be carried out. --expect
and --plan refuse it if commit, steps or what they rest on have changed since
the plan was reviewed.

An interrupt (Ctrl-C) lets running steps finish and starts no other; a second
one stops at once. The next apply goes on from there.

If rules refuse a part of the plan, apply does the rest and exits with 3. A plan
that takes away more than fleet.limits lets one apply it does not begin, and
says which of the --allow flags lets it pass.

` + leaseHelp + `

` + exitHelp,
		Example: `  linkfleet apply                     # shows the plan and asks
  linkfleet apply --expect 3fa9c1d2b0aa`,
		Args: folderArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.apply(cmd.Context(), folder(args), f)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.yes, "yes", false, "carry the plan out without asking")
	flags.StringVar(&f.expect, "expect", "", "carry the plan out only if this is its `DIGEST`, in full or its first 12 characters or more")
	flags.StringVar(&f.saved, "plan", "", "carry the plan out only if it is still the one that plan --out saved to `FILE`")
	flags.StringVar(&f.format, "format", "text", "text, or json for the report alone")
	addLeaseDir(cmd, &f.stateDir)
	cmd.MarkFlagsMutuallyExclusive("expect", "plan")
	f.pace.add(cmd)
	f.target.add(cmd)
	f.allow.add(cmd)
	f.aws.add(cmd)
	return cmd
}

func (f *applyFlags) check() error {
	const shortest = 12
	if f.expect != "" && len(f.expect) < shortest {
		return fmt.Errorf("--expect %q is too short to tell plans apart; give at least the %d characters that plan shows", f.expect, shortest)
	}
	return errors.Join(f.pace.check(), checkFormat(f.format, "text", "json"))
}

func (a *app) apply(ctx context.Context, dir string, f applyFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	guard, err := f.guard()
	if err != nil {
		return err
	}
	run, err := a.openRun(ctx, dir, f.aws, false)
	if err != nil {
		return err
	}
	if err := errors.Join(f.target.set(run), f.allow.set(run)); err != nil {
		return err
	}
	plan, err := a.planOf(ctx, run)
	if err != nil {
		return err
	}
	if err := a.showPlan(a.planStream(f.format), plan); err != nil {
		return err
	}
	if err := guard(plan); err != nil {
		return err
	}
	if err := withinLimits(run, plan); err != nil {
		return err
	}
	result := &reconcile.Result{Left: plan}
	if len(plan.Steps) > 0 {
		if err := a.confirm(ctx, f); err != nil {
			return err
		}
		if result, err = a.carryOut(ctx, run, plan, f); err != nil {
			return errors.Join(a.showResult(result, f.format), err)
		}
	}
	if err := a.showResult(result, f.format); err != nil {
		return err
	}
	return outcome(result)
}

// planStream is where the plan is shown: with a report in JSON, standard
// output is that alone, and records have no text between them.
func (a *app) planStream(format string) io.Writer {
	switch {
	case format != "json":
		return a.stdout
	case a.records:
		return io.Discard
	}
	return a.stderr
}

// guard is what the flags say a plan must be.
func (f *applyFlags) guard() (func(*planner.Plan) error, error) {
	switch {
	case f.saved != "":
		reviewed, err := readSavedPlan(f.saved)
		if err != nil {
			return nil, err
		}
		return reviewed.guard, nil
	case f.expect != "":
		return func(p *planner.Plan) error {
			if p.Is(f.expect) {
				return nil
			}
			return refused("this is not the plan that was reviewed: its digest is %s, and %s was expected; review it and give its own digest with --expect", p.ShortDigest(), f.expect)
		}, nil
	}
	return func(*planner.Plan) error { return nil }, nil
}

// confirm asks whether to carry the plan out, unless a flag says so.
func (a *app) confirm(ctx context.Context, f applyFlags) error {
	if f.yes || f.expect != "" || f.saved != "" {
		return nil
	}
	if !a.isTerminal(a.stdin) || !a.isTerminal(a.stderr) {
		return refused("nobody can be asked here, so nothing was changed; say with --yes that the plan may be carried out, or which one with --expect DIGEST or --plan FILE")
	}
	fmt.Fprint(a.stderr, "\nCarry out this plan? Only \"yes\" does it: ")
	answer, err := a.readLine(ctx)
	if err != nil {
		return err
	}
	if answer != "yes" {
		return refused("not confirmed, so nothing was changed")
	}
	return nil
}

// readLine reads a line of standard input, or gives up when ctx ends. The end
// of the input is an empty line.
func (a *app) readLine(ctx context.Context) (string, error) {
	read := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(a.stdin).ReadString('\n')
		read <- strings.TrimSpace(line)
	}()
	select {
	case line := <-read:
		return line, nil
	case <-ctx.Done():
		fmt.Fprintln(a.stderr)
		return "", ctx.Err()
	}
}

// carryOut applies the plan and shows how it goes. The first signal stops in
// order.
func (a *app) carryOut(ctx context.Context, run *reconcile.Run, plan *planner.Plan, f applyFlags) (*reconcile.Result, error) {
	p := a.newProgress()
	defer p.close()
	stop := make(chan struct{})
	undo := a.interrupts.orderly(func() {
		close(stop)
		p.say("finishing running steps; press again to stop now")
	})
	defer undo()
	log := a.log.With("fleet", run.Fleet.Name, "commit", run.Commit)
	run.Observe = func(e applier.Event) { p.observe(log, e) }
	f.pace.set(run)
	defer a.logCalls(run)
	if err := a.takeLease(ctx, run, f.stateDir, p.say); err != nil {
		return &reconcile.Result{}, err
	}
	result, err := run.Apply(ctx, stop, plan)
	return result, refusedTurn(err)
}
