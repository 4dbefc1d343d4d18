package main

import (
	"context"
	"net/http"

	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/metrics"
	"github.com/linkfleet/linkfleet/internal/rollout"
	"github.com/linkfleet/linkfleet/internal/serve"
)

// counted counts what a server does. How the fleet stands is looked up when
// somebody asks.
type counted struct {
	*metrics.Metrics
	kept *ledger.Ledger
}

// newCounted begins with how the ledger's last runs ended, and with no notice
// sent by any of the channels.
func newCounted(ctx context.Context, kept *ledger.Ledger, channels []string) (*counted, error) {
	c := &counted{metrics.New(version(), channels...), kept}
	name, err := rollout.Fleet(ctx, kept)
	if err != nil {
		return nil, err
	}
	for _, last := range []func(context.Context, string) (ledger.Run, bool, error){kept.LastSuccess, kept.LastApplied} {
		run, found, err := last(ctx, name)
		if err != nil {
			return nil, err
		}
		if found {
			c.Succeeded(run)
		}
	}
	return c, nil
}

// RunEnded counts a run and what it asked of AWS.
func (c *counted) RunEnded(e serve.Ended) {
	c.Metrics.RunEnded(e.Run)
	calls := make([]metrics.AWSCalls, len(e.Calls))
	for i, n := range e.Calls {
		calls[i] = metrics.AWSCalls(n)
	}
	c.AWS(calls)
}

// Delivered counts a webhook's delivery.
func (c *counted) Delivered(r serve.DeliveryResult) { c.Webhook(metrics.WebhookResult(r)) }

// Noticed counts an attempt to send a notice.
func (c *counted) Noticed(channel string, r serve.NoticeResult) {
	c.Notice(channel, metrics.NoticeResult(r))
}

// Handler answers Prometheus.
func (c *counted) Handler() http.Handler {
	answer := c.Metrics.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := c.look(r.Context()); err != nil {
			http.Error(w, "the state folder cannot be read", http.StatusInternalServerError)
			return
		}
		answer.ServeHTTP(w, r)
	})
}

// look takes note of how the fleet stands.
func (c *counted) look(ctx context.Context) error {
	drifts, err := c.kept.Drifts(ctx, "")
	if err != nil {
		return err
	}
	waits, err := c.kept.Waits(ctx, "")
	if err != nil {
		return err
	}
	pauses, err := c.kept.Pauses(ctx, "")
	if err != nil {
		return err
	}
	jobs, err := c.kept.Jobs(ctx, "")
	if err != nil {
		return err
	}
	stands := metrics.Standing{Drifted: len(drifts), Paused: len(pauses)}
	for _, w := range waits {
		if w.Blocked {
			stands.Blocked++
		} else {
			stands.Waiting++
		}
	}
	c.Standing(stands)
	c.Jobs(jobs)
	return nil
}
