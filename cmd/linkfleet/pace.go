package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/linkfleet/linkfleet/internal/reconcile"
)

// paceFlags are how much a run does at a time, and how long it waits.
type paceFlags struct {
	parallelism int
	timeout     time.Duration
}

func (f *paceFlags) add(cmd *cobra.Command) {
	cmd.Flags().IntVar(&f.parallelism, "parallelism", 0, "steps that may be under way at the same time; waiting ones do not count (0: 16)")
	cmd.Flags().DurationVar(&f.timeout, "timeout", 0, "bound of each single wait of a step, such as 20m (0: 15m)")
}

func (f *paceFlags) check() error {
	switch {
	case f.parallelism < 0:
		return fmt.Errorf("--parallelism %d is below 0", f.parallelism)
	case f.timeout < 0:
		return fmt.Errorf("--timeout %s is below 0", f.timeout)
	}
	return nil
}

// set gives a run its pace.
func (f *paceFlags) set(run *reconcile.Run) {
	run.Parallelism, run.Timeout = f.parallelism, f.timeout
}
