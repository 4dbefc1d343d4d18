package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/planner"
)

func newHistoryCommand(a *app) *cobra.Command {
	var dir, format string
	var limit int
	cmd := &cobra.Command{
		Use:   "history [RUN]",
		Short: "List the runs there were, or show one in full",
		Long: `history reads the state folder of linkfleet reconcile or serve, and lists the runs
there were, the newest first: what each was for, of which commit, how it ended,
what had drifted still by then and what was healed, and what it changed. With the
number of a run it prints all that is known of that one as JSON: its plan, and what
became of each step.

` + exitHelp,
		Example: `  linkfleet history
  linkfleet history 12 | jq .details.report`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return flagError(cmd, fmt.Errorf("%s takes one number of a run, but was given %d arguments", cmd.CommandPath(), len(args)))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFormat(format, "text", "json"); err != nil {
				return err
			}
			if len(args) == 1 {
				return a.showRun(cmd.Context(), dir, args[0])
			}
			return a.showHistory(cmd.Context(), dir, limit, format)
		},
	}
	addStateDir(cmd, &dir)
	cmd.Flags().IntVarP(&limit, "limit", "n", 20, "at most so many runs; 0 is all of them")
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	return cmd
}

// A runLine is a run as it is listed.
type runLine struct {
	ID      int64          `json:"id"`
	Fleet   string         `json:"fleet"`
	Kind    ledger.RunKind `json:"kind"`
	Commit  string         `json:"commit"`
	Subject string         `json:"subject"`
	Ref     string         `json:"ref,omitempty"`
	Pull    int            `json:"pull,omitempty"`
	Began   time.Time      `json:"began"`
	Ended   time.Time      `json:"ended,omitzero"`
	Outcome ledger.Outcome `json:"outcome"`
	Digest  string         `json:"digest,omitempty"`
	Counts  ledger.Counts  `json:"counts"`
	// Drift is what the run saw of it; nil: it did not look for any.
	Drift *ledger.DriftCount `json:"drift,omitempty"`
	Error string             `json:"error,omitempty"`
}

func lineOf(ctx context.Context, kept *ledger.Ledger, r ledger.Run) (*runLine, error) {
	l := &runLine{r.ID, r.Fleet, r.Kind, r.Commit, r.Subject, r.Ref, r.Pull, r.Began, r.Ended, r.Outcome, r.Digest, r.Counts, nil, r.Error}
	drift, looked, err := kept.DriftOf(ctx, r)
	if looked {
		l.Drift = &drift
	}
	return l, err
}

// version is the commit for people.
func (l *runLine) version() string {
	if l.Commit == "" {
		return "no commit"
	}
	return strings.TrimSpace(planner.Clean(fmt.Sprintf("%.12s %s", l.Commit, l.Subject)))
}

// ending is how the run ended, or that it has not.
func (l *runLine) ending() string {
	if l.Error != "" {
		return fmt.Sprintf("%s: %s", l.Outcome, planner.Clean(l.Error))
	}
	return strings.Join(append([]string{string(l.Outcome)}, l.did()...), ", ")
}

// did is the run's counts in words, without those that are 0.
func (l *runLine) did() (words []string) {
	var drift ledger.DriftCount
	if l.Drift != nil {
		drift = *l.Drift
	}
	c := l.Counts
	for _, one := range []struct {
		n    int
		what string
	}{
		{drift.Drifted, "drifted"}, {drift.Healed, "healed"},
		{c.Created, "created"}, {c.Changed, "changed"}, {c.Replaced, "replaced"}, {c.Deleted, "deleted"},
		{c.Blocked, "blocked"}, {c.Waiting, "waited for"},
	} {
		if one.n > 0 {
			words = append(words, fmt.Sprintf("%d %s", one.n, one.what))
		}
	}
	return words
}

func (a *app) showHistory(ctx context.Context, dir string, limit int, format string) error {
	if limit < 0 {
		return fmt.Errorf("--limit %d is below 0", limit)
	}
	kept, err := a.openState(ctx, dir)
	if err != nil {
		return err
	}
	defer kept.Close()
	runs, err := kept.Runs(ctx, ledger.RunFilter{Limit: limit})
	if err != nil {
		return err
	}
	lines := make([]*runLine, len(runs))
	for i, r := range runs {
		if lines[i], err = lineOf(ctx, kept, r); err != nil {
			return err
		}
	}
	if format == "json" {
		return a.printJSON(lines)
	}
	t := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, l := range lines {
		kind := string(l.Kind)
		if l.Pull > 0 {
			kind = fmt.Sprintf("%s of #%d", kind, l.Pull)
		}
		fmt.Fprintf(t, "#%d\t%s\t%s\t%s\t%s\n", l.ID, l.Began.Format("2006-01-02 15:04:05"), kind, cut(l.version(), 50), l.ending())
	}
	return t.Flush()
}

// showRun prints all that is known of a run.
func (a *app) showRun(ctx context.Context, dir, number string) error {
	id, err := strconv.ParseInt(strings.TrimPrefix(number, "#"), 10, 64)
	if err != nil {
		return fmt.Errorf("%q is no number of a run; linkfleet history lists them", number)
	}
	kept, err := a.openState(ctx, dir)
	if err != nil {
		return err
	}
	defer kept.Close()
	run, found, err := kept.Run(ctx, id)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("there is no run #%d; linkfleet history lists those that there were", id)
	}
	line, err := lineOf(ctx, kept, run)
	if err != nil {
		return err
	}
	return a.printJSON(struct {
		*runLine
		Details json.RawMessage `json:"details,omitempty"`
	}{line, run.Report})
}
