package main

import (
	"context"
	"log/slog"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/ledger"
)

// A progress tells on standard error how an apply goes: as a status on a
// terminal, as records of the log with --log-format json, else as lines.
type progress struct {
	a      *app
	status *status // nil but on a terminal
}

func (a *app) newProgress() *progress { return &progress{a, a.newStatus("Applying")} }

// observe shows an event. Records go to a log that says what it is of.
func (p *progress) observe(log *slog.Logger, e applier.Event) {
	switch {
	case p.status != nil:
		p.status.observe(e)
	case p.a.records:
		logStep(log, levelOf(e), e)
	default:
		p.a.say(levelOf(e), applier.Line(e))
	}
}

// say tells something that is no event.
func (p *progress) say(text string) {
	if p.status != nil {
		p.status.say(text)
		return
	}
	p.a.say(slog.LevelInfo, text)
}

func (p *progress) close() { p.status.close() }

func levelOf(e applier.Event) slog.Level {
	if e.Kind == applier.StepFailed {
		return slog.LevelError
	}
	return slog.LevelInfo
}

// ofRun is the log of a run.
func (a *app) ofRun(run ledger.Run) *slog.Logger {
	return a.log.With("fleet", run.Fleet, "run", run.ID, "commit", run.Commit)
}

func logStep(log *slog.Logger, level slog.Level, e applier.Event) {
	attrs := []slog.Attr{
		slog.String("event", string(e.Kind)),
		slog.String("action", string(e.Action)),
		slog.String("address", e.Addr.String()),
		slog.String("place", e.Addr.Place.String()),
	}
	if e.Reason != "" {
		attrs = append(attrs, slog.String("reason", e.Reason))
	}
	log.LogAttrs(context.Background(), level, "step", append(attrs, slog.Float64("seconds", e.Elapsed.Seconds()),
		slog.Int("ended", e.Counts.Ended()), slog.Int("total", e.Counts.Total))...)
}
