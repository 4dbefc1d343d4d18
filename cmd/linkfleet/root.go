package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

// run is the program: it carries out the command line args and gives the
// exit status.
func (a *app) run(ctx context.Context, args []string) int {
	a.interrupts = &interrupts{}
	ctx, stop := a.interrupts.watch(ctx, a.notify)
	defer stop()
	root := newRootCommand(a)
	root.SetArgs(args)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	return a.conclude(ctx, root.ExecuteContext(ctx))
}

func newRootCommand(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "linkfleet",
		Short: "Keep a fleet of AWS PrivateLink services the way its repository says",
		Long: `linkfleet keeps a fleet of AWS PrivateLink services the way its repository of
CUE files says it should be: on the provider's side, on the consumers' side and
in DNS, in one pass.

  linkfleet init DIR      write a new fleet repository
  linkfleet validate      check it, offline
  linkfleet plan          compare it with AWS
  linkfleet apply         make the difference

The folder of the fleet is the one argument of most commands; it is the current
folder by default. Results go to standard output, everything else to standard
error. AWS is reached as the aws command reaches it: the same environment
variables, profiles and endpoint overrides count.

` + exitHelp,
		SilenceErrors: true,
		SilenceUsage:  true,

		SuggestionsMinimumDistance: 2,

		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(*cobra.Command, []string) error {
			return a.logAsAsked()
		},
	}
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(&cobra.Command{Hidden: true, Use: "no-help"}) // --help says it all
	flags := root.PersistentFlags()
	flags.StringVar(&a.logFormat, "log-format", "text", "form of what goes to standard error while commands run: text or json")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "tell more on standard error")
	flags.BoolVar(&a.noColor, "no-color", false, "no colour, as with the environment variable NO_COLOR")
	root.AddCommand(
		newInitCommand(a),
		newValidateCommand(a),
		newPlanCommand(a),
		newApplyCommand(a),
		newReconcileCommand(a),
		newPreviewCommand(a),
		newServeCommand(a),
		newStatusCommand(a),
		newHistoryCommand(a),
		newPauseCommand(a),
		newResumeCommand(a),
		newImportCommand(a),
		newAdoptCommand(a),
		newReleaseCommand(a),
		newSimCommand(a),
		newDemoCommand(a),
		newIAMPolicyCommand(a),
		newVersionCommand(a),
		newEvaluateCommand(a),
	)
	root.InitDefaultCompletionCmd()
	return root
}

// flagError points to the help instead of printing it.
func flagError(cmd *cobra.Command, err error) error {
	return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
}

// noArgs refuses what is not a command.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.HasAvailableSubCommands() {
		err := fmt.Errorf("%s has no command %q", cmd.CommandPath(), args[0])
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			return fmt.Errorf("%w; did you mean %s?", err, near[0])
		}
		return flagError(cmd, err)
	}
	return flagError(cmd, fmt.Errorf("%s takes no argument, but was given %q", cmd.CommandPath(), args[0]))
}

// folderArg refuses more than the one folder of a fleet.
func folderArg(cmd *cobra.Command, args []string) error {
	if len(args) <= 1 {
		return nil
	}
	return flagError(cmd, fmt.Errorf("%s takes one folder, but was given %d", cmd.CommandPath(), len(args)))
}

// folder is the fleet's folder among a command's arguments.
func folder(args []string) string {
	if len(args) == 0 {
		return "."
	}
	return args[0]
}
