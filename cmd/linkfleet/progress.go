package main

import (
	"context"
	"log/slog"

	"github.com/linkfleet/linkfleet/applier"
)

// A progress tells on standard error how an apply goes: as a status on a
// terminal, as records of the log with --log-format json, else as lines.
type progress struct {
	a      *app
	status *status // nil but on a terminal
}

func (a *app) newProgress() *progress { return &progress{a, a.newStatus("Applying")} }

func (p *progress) observe(e applier.Event) {
	switch {
	case p.status != nil:
		p.status.observe(e)
	case p.a.records:
		p.a.log.LogAttrs(context.Background(), levelOf(e), "step", attributes(e)...)
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

func attributes(e applier.Event) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("event", string(e.Kind)),
		slog.String("action", string(e.Action)),
		slog.String("addr", e.Addr.String()),
	}
	if e.Reason != "" {
		attrs = append(attrs, slog.String("reason", e.Reason))
	}
	return append(attrs, slog.Float64("seconds", e.Elapsed.Seconds()),
		slog.Int("ended", e.Counts.Ended()), slog.Int("total", e.Counts.Total))
}
