// Package metrics counts what a server does, for Prometheus.
//
// The names keep to Prometheus' rules (https://prometheus.io/docs/practices/naming/).
// No label grows with what others do: there are none of addresses, commits,
// accounts or pull requests, and words that are not known count as "other".
package metrics

import (
	"net/http"
	"runtime"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/linkfleet/linkfleet/internal/ledger"
)

// A Metrics is a registry of its own, with all that is counted. It may be used
// by many goroutines.
type Metrics struct {
	registry *prometheus.Registry

	runs        *prometheus.CounterVec
	durations   *prometheus.HistogramVec
	lastSuccess *prometheus.GaugeVec

	drifted, waiting, blocked, paused prometheus.Gauge

	jobs     *prometheus.GaugeVec
	webhooks *prometheus.CounterVec
	notices  *prometheus.CounterVec

	calls, throttles, failures *prometheus.CounterVec
}

// other stands for every word that is not known.
const other = "other"

// What runs and jobs are counted by.
var (
	runKinds = []ledger.RunKind{ledger.ApplyRun, ledger.HealRun, ledger.PreviewRun, ledger.DriftRun}
	outcomes = []ledger.Outcome{ledger.Done, ledger.Nothing, ledger.Failed, ledger.Refused, ledger.Interrupted}
	jobKinds = []ledger.JobKind{ledger.PushJob, ledger.PullJob, ledger.DriftJob, ledger.ArrivalJob}
)

// known is a word, or other if it is none of some.
func known[T ~string](word T, of []T) string {
	if slices.Contains(of, word) {
		return string(word)
	}
	return other
}

// New makes the metrics of a program of a version, which sends notices by
// channels of these names.
func New(version string, channels ...string) *Metrics {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m := &Metrics{
		registry:    r,
		runs:        counters(r, "runs_total", "Runs that ended, by what they were for and what came of them.", "kind", "outcome"),
		durations:   durations(r),
		lastSuccess: gauges(r, "last_success_timestamp_seconds", "When a run of this kind last ended well, in Unix time.", "fleet", "kind"),
		drifted:     gauge(r, "drifted_resources", "Resources that are other than the commit applied last wants them."),
		waiting:     gauge(r, "waiting_resources", "Resources that wait for something to come, such as a partner's connection."),
		blocked:     gauge(r, "blocked_resources", "Resources that something amiss keeps from being what they should."),
		paused:      gauge(r, "paused", "Pauses in force, of the fleet or of services."),
		jobs:        gauges(r, "queue_jobs", "Jobs in the queue, by what asked for them and whether they wait or run.", "kind", "state"),
		webhooks:    counters(r, "webhooks_total", "Webhooks that came, by what became of them.", "result"),
		notices:     counters(r, "notices_total", "Attempts to send a notice, by channel and by what came of them.", "channel", "result"),
		calls:       counters(r, "aws_calls_total", "Requests sent to AWS, each retry being one.", "service", "operation"),
		throttles:   counters(r, "aws_throttles_total", "Requests that AWS refused for their rate.", "service", "operation"),
		failures:    counters(r, "aws_errors_total", "Requests to AWS that failed in any other way.", "service", "operation"),
	}
	gauges(r, "build_info", "Always 1; the labels say what was built, and with which Go.", "version", "go").WithLabelValues(version, runtime.Version()).Set(1)
	m.begin(channels)
	return m
}

// begin has what may be counted at zero, so that its first rise is seen:
// Prometheus sees none in a series that begins with it.
func (m *Metrics) begin(channels []string) {
	for _, kind := range runKinds {
		for _, outcome := range outcomes {
			m.runs.WithLabelValues(string(kind), string(outcome))
		}
	}
	for _, result := range webhookResults {
		m.webhooks.WithLabelValues(string(result))
	}
	for _, channel := range channels {
		for _, result := range noticeResults {
			m.notices.WithLabelValues(channel, string(result))
		}
	}
	m.Jobs(nil)
}

// Handler serves the metrics in Prometheus' text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// RunEnded counts a run that has ended.
func (m *Metrics) RunEnded(r ledger.Run) {
	m.runs.WithLabelValues(known(r.Kind, runKinds), known(r.Outcome, outcomes)).Inc()
	if took := r.Ended.Sub(r.Began); took >= 0 {
		m.durations.WithLabelValues(known(r.Kind, runKinds)).Observe(took.Seconds())
	}
	m.Succeeded(r)
}

// Succeeded keeps when a run ended well, and is nothing for one that did not.
// It is for what is known from before the program began; RunEnded does it too.
func (m *Metrics) Succeeded(r ledger.Run) {
	if r.Outcome.Well() {
		m.lastSuccess.WithLabelValues(r.Fleet, known(r.Kind, runKinds)).Set(float64(r.Ended.UnixMilli()) / 1000)
	}
}

// A Standing is how many of a fleet's resources are not as they should be.
type Standing struct{ Drifted, Waiting, Blocked, Paused int }

// Standing says how the fleet stands now.
func (m *Metrics) Standing(s Standing) {
	m.drifted.Set(float64(s.Drifted))
	m.waiting.Set(float64(s.Waiting))
	m.blocked.Set(float64(s.Blocked))
	m.paused.Set(float64(s.Paused))
}

// Jobs says what is in the queue now.
func (m *Metrics) Jobs(jobs []ledger.Job) {
	type slot struct{ kind, state string }
	count := map[slot]int{}
	for _, kind := range append(slices.Clone(jobKinds), other) {
		count[slot{string(kind), "waiting"}], count[slot{string(kind), "running"}] = 0, 0
	}
	for _, j := range jobs {
		state := "waiting"
		if !j.Taken.IsZero() {
			state = "running"
		}
		count[slot{known(j.Kind, jobKinds), state}]++
	}
	for s, n := range count {
		m.jobs.WithLabelValues(s.kind, s.state).Set(float64(n))
	}
}

// A WebhookResult is what became of a webhook.
type WebhookResult string

// The results of webhooks.
const (
	Queued  WebhookResult = "queued"  // what it asks for is in the queue
	Ignored WebhookResult = "ignored" // genuine, but it asks for nothing
	Again   WebhookResult = "again"   // it was accepted before
	Refused WebhookResult = "refused" // forged, too large, or not as the forge writes it
	Failed  WebhookResult = "failed"  // our fault: it may be sent again
)

var webhookResults = []WebhookResult{Queued, Ignored, Again, Refused, Failed}

// Webhook counts one that came.
func (m *Metrics) Webhook(result WebhookResult) {
	m.webhooks.WithLabelValues(known(result, webhookResults)).Inc()
}

// A NoticeResult is what came of an attempt to send a notice.
type NoticeResult string

// The results of attempts.
const (
	Sent    NoticeResult = "sent"
	Delayed NoticeResult = "delayed" // it will be tried again
	GivenUp NoticeResult = "given_up"
)

var noticeResults = []NoticeResult{Sent, Delayed, GivenUp}

// Notice counts an attempt to send one by a channel, which is known by the name
// it has in the configuration.
func (m *Metrics) Notice(channel string, result NoticeResult) {
	m.notices.WithLabelValues(channel, known(result, noticeResults)).Inc()
}

// AWSCalls are the requests of one operation in one place. It has the fields of
// awsapi.CallCount, and converts from it.
type AWSCalls struct {
	Service, Operation, Account, Region string
	Calls, Throttled, Errors            int
}

// AWS adds what was sent since it was told last; of a run with clients of its
// own, all that it sent. Accounts and regions are summed up.
func (m *Metrics) AWS(calls []AWSCalls) {
	for _, c := range calls {
		m.calls.WithLabelValues(c.Service, c.Operation).Add(float64(max(c.Calls, 0)))
		m.throttles.WithLabelValues(c.Service, c.Operation).Add(float64(max(c.Throttled, 0)))
		m.failures.WithLabelValues(c.Service, c.Operation).Add(float64(max(c.Errors, 0)))
	}
}

const namespace = "linkfleet"

func counters(r *prometheus.Registry, name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	r.MustRegister(c)
	return c
}

func gauges(r *prometheus.Registry, name, help string, labels ...string) *prometheus.GaugeVec {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels)
	r.MustRegister(g)
	return g
}

func gauge(r *prometheus.Registry, name, help string) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help})
	r.MustRegister(g)
	return g
}

// durations has buckets from a run that finds nothing to one that waits for a
// load balancer, an endpoint and a DNS verification in turn.
func durations(r *prometheus.Registry) *prometheus.HistogramVec {
	var buckets []float64
	for _, d := range []time.Duration{time.Second, 3 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute,
		3 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour} {
		buckets = append(buckets, d.Seconds())
	}
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: "run_duration_seconds",
		Help: "How long runs took, in seconds, waits for AWS included.", Buckets: buckets}, []string{"kind"})
	r.MustRegister(h)
	return h
}
