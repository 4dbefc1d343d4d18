package awsapi_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/planner"
)

const (
	queueAccount = "111111111111"
	queueURL     = "https://sqs.eu-west-1.amazonaws.com/" + queueAccount + "/events"
)

// onQueue runs a test on a queue in a simulated AWS, in virtual time.
func onQueue(t *testing.T, turn func(*awsapi.Options), test func(t *testing.T, sim *awssim.Sim, p *awsapi.Place)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sim, err := awssim.New(awssim.Options{World: awssim.World{Accounts: map[string]awssim.WorldAccount{
			queueAccount: {Regions: map[string]awssim.WorldRegion{"eu-west-1": {Queues: map[string]awssim.WorldQueue{"events": {}}}}},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		o := awsapi.Options{
			Accounts:    map[string]awsapi.Account{"home": {ID: queueAccount}},
			Credentials: &awsapi.Credentials{AccessKeyID: queueAccount, SecretAccessKey: "x"},
			Transport:   sim.Client().Transport,
		}
		if turn != nil {
			turn(&o)
		}
		api, err := awsapi.New(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		place, err := api.Place(t.Context(), planner.Place{Account: "home", Region: "eu-west-1"})
		if err != nil {
			t.Fatal(err)
		}
		test(t, sim, place)
	})
}

func send(t *testing.T, p *awsapi.Place, body string) {
	t.Helper()
	url := queueURL
	if _, err := p.SQS.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}); err != nil {
		t.Fatal(err)
	}
}

func TestQueue(t *testing.T) {
	onQueue(t, nil, func(t *testing.T, _ *awssim.Sim, p *awsapi.Place) {
		q := p.Queue(queueURL)
		began := time.Now()
		if got, err := q.Receive(t.Context(), 10, awsapi.LongestPoll); err != nil || len(got) != 0 || time.Since(began) != 20*time.Second {
			t.Errorf("an empty queue: %v, %v after %s", got, err, time.Since(began))
		}
		go func() {
			time.Sleep(3 * time.Second)
			send(t, p, "one")
		}()
		sent := time.Now().Add(3 * time.Second)
		got, err := q.Receive(t.Context(), 100, time.Hour)
		if err != nil || len(got) != 1 {
			t.Fatalf("received %v, %v", got, err)
		}
		if m := got[0]; m.Body != "one" || m.ID == "" || m.Times != 1 || !m.Sent.Equal(sent.Truncate(time.Millisecond)) {
			t.Errorf("received %+v, sent %s", m, sent)
		}
		for range 2 {
			if err := q.Delete(t.Context(), got[0].Handle); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(time.Minute)
		if got, err := q.Receive(t.Context(), 0, 0); err != nil || len(got) != 0 {
			t.Errorf("after the delete: %v, %v", got, err)
		}
	})
}

// An answer that was lost costs a message its visibility timeout, and no more.
func TestQueueWithLostAnswers(t *testing.T) {
	onQueue(t, nil, func(t *testing.T, sim *awssim.Sim, p *awsapi.Place) {
		for _, op := range []string{"ReceiveMessage", "DeleteMessage"} {
			if err := sim.Inject(awssim.Fault{Service: "sqs", Operation: op, Nth: 1, Effect: awssim.FaultLost}); err != nil {
				t.Fatal(err)
			}
		}
		send(t, p, "one")
		q, began := p.Queue(queueURL), time.Now()
		var got []awsapi.Received
		for len(got) == 0 {
			var err error
			if got, err = q.Receive(t.Context(), 10, awsapi.LongestPoll); err != nil {
				t.Fatal(err)
			}
		}
		if late := time.Since(began); late < 29*time.Second || late > 31*time.Second || got[0].Times != 2 {
			t.Errorf("after %s: %+v", late, got)
		}
		if err := q.Delete(t.Context(), got[0].Handle); err != nil {
			t.Error(err)
		}
	})
}

func TestQueueErrors(t *testing.T) {
	onQueue(t, nil, func(t *testing.T, _ *awssim.Sim, p *awsapi.Place) {
		ghost := strings.Replace(queueURL, "events", "ghost", 1)
		_, err := p.Queue(ghost).Receive(t.Context(), 1, 0)
		if !awsapi.IsNotFound(err) || !strings.HasPrefix(awsapi.Explain(err), "there is no queue "+ghost+" in eu-west-1; ") {
			t.Errorf("no queue: %v", err)
		}
		_, err = p.Queue(strings.Replace(queueURL, queueAccount, "222222222222", 1)).Receive(t.Context(), 1, 0)
		if !awsapi.IsNotFound(err) {
			t.Errorf("another account's: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		if _, err := p.Queue(queueURL).Receive(ctx, 1, awsapi.LongestPoll); err == nil || ctx.Err() == nil || time.Since(began) != 5*time.Second {
			t.Errorf("given up: %v after %s", err, time.Since(began))
		}
	})
}

// A read-only run neither takes messages out of others' sight nor deletes them.
func TestReadOnlyLeavesQueuesAlone(t *testing.T) {
	onQueue(t, func(o *awsapi.Options) { o.ReadOnly = true }, func(t *testing.T, sim *awssim.Sim, p *awsapi.Place) {
		q := p.Queue(queueURL)
		_, err := q.Receive(t.Context(), 1, 0)
		for _, err := range []error{err, q.Delete(t.Context(), "x")} {
			if !errors.Is(err, awsapi.ErrReadOnly) {
				t.Errorf("not refused: %v", err)
			}
		}
		url := queueURL
		if _, err := p.SQS.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url}); err != nil {
			t.Error(err)
		}
		if calls := sim.Calls(); len(calls) != 1 {
			t.Errorf("sent %+v", calls)
		}
	})
}
