package events

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

const (
	svc = "vpce-svc-0123456789abcdef0"
	ep  = "vpce-0fedcba9876543210"
)

// wrapped is a message in SNS's envelope.
func wrapped(kind, subject, message string) string {
	text, _ := json.Marshal(map[string]string{
		"Type": kind, "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324", "TopicArn": "arn:aws:sns:us-east-1:111111111111:events",
		"Subject": subject, "Message": message, "Timestamp": "2026-05-02T00:54:06.655Z", "Token": "hush",
		"UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=arn:aws:sns:us-east-1:111111111111:events:delete",
	})
	return string(text)
}

const told = `{"event": "Connect", "vpcEndpointServiceId": "` + svc + `", "vpcEndpointId": "` + ep + `", "vpcEndpointOwner": "333333333333"}`

func TestParse(t *testing.T) {
	full := Notice{Event: Connect, ServiceID: svc, EndpointID: ep, Owner: "333333333333"}
	for name, test := range map[string]struct {
		body string
		want Notice
		err  error
	}{
		"in an envelope":              {wrapped("Notification", "x", told), full, nil},
		"raw":                         {told, full, nil},
		"nested, under other names":   {`{"detail": {"eventType": "REJECTED", "arn": "arn:aws:ec2:us-east-1:111111111111:vpc-endpoint-service/` + svc + `"}}`, Notice{Event: Reject, ServiceID: svc}, nil},
		"a service's name and an old": {`{"event": "Accept", "serviceName": "com.amazonaws.vpce.us-east-1.` + svc + `", "endpoint": "vpce-0a1b2c3d"}`, Notice{Event: Accept, ServiceID: svc, EndpointID: "vpce-0a1b2c3d"}, nil},
		"a subject and plain text":    {wrapped("Notification", "VPC endpoint connection Delete", "Endpoint "+ep+" of "+svc+"."), Notice{Event: Delete, ServiceID: svc, EndpointID: ep}, nil},
		"plain text":                  {"Endpoint " + ep + " was accepted.", Notice{Event: Accept, EndpointID: ep}, nil},
		"an owner of the service's":   {`{"event": "Connect", "serviceOwner": "111111111111", "id": "` + ep + `"}`, Notice{Event: Connect, EndpointID: ep}, nil},
		"two owners":                  {`{"event": "Connect", "owner": ["111111111111", "222222222222"], "id": "` + ep + `"}`, Notice{Event: Connect, EndpointID: ep}, nil},
		"an owner that is no account": {`{"event": "Connect", "owner": "me", "id": "` + ep + `"}`, Notice{Event: Connect, EndpointID: ep}, nil},

		"nothing":                {"", Notice{}, errEmpty},
		"an envelope of nothing": {wrapped("Notification", "", ""), Notice{}, errEmpty},
		"no event":               {`{"id": "` + ep + `"}`, Notice{}, errNoEvent},
		"an unknown event":       {`{"event": "Explode", "id": "` + ep + `"}`, Notice{}, errNoEvent},
		"two events":             {`{"events": ["Connect", "Delete"], "id": "` + ep + `"}`, Notice{}, errNoEvent},
		"no id":                  {`{"event": "Connect"}`, Notice{}, errNoID},
		"two endpoints":          {`{"event": "Connect", "ids": ["` + ep + `", "vpce-0a1b2c3d"]}`, Notice{}, errNoID},
		"ids of no form":         {`{"event": "Connect", "id": "vpce-0123456789abcdef0123; rm -rf /"}`, Notice{}, errNoID},
		"an event in other text": {`{"note": "Connect", "id": "` + ep + `"}`, Notice{}, errNoEvent},
		"broken JSON":            {`{"event": `, Notice{}, errNoEvent},
		"not even text":          {"\x00\xff\xfe", Notice{}, errNoEvent},
	} {
		got, err := Parse(test.body)
		if got != test.want || err != test.err {
			t.Errorf("%s: %+v, %v; want %+v, %v", name, got, err, test.want, test.err)
		}
	}
}

// What SNS itself has to say is told as such, and no token with it.
func TestParseWhatSNSSays(t *testing.T) {
	for kind, want := range map[string]string{
		"SubscriptionConfirmation": "waits for its subscription to be confirmed",
		"UnsubscribeConfirmation":  "was unsubscribed",
		"Novelty":                  "does not document",
	} {
		_, err := Parse(wrapped(kind, "", told))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestNoticeString(t *testing.T) {
	for want, n := range map[string]Notice{
		"Connect " + ep + " " + svc + " (account 333333333333)": {Connect, svc, ep, "333333333333"},
		"Delete " + ep: {Event: Delete, EndpointID: ep},
		"":             {},
	} {
		if got := n.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// FuzzMessage: whatever stands in a queue, reading it ends, and what is
// understood of it has AWS's form, however it is wrapped.
func FuzzMessage(f *testing.F) {
	for _, body := range []string{
		told, wrapped("Notification", "VPC endpoint connection Accept", told), wrapped("Notification", "", "{"),
		wrapped("SubscriptionConfirmation", "", "x"), "Endpoint " + ep + " of " + svc + " was rejected", `[[[{"event": null}]]]`, `"vpce-0a1b2c3d"`, "\xff",
	} {
		f.Add(body)
	}
	form := regexp.MustCompile(`^(Connect|Accept|Reject|Delete)( vpce-[0-9a-f]{8,17})?( vpce-svc-[0-9a-f]{8,17})?( \(account [0-9]{12}\))?$`)
	f.Fuzz(func(t *testing.T, body string) {
		got, err := Parse(body)
		if err != nil && got != (Notice{}) {
			t.Errorf("%v, and yet %+v", err, got)
		}
		if err == nil && (!form.MatchString(got.String()) || got.ServiceID == "" && got.EndpointID == "") {
			t.Errorf("understood %q", got)
		}
		if again, _ := Parse(body); again != got {
			t.Errorf("%+v, then %+v", got, again)
		}
	})
}
