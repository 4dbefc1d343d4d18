package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/notify"
	"github.com/linkfleet/linkfleet/internal/serve"
	"github.com/linkfleet/linkfleet/planner"
)

// slackVariable carries the address of an incoming webhook: whoever knows it
// can post there.
const slackVariable = "LINKFLEET_SLACK_URL"

// channelHelp is what the help says of notices.
const channelHelp = `That runs fail, that something drifted, that a partner has not come for longer than
--remind-after, and that all is well again is told once, to the Slack-compatible
webhook in ` + slackVariable + ` (also Mattermost's and Discord's) and to the SNS topic
of --notify-topic, to which linkfleet's own credentials must be allowed to publish.`

// channelFlags say whom to tell.
type channelFlags struct{ topic string }

func (f *channelFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.topic, "notify-topic", "", "`ARN` of the SNS topic to tell of failures, drift and recoveries")
}

// A channel sends a notice somewhere.
type channel = func(context.Context, ledger.Notice) error

// channels are whom to tell, by name.
func (a *app) channels(ctx context.Context, f serveFlags) (map[string]channel, error) {
	all := map[string]channel{}
	if hook := a.getenv(slackVariable); hook != "" {
		sender, err := notify.Slack(notify.Secret(hook))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", slackVariable, err)
		}
		all["slack"] = sending(sender)
	}
	if f.channels.topic != "" {
		topic, err := a.topic(ctx, f)
		if err != nil {
			return nil, err
		}
		all["sns"] = sending(topic)
	}
	return all, nil
}

// topic sends to the topic with the program's own credentials.
func (a *app) topic(ctx context.Context, f serveFlags) (notify.Sender, error) {
	parts := strings.Split(f.channels.topic, ":") // arn:aws:sns:REGION:ACCOUNT:NAME
	if len(parts) != 6 || parts[2] != "sns" || parts[3] == "" {
		return nil, errors.New("--notify-topic is no ARN of a topic; give it as `aws sns list-topics` prints it")
	}
	place, err := a.ownPlace(ctx, planner.Place{Account: "topic", Region: parts[3]}, f.preview.aws)
	if err != nil {
		return nil, err
	}
	return notify.SNS(place.Topic(f.channels.topic)), nil
}

// sending sends what a server tells: a serve.Message is a notice in JSON.
func sending(to notify.Sender) channel {
	return func(ctx context.Context, n ledger.Notice) error {
		var notice notify.Notice
		if err := json.Unmarshal(n.Body, &notice); err != nil {
			return fmt.Errorf("a kept notice cannot be read: %w", err)
		}
		err := to.Send(ctx, notice)
		if e, ok := errors.AsType[*notify.Error](err); ok {
			return &serve.SendError{Err: e, Never: e.Permanent, After: e.After}
		}
		return err
	}
}
