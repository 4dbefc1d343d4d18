package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/forge/webhook"
	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/page"
	"github.com/linkfleet/linkfleet/internal/rollout"
	"github.com/linkfleet/linkfleet/internal/schedule"
	"github.com/linkfleet/linkfleet/internal/serve"
)

// webhookSecretVariable carries the webhook's secret; two, one to a line,
// while one is replaced by the other.
const webhookSecretVariable = "LINKFLEET_WEBHOOK_SECRET"

type serveFlags struct {
	preview    previewFlags // the repository, its forge and AWS
	listen     string
	noPreviews bool
	previews   int
	poll       time.Duration
	drift      string
	jitter     time.Duration
	windows    []string
	events     eventFlags
	channels   channelFlags
	remind     time.Duration
	publicURL  string

	pace paceFlags
}

func newServeCommand(a *app) *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve --repo URL",
		Short: "Keep AWS as the fleet's repository says",
		Long: `serve does what reconcile and preview do, for as long as it runs: it rolls out what
is pushed to the branch, previews pull requests, and at set times looks for drift
and corrects it. It is told of pushes and pull requests by webhooks to /hooks, of
which it wants ` + webhookSecretVariable + ` to hold the secret, or asks the forge and
the repository itself every --poll. When a merge was rolled out, the open pull
requests, the 50 newest of them, are previewed anew.

What it is asked for it keeps in the state folder until it is done: a crash loses
nothing, and a newer commit takes the place of an older one that waits. An
interrupt (Ctrl-C) lets running steps finish and ends; a second one ends at once.

Beside /hooks it answers /healthz, /readyz, /metrics (for Prometheus) and /, a page
that shows the fleet's state to everybody who can reach it. It speaks HTTP without
encryption; put a proxy before it that adds that.

A --window says when the fleet may be changed: "allow mon-fri 09:00-17:00
Europe/Zurich", "deny 2026-12-20..2027-01-03". Deny wins; without any allow, all is
allowed that is not denied. A run that has begun is let finish. Outside of the
windows drift is looked for all the same, and told.

` + channelHelp + `

` + eventHelp + `

` + forgeHelp + `

` + repoHelp + `

` + leaseHelp,
		Example: `  linkfleet serve --repo https://github.com/example/fleet --drift "*/30 * * * *" \
    --window "deny fri 12:00-24:00 Europe/Zurich"`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:8080", "`ADDRESS` to answer at")
	flags.BoolVar(&f.noPreviews, "no-previews", false, "leave pull requests alone")
	flags.IntVar(&f.previews, "previews", 2, "pull requests previewed at the same time")
	flags.DurationVar(&f.poll, "poll", 0, "ask the repository and the forge what is new that often, such as 1m (0: only when told)")
	flags.StringVar(&f.drift, "drift", "@hourly", "`WHEN` to look for drift and correct it, as cron has it, with a time zone behind it; empty: never")
	flags.DurationVar(&f.jitter, "drift-jitter", 5*time.Minute, "spread the looks for drift of many fleets over that long")
	flags.StringArrayVar(&f.windows, "window", nil, "`RULE` of when the fleet may be changed; may be given more than once")
	flags.DurationVar(&f.remind, "remind-after", 24*time.Hour, "tell of what has waited that long, such as for a partner to connect (0: never)")
	flags.StringVar(&f.publicURL, "public-url", "", "`URL` at which people reach this server, for the links in what it posts")
	f.pace.add(cmd)
	f.events.add(cmd)
	f.channels.add(cmd)
	f.preview.repo.add(cmd)
	f.preview.repo.addSigners(cmd)
	f.preview.forge.add(cmd)
	f.preview.aws.add(cmd)
	return cmd
}

func (f *serveFlags) check(a *app) error {
	switch {
	case f.remind < 0:
		return fmt.Errorf("--remind-after %s is below 0; 0 is never", f.remind)
	case f.previews < 1:
		return fmt.Errorf("--previews %d is below 1; --no-previews leaves pull requests alone", f.previews)
	}
	return errors.Join(f.pace.check(), f.preview.repo.check(), f.preview.forge.check(), f.preview.aws.check(a))
}

func (a *app) serve(ctx context.Context, f serveFlags) error {
	if err := f.check(a); err != nil {
		return err
	}
	f.preview.more = f.publicURL
	t, done, err := a.track(ctx, &f.preview.repo, f.preview.aws)
	if err != nil {
		return err
	}
	defer done()
	t.Prepare = f.pace.set
	t.Stepped = a.logSteps
	sight := &shown{Ledger: t.Ledger}
	t.Loaded = sight.load
	if fleet, err := t.Applied(ctx); err == nil && fleet != nil { // the next run shows it otherwise
		sight.load(fleet)
	}
	config, err := a.serveConfig(ctx, t, f)
	if err != nil {
		return err
	}
	counts, err := newCounted(ctx, t.Ledger, slices.Collect(maps.Keys(config.Channels)))
	if err != nil {
		return err
	}
	config.Observer = counts
	server, err := serve.New(config)
	if err != nil {
		return err
	}
	return a.serveUntilStopped(ctx, server, a.routes(server, sight, counts), f)
}

// logSteps has the log of a server tell how a run's steps ended.
func (a *app) logSteps(run ledger.Run, e applier.Event) {
	level := levelOf(e)
	if e.Kind == applier.StepStarted || e.Kind == applier.StepWaiting {
		level = slog.LevelDebug
	}
	logStep(a.ofRun(run), level, e)
}

// serveConfig is what the flags make of a server.
func (a *app) serveConfig(ctx context.Context, t *rollout.Track, f serveFlags) (serve.Config, error) {
	c := serve.Config{Track: t, Ledger: t.Ledger, Ref: t.Ref, Previews: f.previews, Poll: f.poll, RemindAfter: f.remind, URL: f.publicURL, Log: a.log, Now: a.now}
	err := a.meetForge(&c, t, f)
	if err != nil {
		return c, err
	}
	if c.Drift, err = f.times(t.Repo.URL()); err != nil {
		return c, err
	}
	windows, err := schedule.ParseWindows(f.windows...)
	if err != nil {
		return c, fmt.Errorf("--window: %w", err)
	}
	c.Window = windows.Open
	if c.Channels, err = a.channels(ctx, f); err != nil {
		return c, err
	}
	c.Events, err = a.events(ctx, f)
	return c, err
}

// meetForge prepares webhooks, if there is a secret for them, and previews. A
// repository that nobody asks for either may be on no forge.
func (a *app) meetForge(c *serve.Config, t *rollout.Track, f serveFlags) error {
	secrets := a.webhookSecrets()
	if f.noPreviews && len(secrets) == 0 {
		return nil
	}
	on, err := f.preview.forge.config(a, f.preview.repo.url)
	if err != nil {
		return err
	}
	c.Forge, c.Repo = on.Kind, on.Repo
	if len(secrets) > 0 {
		if c.Receiver, err = webhook.NewReceiver(on.Kind, secrets, 0); err != nil {
			return err
		}
	}
	if f.noPreviews {
		return nil
	}
	p, err := a.previewer(t, f.preview)
	if err != nil {
		return err
	}
	c.Previewer, c.Pulls = p, p.Forge
	return nil
}

func (a *app) webhookSecrets() (secrets [][]byte) {
	for line := range strings.Lines(a.getenv(webhookSecretVariable)) {
		if line = strings.TrimSpace(line); line != "" {
			secrets = append(secrets, []byte(line))
		}
	}
	return secrets
}

// times are when to look for drift.
func (f *serveFlags) times(name string) (func(time.Time) time.Time, error) {
	if f.drift == "" {
		return nil, nil
	}
	cron, err := schedule.ParseCron(f.drift)
	if err != nil {
		return nil, fmt.Errorf("--drift: %w", err)
	}
	return cron.Spread(name, f.jitter).Next, nil
}

// Bounds of what one request may take of the server. Deliveries of webhooks
// have their own.
const (
	headerTime = 10 * time.Second
	answerTime = time.Minute
	idleTime   = 2 * time.Minute
	drainTime  = 20 * time.Second
)

// serveUntilStopped answers and works until the first signal.
func (a *app) serveUntilStopped(ctx context.Context, server *serve.Server, routes http.Handler, f serveFlags) error {
	listener, err := net.Listen("tcp", f.listen)
	if err != nil {
		return fmt.Errorf("answering at %s: %w", f.listen, err)
	}
	stop := make(chan struct{})
	halt := sync.OnceFunc(func() { close(stop) }) // a signal and a listener that fails may both come
	undo := a.interrupts.orderly(func() {
		halt()
		a.say(slog.LevelInfo, "finishing running steps; interrupt again to stop now")
	})
	defer undo()
	web := &http.Server{
		Handler: routes, ReadHeaderTimeout: headerTime, ReadTimeout: answerTime, WriteTimeout: answerTime, IdleTimeout: idleTime,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}
	answering := make(chan error, 1)
	go func() { answering <- web.Serve(listener) }()
	fmt.Fprintf(a.stdout, "listening on http://%s\n", listener.Addr())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx, stop) }()
	select {
	case err = <-ended:
	case err = <-answering:
		halt()
		<-ended
		return fmt.Errorf("answering at %s: %w", f.listen, err)
	}
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	return cmp.Or(err, web.Shutdown(draining))
}

// routes are what the server answers.
func (a *app) routes(server *serve.Server, sight *shown, counts *counted) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/hooks", server.Handler())
	mux.Handle("GET /healthz", probe(server.Healthy))
	mux.Handle("GET /readyz", probe(server.Ready))
	mux.Handle("GET /metrics", counts.Handler())
	mux.Handle("/", page.Handler(sight, a.now))
	return mux
}

// probe answers whether all is well.
func probe(check func() error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if err := check(); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintln(w, err)
			return
		}
		fmt.Fprintln(w, "ok")
	})
}
