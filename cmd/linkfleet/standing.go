package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/rollout"
	"github.com/linkfleet/linkfleet/planner"
)

func newStatusCommand(a *app) *cobra.Command {
	var dir, format string
	var watch bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say what was applied, what drifted and what waits",
		Long: `status reads the state folder of linkfleet reconcile or serve: which commit was
applied last and when, how the last run of the whole fleet ended, what drifted,
what the fleet waits for and since when, and what is paused. It asks neither AWS
nor Git.

` + exitHelp,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkFormat(format, "text", "json"); err != nil {
				return err
			}
			if watch {
				return a.watchStatus(cmd.Context(), dir, format)
			}
			return a.showStatus(cmd.Context(), dir, format)
		},
	}
	addStateDir(cmd, &dir)
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	cmd.Flags().BoolVar(&watch, "watch", false, "show it anew whenever it changes, until interrupted; as JSON, a line each time")
	return cmd
}

// A standing is what the state folder says of its fleet.
type standing struct {
	Fleet   string         `json:"fleet"`
	Applied *runLine       `json:"applied"`
	Last    *runLine       `json:"last"`
	Drifts  []driftLine    `json:"drifted"`
	Waits   []waitLine     `json:"waits"`
	Pauses  []ledger.Pause `json:"paused"`
}

type driftLine struct {
	Address string    `json:"address"`
	Fields  []string  `json:"fields"`
	Found   time.Time `json:"found"`
}

type waitLine struct {
	Address string    `json:"address"`
	What    string    `json:"what"`
	Blocked bool      `json:"blocked"`
	Since   time.Time `json:"since"`
}

func (a *app) showStatus(ctx context.Context, dir, format string) error {
	st, err := a.standing(ctx, dir)
	if err != nil {
		return err
	}
	if format == "json" {
		return a.printJSON(st)
	}
	return st.text(a.stdout, a.now())
}

// standing reads the state folder.
func (a *app) standing(ctx context.Context, dir string) (standing, error) {
	kept, err := a.openState(ctx, dir)
	if err != nil {
		return standing{}, err
	}
	defer kept.Close()
	return readStanding(ctx, kept)
}

// openState opens the state folder to be read.
func (a *app) openState(ctx context.Context, dir string) (*ledger.Ledger, error) {
	dir, err := a.state(dir)
	if err != nil {
		return nil, err
	}
	return ledger.OpenReadOnly(ctx, dir)
}

func readStanding(ctx context.Context, kept *ledger.Ledger) (st standing, err error) {
	last, err := kept.Runs(ctx, ledger.RunFilter{Whole: true, Limit: 1})
	if err != nil {
		return st, err
	}
	st = standing{Drifts: []driftLine{}, Waits: []waitLine{}, Pauses: []ledger.Pause{}}
	if len(last) > 0 {
		if st.Last, err = lineOf(ctx, kept, last[0]); err != nil {
			return st, err
		}
	}
	if st.Fleet, err = rollout.Fleet(ctx, kept); err != nil {
		return st, err
	}
	applied, found, err := kept.LastApplied(ctx, st.Fleet)
	if err != nil {
		return st, err
	}
	if found {
		if st.Applied, err = lineOf(ctx, kept, applied); err != nil {
			return st, err
		}
	}
	drifts, err := kept.Drifts(ctx, st.Fleet)
	if err != nil {
		return st, err
	}
	for _, d := range drifts {
		st.Drifts = append(st.Drifts, driftLine{d.Address, d.Fields, d.Found})
	}
	waits, err := kept.Waits(ctx, st.Fleet)
	if err != nil {
		return st, err
	}
	for _, w := range waits {
		st.Waits = append(st.Waits, waitLine{w.Address, w.What, w.Blocked, w.Since})
	}
	pauses, err := kept.Pauses(ctx, st.Fleet)
	st.Pauses = append(st.Pauses, pauses...)
	return st, err
}

// text writes the standing for people; now tells how long ago things were.
func (st standing) text(w io.Writer, now time.Time) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Fleet %s\n", orUnknown(st.Fleet))
	if st.Applied == nil {
		b.WriteString("Applied: no commit yet\n")
	} else {
		fmt.Fprintf(&b, "Applied: %s, %s\n", st.Applied.version(), ago(now, st.Applied.Ended))
	}
	if st.Last != nil {
		fmt.Fprintf(&b, "Last run: #%d, %s of %s, %s: %s\n", st.Last.ID, st.Last.Kind, st.Last.version(), ago(now, st.Last.Began), st.Last.ending())
	}
	for _, p := range st.Pauses {
		what := "the fleet"
		if p.Service != "" {
			what = "service " + planner.Clean(p.Service)
		}
		fmt.Fprintf(&b, "Paused: %s, by %s, %s: %s\n", what, planner.Clean(p.Who), ago(now, p.Since), planner.Clean(p.Reason))
	}
	section(&b, "Drifted", len(st.Drifts), func(t io.Writer) {
		for _, d := range st.Drifts {
			what := strings.Join(d.Fields, ", ")
			if what == "" {
				what = "missing, or one too many"
			}
			fmt.Fprintf(t, "  %s\t%s\tfound %s\n", planner.Clean(d.Address), planner.Clean(what), ago(now, d.Found))
		}
	})
	section(&b, "Waits", len(st.Waits), func(t io.Writer) {
		for _, l := range st.Waits {
			fmt.Fprintf(t, "  %s\t%s\tsince %s\n", planner.Clean(l.Address), planner.Clean(l.What), l.Since.Format("2006-01-02 15:04"))
		}
	})
	_, err := io.WriteString(w, b.String())
	return err
}

// section writes a heading and aligned lines, or nothing where there are none.
func section(b *strings.Builder, heading string, n int, lines func(io.Writer)) {
	if n == 0 {
		return
	}
	fmt.Fprintf(b, "%s: %d\n", heading, n)
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	lines(t)
	_ = t.Flush() // into memory
}

func orUnknown(name string) string {
	if name == "" {
		return "not known yet"
	}
	return name
}

// ago is a time as people say it.
func ago(now, then time.Time) string {
	switch d := now.Sub(then); {
	case then.IsZero():
		return "still under way"
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return plural(int(d.Minutes()), "minute") + " ago"
	case d < 48*time.Hour:
		return plural(int(d.Hours()), "hour") + " ago"
	default:
		return plural(int(d.Hours()/24), "day") + " ago"
	}
}

// watchEvery is how often the state folder is looked at.
const watchEvery = time.Second

// watchStatus shows the standing anew whenever it changes.
func (a *app) watchStatus(ctx context.Context, dir, format string) error {
	shown := ""
	for {
		st, err := a.standing(ctx, dir)
		if err != nil {
			return err
		}
		facts, err := json.Marshal(st)
		if err != nil {
			return err
		}
		if text := string(facts); text != shown {
			if err := a.showAnew(st, facts, format, shown == ""); err != nil {
				return err
			}
			shown = text
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchEvery):
		}
	}
}

// showAnew shows a standing in place of the one before it, if there was one.
// Its facts are the standing as JSON.
func (a *app) showAnew(st standing, facts []byte, format string, first bool) error {
	switch {
	case format == "json":
		_, err := fmt.Fprintf(a.stdout, "%s\n", planner.PlainJSON(facts))
		return err
	case a.isTerminal(a.stdout):
		fmt.Fprint(a.stdout, "\x1b[H\x1b[2J") // to the top of an empty screen
	case !first:
		fmt.Fprintln(a.stdout)
	}
	return st.text(a.stdout, a.now())
}
