package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/linkfleet/linkfleet/internal/confine"
	"github.com/linkfleet/linkfleet/schema"
)

// evaluateCommand is the name of the command that linkfleet starts itself
// with, to evaluate a stranger's files.
const evaluateCommand = "evaluate"

// untrustedHelp is what the help says of --untrusted.
const untrustedHelp = "evaluate the files in a process of its own, with little time and memory, and without credentials: for files of strangers"

func newEvaluateCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:    evaluateCommand,
		Short:  "Evaluate a stranger's fleet; linkfleet itself runs this",
		Hidden: true,
		Args:   noArgs,
		RunE:   func(*cobra.Command, []string) error { return confine.Serve(a.stdin, a.stdout) },
	}
}

// loadStranger is [schema.Load] for files that somebody wrote who is not to
// be trusted with this machine.
func (a *app) loadStranger(ctx context.Context, dir string) (*schema.Fleet, []schema.Warning, error) {
	self, err := os.Executable()
	if err != nil {
		// Not wrapped: where /proc is missing it is that a file does not exist,
		// but that file is none of the fleet.
		return nil, nil, fmt.Errorf("finding this program, to start it for the evaluation, which on Linux takes /proc: %v", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the fleet's folder: %w", err)
	}
	defer root.Close()
	return confine.Load(ctx, schema.FolderFS(root), a.now(), confine.Bounds{}, self, evaluateCommand)
}
