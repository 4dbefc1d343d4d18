package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/events"
	"github.com/linkfleet/linkfleet/planner"
)

// eventHelp is what the help says of AWS's events.
const eventHelp = `With --events-queue, a queue that is subscribed to the topics of the fleet's
notifications, a declared partner's connection is accepted within seconds of its
coming. linkfleet's own credentials, not those of a role it assumes, must be
allowed to receive and delete the queue's messages.`

// eventFlags say where AWS tells of connections.
type eventFlags struct{ queue, region string }

func (f *eventFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.queue, "events-queue", "", "`URL` of the SQS queue that the fleet's notifications go to")
	cmd.Flags().StringVar(&f.region, "events-region", "", "the queue's `REGION`, where its URL does not tell it")
}

// place is where the queue is.
func (f *eventFlags) place(a *app) (planner.Place, error) {
	u, err := url.Parse(f.queue)
	if err != nil || u.Host == "" {
		return planner.Place{}, errors.New("--events-queue is no URL; give it as AWS shows it: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME")
	}
	region := f.region
	if parts := strings.Split(u.Hostname(), "."); region == "" && len(parts) > 3 && parts[0] == "sqs" {
		region = parts[1]
	}
	if region == "" {
		region = a.getenv("AWS_REGION")
	}
	if region == "" {
		return planner.Place{}, errors.New("the URL of --events-queue does not tell its region; give that with --events-region")
	}
	return planner.Place{Account: "queue", Region: region}, nil
}

// events waits for what AWS tells; nil if it tells nothing.
func (a *app) events(ctx context.Context, f serveFlags) (func(context.Context) (int, func(context.Context) error, error), error) {
	if f.events.queue == "" {
		return nil, nil
	}
	at, err := f.events.place(a)
	if err != nil {
		return nil, err
	}
	place, err := a.ownPlace(ctx, at, f.preview.aws)
	if err != nil {
		return nil, err
	}
	reader := events.NewReader(place.Queue(f.events.queue))
	return func(ctx context.Context) (int, func(context.Context) error, error) {
		all, err := reader.Next(ctx)
		return a.arrivals(all), func(ctx context.Context) error { return acknowledge(ctx, all) }, err
	}, nil
}

// ownPlace is a place as the program's own credentials reach it.
func (a *app) ownPlace(ctx context.Context, at planner.Place, f awsFlags) (*awsapi.Place, error) {
	api, err := awsapi.New(ctx, awsapi.Options{
		Accounts: map[string]awsapi.Account{at.Account: {}}, SessionName: "linkfleet", Endpoint: f.endpoint, Speed: f.speed,
	})
	if err != nil {
		return nil, err
	}
	return api.Place(ctx, at)
}

// arrivals counts the messages that tell of connections, or may: AWS does not
// say how it words them, and the worst that a run does is find nothing.
func (a *app) arrivals(all []events.Message) int {
	n := 0
	for _, m := range all {
		switch {
		case m.Unclear != "":
			n++
			a.log.Warn("a message of the queue is not understood", "message", m.ID, "why", m.Unclear)
		case m.Event == events.Connect:
			n++
			a.log.Log(context.Background(), slog.LevelDebug, "AWS tells of a connection", "notice", fmt.Sprint(m.Notice))
		}
	}
	return n
}

func acknowledge(ctx context.Context, all []events.Message) error {
	var errs []error
	for _, m := range all {
		errs = append(errs, m.Ack(ctx))
	}
	return errors.Join(errs...)
}
