package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/planner"
)

// targetFlag limits a run to parts of the fleet.
type targetFlag struct {
	names []string
}

func (f *targetFlag) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.names, "target", nil, "only this `PART` of the fleet and what it needs: services/NAME or services/NAME/consumers/NAME; may be given more than once")
}

// set gives a run its targets.
func (f *targetFlag) set(run *reconcile.Run) error {
	for _, name := range f.names {
		target, err := planner.ParseTarget(name)
		if err != nil {
			return fmt.Errorf("--target: %w", err)
		}
		run.Targets = append(run.Targets, target)
	}
	return nil
}

// allowFlags let one apply pass the fleet's limits.
type allowFlags struct {
	cmd                               *cobra.Command
	deletes, rejections, replacements int
}

func (f *allowFlags) add(cmd *cobra.Command) {
	f.cmd = cmd
	cmd.Flags().IntVar(&f.deletes, "allow-deletes", 0, "let as many as `N` objects be deleted, whatever fleet.limits says")
	cmd.Flags().IntVar(&f.rejections, "allow-rejections", 0, "let as many as `N` connections in use be cut, whatever fleet.limits says")
	cmd.Flags().IntVar(&f.replacements, "allow-replacements", 0, "let as many as `N` objects be replaced, whatever fleet.limits says")
}

// set gives a run what was allowed. A flag that is not given allows nothing
// beyond the limits.
func (f *allowFlags) set(run *reconcile.Run) error {
	run.Allow = map[planner.Tally]int{}
	for tally, n := range map[planner.Tally]int{planner.Deletes: f.deletes, planner.Rejections: f.rejections, planner.Replacements: f.replacements} {
		flag := "allow-" + string(tally)
		if n < 0 {
			return fmt.Errorf("--%s %d is below 0", flag, n)
		}
		if f.cmd.Flags().Changed(flag) {
			run.Allow[tally] = n
		}
	}
	return nil
}

// withinLimits refuses a plan that takes away more than the fleet lets it.
func withinLimits(run *reconcile.Run, plan *planner.Plan) error {
	err := run.CheckLimits(plan)
	if _, over := errors.AsType[*reconcile.OverError](err); over {
		return &verdict{status: exitRefused, err: err}
	}
	return err
}
