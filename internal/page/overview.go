package page

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/linkfleet/linkfleet/internal/ledger"
)

// How much of what is past the front page shows.
const (
	runsShown   = 20
	healedShown = 10
	driftsRead  = 50 // among which the healed ones are looked for
)

// An overview is what the front page shows.
type overview struct {
	Title   string
	Refresh bool
	Fleet   string
	Verdict verdict
	Applied *runLine
	Last    *runLine
	Pauses  []pauseLine
	Groups  []serviceLine
	Blocked []waitLine
	Waiting []waitLine
	Drifted []driftLine
	Healed  []driftLine
	Jobs    []jobLine
	Runs    []runLine
	Now     when
}

// A verdict is the fleet's state in a few words.
type verdict struct{ State, Text string }

// A pauseLine is one pause.
type pauseLine struct {
	What, Reason, Who string
	Since             when
}

// A waitLine is what a resource waits for, or is blocked by.
type waitLine struct {
	Address, What string
	Since         when
}

// A driftLine is what drifted.
type driftLine struct {
	Address, What string
	Found, Healed when
	Run           int64
}

// A jobLine is a job of the queue.
type jobLine struct {
	Kind, What, State string
	Since, Due        when
	Attempts          int
	LastError         string
}

// A runLine is one run.
type runLine struct {
	ID                    int64
	Kind, Outcome, Tone   string
	Commit, Subject, What string
	Began                 when
	Took, Error           string
}

// kept is what is known of a fleet at a moment.
type kept struct {
	waits  []ledger.Wait
	drifts []ledger.Drift // open ones
	healed []ledger.Drift
	pauses []ledger.Pause
	runs   []ledger.Run
	whole  []ledger.Run                // the newest of the whole fleet, however many previews came after them
	looked bool                        // a run has seen the fleet as AWS has it
	saw    map[int64]ledger.DriftCount // of drift, by the run's number
}

func (p *pages) overview(ctx context.Context) (*overview, error) {
	fleet := p.src.Fleet()
	k, err := p.read(ctx, fleet.Name)
	if err != nil {
		return nil, err
	}
	jobs, err := p.src.Jobs(ctx, fleet.Name)
	if err != nil {
		return nil, err
	}
	applied, found, err := p.src.LastApplied(ctx, fleet.Name)
	if err != nil {
		return nil, err
	}
	o := &overview{Title: cmp.Or(fleet.Name, "linkfleet"), Refresh: true, Fleet: fleet.Name, Now: p.at(p.now()),
		Groups: p.services(fleet, k), Verdict: judge(k), Jobs: p.jobs(jobs)}
	if found {
		line := p.runLine(applied, ledger.DriftCount{})
		o.Applied = &line
	}
	p.fill(o, k)
	return o, nil
}

func (p *pages) read(ctx context.Context, fleet string) (k kept, err error) {
	if k.waits, err = p.src.Waits(ctx, fleet); err != nil {
		return k, err
	}
	if k.pauses, err = p.src.Pauses(ctx, fleet); err != nil {
		return k, err
	}
	if k.runs, err = p.src.Runs(ctx, ledger.RunFilter{Fleet: fleet, Limit: runsShown}); err != nil {
		return k, err
	}
	if k.whole, err = p.src.Runs(ctx, ledger.RunFilter{Fleet: fleet, Whole: true, Limit: runsShown}); err != nil {
		return k, err
	}
	if _, k.looked, err = p.src.LastSuccess(ctx, fleet); err != nil {
		return k, err
	}
	k.saw = map[int64]ledger.DriftCount{}
	for _, r := range slices.Concat(k.runs, k.whole) {
		if _, asked := k.saw[r.ID]; asked {
			continue // most of the whole fleet's are among the newest of all
		}
		if k.saw[r.ID], _, err = p.src.DriftOf(ctx, r); err != nil {
			return k, err
		}
	}
	if k.drifts, err = p.src.Drifts(ctx, fleet); err != nil {
		return k, err
	}
	all, err := p.src.DriftHistory(ctx, fleet, driftsRead)
	for _, d := range all {
		if !d.Healed.IsZero() && len(k.healed) < healedShown {
			k.healed = append(k.healed, d)
		}
	}
	return k, err
}

// fill has one line for each thing that is kept.
func (p *pages) fill(o *overview, k kept) {
	for _, w := range k.waits {
		line := waitLine{w.Address, w.What, p.at(w.Since)}
		if w.Blocked {
			o.Blocked = append(o.Blocked, line)
		} else {
			o.Waiting = append(o.Waiting, line)
		}
	}
	for _, d := range k.drifts {
		o.Drifted = append(o.Drifted, p.driftLine(d))
	}
	for _, d := range k.healed {
		o.Healed = append(o.Healed, p.driftLine(d))
	}
	for _, pause := range k.pauses {
		what := "the whole fleet"
		if pause.Service != "" {
			what = "service " + pause.Service
		}
		o.Pauses = append(o.Pauses, pauseLine{what, pause.Reason, pause.Who, p.at(pause.Since)})
	}
	for _, r := range k.runs {
		o.Runs = append(o.Runs, p.runLine(r, k.saw[r.ID]))
	}
	if len(k.whole) > 0 {
		line := p.runLine(k.whole[0], k.saw[k.whole[0].ID])
		o.Last = &line
	}
}

func (p *pages) driftLine(d ledger.Drift) driftLine {
	what := "missing, or not to be there"
	if len(d.Fields) > 0 {
		what = strings.Join(d.Fields, ", ")
	}
	return driftLine{d.Address, what, p.at(d.Found), p.at(d.Healed), d.Run}
}

// judge weighs what is known: the worst first.
func judge(k kept) verdict {
	blocked := 0
	for _, w := range k.waits {
		if w.Blocked {
			blocked++
		}
	}
	var parts []string
	worst := ok
	for _, of := range []struct {
		n  int
		in state
	}{{blocked, isBlocked}, {len(k.drifts), drifted}, {len(k.waits) - blocked, waiting}} {
		if of.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", of.n, of.in))
			worst = worse(worst, of.in)
		}
	}
	switch {
	case len(parts) > 0:
		return verdict{string(worst), strings.Join(parts, " · ")}
	case !k.looked:
		return verdict{string(unknown), "No run has looked at AWS yet"}
	}
	ended := slices.IndexFunc(k.whole, func(r ledger.Run) bool { return r.Outcome != ledger.Running })
	if ended >= 0 && !k.whole[ended].Outcome.Well() {
		last := k.whole[ended]
		return verdict{tone(last.Outcome), fmt.Sprintf("Run %d: %s", last.ID, outcomeWord(last.Outcome))}
	}
	return verdict{string(ok), "As the repository wants it"}
}

func (p *pages) jobs(jobs []ledger.Job) []jobLine {
	var lines []jobLine
	for _, j := range jobs {
		line := jobLine{Kind: string(j.Kind), What: j.Key, State: "waits", Since: p.at(j.Enqueued), Attempts: j.Attempts, LastError: j.LastError}
		if j.Commit != "" {
			line.What += " at " + short(j.Commit)
		}
		switch {
		case !j.Taken.IsZero():
			line.State, line.Since = "runs", p.at(j.Taken)
		case j.NotBefore.After(p.now()):
			line.Due = p.at(j.NotBefore)
		}
		lines = append(lines, line)
	}
	return lines
}

func (p *pages) runLine(r ledger.Run, saw ledger.DriftCount) runLine {
	line := runLine{ID: r.ID, Kind: string(r.Kind), Outcome: outcomeWord(r.Outcome), Tone: tone(r.Outcome),
		Commit: short(r.Commit), Subject: r.Subject, What: changes(r.Counts, saw), Began: p.at(r.Began), Error: r.Error}
	if r.Kind == ledger.PreviewRun && r.Pull != 0 {
		line.Kind = fmt.Sprintf("preview of %d", r.Pull)
	}
	if r.Outcome == ledger.Nothing && saw.Drifted > 0 {
		line.Outcome = "nothing done" // though there was something to do
	}
	if !r.Ended.IsZero() {
		line.Took = took(r.Ended.Sub(r.Began).Round(time.Millisecond))
	}
	return line
}

func changes(c ledger.Counts, saw ledger.DriftCount) string {
	var parts []string
	for _, of := range []struct {
		n    int
		word string
	}{{saw.Drifted, "drifted"}, {saw.Healed, "healed"},
		{c.Created, "created"}, {c.Changed, "changed"}, {c.Replaced, "replaced"}, {c.Deleted, "deleted"}, {c.Blocked, "blocked"}, {c.Waiting, "waiting"}} {
		if of.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", of.n, of.word))
		}
	}
	return strings.Join(parts, ", ")
}

func outcomeWord(o ledger.Outcome) string {
	if o == ledger.Nothing {
		return "nothing to do"
	}
	return string(o)
}

// tone is the state that an outcome is coloured as.
func tone(o ledger.Outcome) string {
	switch o {
	case ledger.Done, ledger.Nothing:
		return string(ok)
	case ledger.Failed, ledger.Refused:
		return string(isBlocked)
	case ledger.Running:
		return string(waiting)
	}
	return string(unknown)
}

// short is a commit as people write it.
func short(commit string) string { return commit[:min(len(commit), 10)] }
