package events_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/events"
	"github.com/linkfleet/linkfleet/planner"
)

const (
	provider = "111111111111"
	partner  = "333333333333"
	topic    = "arn:aws:sns:us-east-1:" + provider + ":events"
	queue    = "arn:aws:sqs:us-east-1:" + provider + ":events"
	queueURL = "https://sqs.us-east-1.amazonaws.com/" + provider + "/events"

	queuePolicy = `{"Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` + queue +
		`","Condition":{"ArnEquals":{"aws:SourceArn":"` + topic + `"}}}]}`
	topicPolicy = `{"Statement":[{"Effect":"Allow","Principal":{"Service":"vpce.amazonaws.com"},"Action":"SNS:Publish","Resource":"` + topic + `"}]}`
)

// aws is a simulated AWS with hands of its own: AWS's client is not for here.
type aws struct {
	*testing.T
	sim *awssim.Sim
}

// onAWS runs a test in virtual time, on a provider with a queue that the
// topic may send to, and a reader of it.
func onAWS(t *testing.T, knobs awssim.Knobs, test func(a *aws, r *events.Reader)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		vpc := func(n string) map[string]awssim.WorldVPC {
			return map[string]awssim.WorldVPC{"vpc-0123456789abcdef" + n: {CIDR: "10.0.0.0/16", Subnets: map[string]awssim.WorldSubnet{
				"subnet-0123456789abcdef" + n: {CIDR: "10.0.1.0/24", ZoneID: "use1-az1"},
			}}}
		}
		sim, err := awssim.New(awssim.Options{World: awssim.World{Knobs: knobs, Accounts: map[string]awssim.WorldAccount{
			provider: {Regions: map[string]awssim.WorldRegion{"us-east-1": {VPCs: vpc("1"), Queues: map[string]awssim.WorldQueue{
				"events": {Attributes: map[string]string{"Policy": queuePolicy}},
			}}}},
			partner: {Regions: map[string]awssim.WorldRegion{"us-east-1": {VPCs: vpc("2")}}},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		api, err := awsapi.New(t.Context(), awsapi.Options{
			Accounts:    map[string]awsapi.Account{"platform": {ID: provider}},
			Credentials: &awsapi.Credentials{AccessKeyID: provider, SecretAccessKey: "x"},
			Transport:   sim.Client().Transport,
		})
		if err != nil {
			t.Fatal(err)
		}
		place, err := api.Place(t.Context(), planner.Place{Account: "platform", Region: "us-east-1"})
		if err != nil {
			t.Fatal(err)
		}
		test(&aws{t, sim}, events.NewReader(place.Queue(queueURL)))
	})
}

// post makes a request and gives the answer's text.
func (a *aws) post(account, service, target, body string) string {
	a.Helper()
	req, err := http.NewRequestWithContext(a.Context(), http.MethodPost, "https://"+service+".us-east-1.amazonaws.com/", strings.NewReader(body))
	if err != nil {
		a.Fatal(err)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+account+"/20300101/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	req.Header.Set("X-Amz-Target", target)
	answer, err := a.sim.Client().Do(req)
	if err != nil {
		a.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		a.Fatalf("%s %s: %s %v", service, body, text, err)
	}
	return string(text)
}

// call makes a request of the query protocol; pairs are its parameters.
func (a *aws) call(account, service, version, action string, pairs ...string) string {
	a.Helper()
	form := url.Values{"Action": {action}, "Version": {version}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return a.post(account, service, "", form.Encode())
}

// send puts a message straight into the queue.
func (a *aws) send(body string) {
	a.Helper()
	in, err := json.Marshal(map[string]string{"QueueUrl": queueURL, "MessageBody": body})
	if err != nil {
		a.Fatal(err)
	}
	a.post(provider, "sqs", "AmazonSQS.SendMessage", string(in))
}

func found(t *testing.T, pattern, text string) string {
	t.Helper()
	match := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if match == nil {
		t.Fatalf("no %s in %s", pattern, text)
	}
	return match[1]
}

// offer makes an endpoint service of the provider's, open to the partner, with
// a notification that goes to the queue by way of the topic.
func (a *aws) offer(raw string) (service, name string) {
	a.Helper()
	balancer := found(a.T, `<LoadBalancerArn>(.*?)</LoadBalancerArn>`, a.call(provider, "elasticloadbalancing", "2015-12-01", "CreateLoadBalancer",
		"Name", "fraud", "Type", "network", "Scheme", "internal", "Subnets.member.1", "subnet-0123456789abcdef1"))
	time.Sleep(5 * time.Minute)
	ec2 := func(action string, pairs ...string) string {
		return a.call(provider, "ec2", "2016-11-15", action, pairs...)
	}
	service = found(a.T, `<serviceId>(.*?)</serviceId>`, ec2("CreateVpcEndpointServiceConfiguration", "NetworkLoadBalancerArn.1", balancer, "AcceptanceRequired", "true"))
	ec2("ModifyVpcEndpointServicePermissions", "ServiceId", service, "AddAllowedPrincipals.1", "arn:aws:iam::"+partner+":root")
	sns := func(action string, pairs ...string) { a.call(provider, "sns", "2010-03-31", action, pairs...) }
	sns("CreateTopic", "Name", "events", "Attributes.entry.1.key", "Policy", "Attributes.entry.1.value", topicPolicy)
	sns("Subscribe", "TopicArn", topic, "Protocol", "sqs", "Endpoint", queue,
		"Attributes.entry.1.key", "RawMessageDelivery", "Attributes.entry.1.value", raw)
	ec2("CreateVpcEndpointConnectionNotification", "ServiceId", service, "ConnectionNotificationArn", topic,
		"ConnectionEvents.1", "Connect", "ConnectionEvents.2", "Accept", "ConnectionEvents.3", "Delete")
	return service, "com.amazonaws.vpce.us-east-1." + service
}

// A partner's connection is told of within the instant, to a reader that
// waits for it, in SNS's envelope and without.
func TestConnectionsAreTold(t *testing.T) {
	for _, raw := range []string{"false", "true"} {
		t.Run("raw "+raw, func(t *testing.T) {
			onAWS(t, awssim.Knobs{}, func(a *aws, r *events.Reader) {
				service, name := a.offer(raw)
				made := make(chan string, 1)
				go func() {
					time.Sleep(7 * time.Second)
					made <- a.call(partner, "ec2", "2016-11-15", "CreateVpcEndpoint", "VpcEndpointType", "Interface", "ServiceName", name,
						"VpcId", "vpc-0123456789abcdef2", "SubnetId.1", "subnet-0123456789abcdef2")
				}()
				began := time.Now()
				got, err := r.Next(a.Context())
				if err != nil || len(got) != 1 || time.Since(began) != 7*time.Second {
					t.Fatalf("after %s: %+v, %v", time.Since(began), got, err)
				}
				endpoint := found(t, `<vpcEndpointId>(.*?)</vpcEndpointId>`, <-made)
				want := events.Notice{Event: events.Connect, ServiceID: service, EndpointID: endpoint, Owner: partner}
				if m := got[0]; m.Notice != want || m.Unclear != "" || !m.Received.Equal(time.Now()) || m.Sent.IsZero() {
					t.Errorf("told %+v, want %s", m, want)
				}
				if err := got[0].Ack(a.Context()); err != nil {
					t.Error(err)
				}
				a.call(provider, "ec2", "2016-11-15", "AcceptVpcEndpointConnections", "ServiceId", service, "VpcEndpointId.1", endpoint)
				time.Sleep(time.Minute)
				a.call(partner, "ec2", "2016-11-15", "DeleteVpcEndpoints", "VpcEndpointId.1", endpoint)
				got, err = r.Next(a.Context())
				if err != nil || len(got) != 2 || got[0].Event != events.Accept || got[1].Event != events.Delete {
					t.Errorf("afterwards: %+v, %v", got, err)
				}
			})
		})
	}
}

func TestMessageComesUntilAcknowledged(t *testing.T) {
	onAWS(t, awssim.Knobs{}, func(a *aws, r *events.Reader) {
		a.send(`{"event": "Accept", "endpoint": "vpce-0a1b2c3d"}`)
		var ids []string
		for range 2 {
			got, err := r.Next(a.Context())
			if err != nil || len(got) != 1 {
				t.Fatalf("%+v, %v", got, err)
			}
			ids = append(ids, got[0].ID)
			if len(ids) == 2 {
				err = got[0].Ack(a.Context())
			}
			if err != nil {
				t.Error(err)
			}
			time.Sleep(30 * time.Second)
		}
		if ids[0] != ids[1] {
			t.Errorf("ids %q", ids)
		}
		began := time.Now()
		if got, err := r.Next(a.Context()); err != nil || len(got) != 0 || time.Since(began) != 20*time.Second {
			t.Errorf("when all is read: %+v, %v after %s", got, err, time.Since(began))
		}
	})
}

// What is not understood says so, does not keep the rest from being
// understood, and goes when it is acknowledged.
func TestUnclearMessages(t *testing.T) {
	onAWS(t, awssim.Knobs{}, func(a *aws, r *events.Reader) {
		a.send("good morning, token=hush")
		a.send(`{"event": "Connect", "endpoint": "vpce-0a1b2c3d"}`)
		got, err := r.Next(a.Context())
		if err != nil || len(got) != 2 {
			t.Fatalf("%+v, %v", got, err)
		}
		if m := got[0]; m.Unclear == "" || strings.Contains(m.Unclear, "hush") || m.Notice != (events.Notice{}) {
			t.Errorf("unclear: %+v", m)
		}
		if got[1].Unclear != "" || got[1].Event != events.Connect {
			t.Errorf("clear: %+v", got[1])
		}
		for _, m := range got {
			if err := m.Ack(a.Context()); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(time.Hour)
		if got, err := r.Next(a.Context()); err != nil || len(got) != 0 {
			t.Errorf("afterwards: %+v, %v", got, err)
		}
	})
}

func TestDeliveredTwice(t *testing.T) {
	onAWS(t, awssim.Knobs{Choices: map[string]bool{"deliverTwice": true}}, func(a *aws, r *events.Reader) {
		a.send(`{"event": "Connect", "endpoint": "vpce-0a1b2c3d"}`)
		got, err := r.Next(a.Context())
		if err != nil || len(got) != 2 || got[0].ID != got[1].ID || got[0].Notice != got[1].Notice {
			t.Fatalf("%+v, %v", got, err)
		}
		for _, m := range got {
			if err := m.Ack(a.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestNextFails(t *testing.T) {
	onAWS(t, awssim.Knobs{}, func(a *aws, r *events.Reader) {
		ctx, cancel := context.WithTimeout(a.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		if got, err := r.Next(ctx); err == nil || len(got) != 0 || time.Since(began) != 3*time.Second {
			t.Errorf("an end in between: %+v, %v after %s", got, err, time.Since(began))
		}
	})
	broken := errors.New("broken")
	if _, err := events.NewReader(failing{broken}).Next(t.Context()); !errors.Is(err, broken) || err.Error() != "receiving connection events: broken" {
		t.Error(err)
	}
}

// failing is a queue that fails.
type failing struct{ err error }

func (f failing) Receive(context.Context, int, time.Duration) ([]awsapi.Received, error) {
	return nil, f.err
}

func (f failing) Delete(context.Context, string) error { return f.err }
