package rollout

import (
	"context"
	"errors"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/planner"
)

// span begins a part of a run as traces show it. The function that it returns
// ends it, with what went wrong.
func (t *Track) span(ctx context.Context, name string, of ...attribute.KeyValue) (context.Context, func(error)) {
	tracer := t.Tracer
	if tracer == nil {
		tracer = noop.NewTracerProvider().Tracer("")
	}
	ctx, span := tracer.Start(ctx, name, trace.WithAttributes(of...))
	return ctx, func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, sentence(err))
		}
		span.End()
	}
}

// traceSteps has each step of a run's apply be a span within that of ctx, and
// the calls that change something for it be within its own.
func (t *Track) traceSteps(ctx context.Context, run *reconcile.Run) {
	type step struct {
		trace.Span
		end func(error)
	}
	var mu sync.Mutex
	observe, open := run.Observe, map[planner.StepKey]step{}
	run.Within = func(ctx context.Context, key planner.StepKey) context.Context {
		mu.Lock()
		defer mu.Unlock()
		return trace.ContextWithSpan(ctx, open[key].Span)
	}
	run.Observe = func(e applier.Event) {
		if observe != nil {
			observe(e)
		}
		mu.Lock()
		defer mu.Unlock()
		switch e.Kind {
		case applier.StepStarted:
			within, end := t.span(ctx, string(e.Action)+" "+e.Addr.Kind, attribute.String("linkfleet.address", e.Addr.String()))
			open[e.StepKey] = step{trace.SpanFromContext(within), end}
		case applier.StepWaiting:
			if s, ok := open[e.StepKey]; ok {
				s.AddEvent("waiting", trace.WithAttributes(attribute.String("linkfleet.for", planner.Clean(e.Reason))))
			}
		case applier.StepDone, applier.StepFailed, applier.StepUnfinished:
			if s, ok := open[e.StepKey]; ok {
				s.end(stepError(e))
				delete(open, e.StepKey)
			}
		}
	}
}

// stepError is what an event says went wrong.
func stepError(e applier.Event) error {
	if e.Kind == applier.StepDone {
		return nil
	}
	return errors.New(e.Reason)
}
