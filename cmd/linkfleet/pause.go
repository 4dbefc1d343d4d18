package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/user"

	"github.com/spf13/cobra"

	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/schema"
)

type pauseFlags struct{ dir, service, reason, who string }

func (f *pauseFlags) add(cmd *cobra.Command) {
	addStateDir(cmd, &f.dir)
	cmd.Flags().StringVar(&f.service, "service", "", "only this service, by its `NAME`, such as fraud or services/fraud (by default the whole fleet)")
}

func newPauseCommand(a *app) *cobra.Command {
	var f pauseFlags
	cmd := &cobra.Command{
		Use:   "pause --reason WHY",
		Short: "Keep runs from changing the fleet, or one service",
		Long: `pause has the runs of linkfleet reconcile and serve with this state folder change
nothing of the fleet, or of one of its services, until linkfleet resume. A run
that is under way goes on to its end. Previews are made all the same.

` + exitHelp,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.pause(cmd.Context(), f) },
	}
	f.add(cmd)
	cmd.Flags().StringVar(&f.reason, "reason", "", "why, for those who wonder")
	cmd.Flags().StringVar(&f.who, "who", "", "who asks for it (by default the user)")
	return cmd
}

func newResumeCommand(a *app) *cobra.Command {
	var f pauseFlags
	cmd := &cobra.Command{
		Use:   "resume",
		Short: "Let runs change what was paused",
		Long: `resume ends a pause. What has changed in the repository meanwhile is rolled out by
the next run.

` + exitHelp,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.resume(cmd.Context(), f) },
	}
	f.add(cmd)
	return cmd
}

func (f *pauseFlags) what(fleet string) string {
	if f.service == "" {
		return "fleet " + fleet
	}
	return "service " + f.service + " of fleet " + fleet
}

// pausable opens the state folder to write, and tells which fleet it is of.
func (a *app) pausable(ctx context.Context, dir string) (*ledger.Ledger, string, error) {
	dir, err := a.state(dir)
	if err != nil {
		return nil, "", err
	}
	seen, err := ledger.OpenReadOnly(ctx, dir) // makes none where there is none
	if err != nil {
		return nil, "", err
	}
	st, err := readStanding(ctx, seen)
	if err = errors.Join(err, seen.Close()); err != nil {
		return nil, "", err
	}
	if st.Fleet == "" {
		return nil, "", errors.New("no fleet was run with this state folder yet, so there is none to pause")
	}
	kept, err := ledger.Open(ctx, dir)
	return kept, st.Fleet, err
}

func (a *app) pause(ctx context.Context, f pauseFlags) error {
	if f.reason == "" {
		return errors.New("say why with --reason: whoever finds nothing happening will want to know")
	}
	if f.service != "" { // a name that no service can have would pause nothing, and look as if it did
		f.service = serviceName(f.service)
		if err := schema.CheckServiceName(f.service); err != nil {
			return fmt.Errorf("--service: %w", err)
		}
	}
	kept, fleet, err := a.pausable(ctx, f.dir)
	if err != nil {
		return err
	}
	defer kept.Close()
	who := f.who
	if u, err := user.Current(); err == nil && who == "" {
		who = u.Username
	}
	who = cmp.Or(who, a.getenv("USER"), "somebody")
	if err := kept.Pause(ctx, ledger.Pause{Fleet: fleet, Service: f.service, Reason: f.reason, Who: who, Since: a.now()}); err != nil {
		return err
	}
	a.say(slog.LevelInfo, fmt.Sprintf("Paused %s; go on with linkfleet resume", f.what(fleet)))
	return nil
}

func (a *app) resume(ctx context.Context, f pauseFlags) error {
	kept, fleet, err := a.pausable(ctx, f.dir)
	if err != nil {
		return err
	}
	defer kept.Close()
	_, found, err := kept.Resume(ctx, fleet, f.service)
	if name := serviceName(f.service); err == nil && !found && name != "" && name != f.service {
		f.service = name
		_, found, err = kept.Resume(ctx, fleet, name)
	}
	switch {
	case err != nil:
		return err
	case !found:
		return fmt.Errorf("%s is not paused; linkfleet status lists what is", f.what(fleet))
	}
	a.say(slog.LevelInfo, "Resumed "+f.what(fleet))
	return nil
}
