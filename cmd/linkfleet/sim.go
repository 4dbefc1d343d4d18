package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/linkfleet/linkfleet/internal/awssim"
)

type simFlags struct {
	world      string
	listen     string
	speed      float64
	state      string
	strictAuth bool
}

func newSimCommand(a *app) *cobra.Command {
	var f simFlags
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "Serve a simulated AWS",
		Long: `sim serves what a fleet needs of AWS: VPC endpoints and their services, load
balancers, DNS, topics, role sessions, for many accounts at once. Point linkfleet,
the aws command or any SDK at it:

  export AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any

Any access key is one of the world's default account, 123456789012 if the world
names none; a key that is an account's id is that account's. Everything is lost
when sim ends, unless --state keeps it.

Its own endpoints: GET /_sim/calls, GET /_sim/world, POST /_sim/reset,
POST /_sim/faults, POST /_sim/clock.`,
		Example: `  linkfleet sim --world fleet.example/sandbox/world.cue --speed 60`,
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.sim(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.world, "world", "", "CUE file or folder that says what exists at the start (by default nothing does)")
	flags.StringVar(&f.listen, "listen", "127.0.0.1:4566", "address to listen on; port 0 picks one")
	flags.Float64Var(&f.speed, "speed", 1, "how much faster than real time the clock runs")
	flags.StringVar(&f.state, "state", "", "keep everything in `FILE`, and go on from there")
	flags.BoolVar(&f.strictAuth, "strict-auth", false, "refuse access keys that the world does not name")
	return cmd
}

func (a *app) sim(ctx context.Context, f simFlags) error {
	if f.speed <= 0 {
		return fmt.Errorf("--speed %v is not above 0", f.speed)
	}
	var world awssim.World
	if f.world != "" {
		var err error
		if world, err = awssim.LoadWorld(f.world); err != nil {
			return fmt.Errorf("loading the world: %w", err)
		}
	}
	sim, err := awssim.New(awssim.Options{
		World: world, StrictAuth: f.strictAuth, Logger: a.log, Speed: f.speed, State: f.state,
	})
	if err != nil {
		return fmt.Errorf("starting the simulator: %w", err)
	}
	return a.serveSim(ctx, f.listen, sim)
}

// serveSim answers requests until a signal comes. Those under way are seen
// through.
func (a *app) serveSim(ctx context.Context, address string, handler http.Handler) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listening on %s: %w; --listen takes another address, and port 0 picks one", address, err)
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx }, // a long poll is not seen through
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	if _, err := fmt.Fprintf(a.stdout, "listening on http://%s\n", listener.Addr()); err != nil {
		return errors.Join(err, server.Close())
	}
	select {
	case err := <-ended:
		return fmt.Errorf("serving the simulated AWS: %w", err)
	case <-ctx.Done():
	}
	a.log.Info("the simulator ends")
	final, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return server.Shutdown(final)
}
