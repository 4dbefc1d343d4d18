package main

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/linkfleet/linkfleet/planner"
)

type planFlags struct {
	aws      awsFlags
	detailed bool
	format   string
	out      string
	target   targetFlag
}

func newPlanCommand(a *app) *cobra.Command {
	var f planFlags
	cmd := &cobra.Command{
		Use:   "plan [DIR]",
		Short: "Say what apply would do",
		Long: `plan reads AWS in every place of the fleet and says, step by step, what apply
would do, what is blocked and why, and who is waited for. It changes nothing:
no request that could is sent.

What a rule refuses does not make plan fail. A place that could not be read
does: what stands there is unknown, and the plan is not whole.

` + exitHelp,
		Example: `  linkfleet plan --out plan.json      # review it, then:
  linkfleet apply --plan plan.json`,
		Args: folderArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.plan(cmd.Context(), folder(args), f)
		},
	}
	cmd.Flags().BoolVar(&f.detailed, "detailed-exitcode", false, "exit with 2 if there is something to do")
	cmd.Flags().StringVar(&f.format, "format", "text", "text, json or markdown")
	cmd.Flags().StringVar(&f.out, "out", "", "also save the plan to `FILE`, for apply --plan")
	cmd.Flags().BoolVar(&a.untrusted, "untrusted", false, untrustedHelp)
	f.target.add(cmd)
	f.aws.add(cmd)
	return cmd
}

func (a *app) plan(ctx context.Context, dir string, f planFlags) error {
	if err := checkFormat(f.format, "text", "json", "markdown"); err != nil {
		return err
	}
	run, err := a.openRun(ctx, dir, f.aws, true)
	if err != nil {
		return err
	}
	if err := f.target.set(run); err != nil {
		return err
	}
	plan, err := a.planOf(ctx, run)
	if err != nil {
		return err
	}
	if err := a.writePlan(a.stdout, plan, f.format); err != nil {
		return err
	}
	if f.out != "" {
		if err := savePlan(f.out, plan); err != nil {
			return err
		}
	}
	return planStatus(plan, f.detailed)
}

// planStatus is what plan ends with.
func planStatus(p *planner.Plan, detailed bool) error {
	switch {
	case len(p.Unread) > 0:
		return unreadError(p)
	case detailed && len(p.Steps)+len(p.Blocked) > 0:
		return &verdict{status: exitChanges}
	}
	return nil
}

// unreadError says that a plan is not whole.
func unreadError(p *planner.Plan) error {
	return fmt.Errorf("%s of the fleet could not be read, and what depends on that is blocked; the reasons stand above", plural(len(p.Unread), "place"))
}

// savePlan writes a plan to a file for apply --plan.
func savePlan(name string, p *planner.Plan) error {
	var b bytes.Buffer
	if err := planner.JSON(&b, p); err != nil {
		return err
	}
	if err := os.WriteFile(name, b.Bytes(), 0o666); err != nil {
		return fmt.Errorf("saving the plan: %w", err)
	}
	return nil
}
