package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// An Event is what happened to a connection: one of the connection events of
// CreateVpcEndpointConnectionNotification.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpointConnectionNotification.html
type Event string

// The events there are.
const (
	Connect Event = "Connect" // an endpoint asks to be connected, or is connected at once
	Accept  Event = "Accept"
	Reject  Event = "Reject"
	Delete  Event = "Delete" // the endpoint was deleted
)

// A Notice is what a connection notification tells. All but Event may be
// empty, but not both ids. Ids and account have AWS's form, so that they can be
// shown as they are; whether there is anything of that id, nobody knows.
type Notice struct {
	Event      Event
	ServiceID  string // vpce-svc-…
	EndpointID string // vpce-…
	Owner      string // the account id of the endpoint's owner
}

// errNone are the ways not to understand a message.
var (
	errEmpty   = errors.New("the message is empty")
	errNoEvent = errors.New("the message tells of no connection event, or of several")
	errNoID    = errors.New("the message names neither an endpoint service nor an endpoint, or several of a sort")
)

// Parse understands the body of a message: what SNS wraps around a
// notification, or the notification itself where the subscription delivers it
// raw. It fails with what keeps it from that.
//
// AWS documents SNS's part but not the notification's text. So that is
// searched for what has only one meaning whatever it stands in: ids by their
// form, events by their names, an owner by the name of its field.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
func Parse(body string) (Notice, error) {
	text, subject := body, ""
	if e, ok := readEnvelope(body); ok {
		if e.Type != "Notification" {
			return Notice{}, e.refusal()
		}
		text, subject = e.Message, e.Subject
	}
	if strings.TrimSpace(text) == "" {
		return Notice{}, errEmpty
	}
	return search(text, subject)
}

// An envelope is what SNS wraps around a message.
type envelope struct {
	Type     string
	TopicARN string `json:"TopicArn"`
	Subject  string
	Message  string
}

// readEnvelope tells whether body is an envelope of SNS's.
func readEnvelope(body string) (envelope, bool) {
	var e envelope
	err := json.Unmarshal([]byte(body), &e)
	return e, err == nil && e.Type != "" && strings.HasPrefix(e.TopicARN, "arn:")
}

// refusal says what SNS wants instead of telling of an event. The token that
// would confirm a subscription is not in it.
func (e envelope) refusal() error {
	switch e.Type {
	case "SubscriptionConfirmation":
		return errors.New("the topic waits for its subscription to be confirmed; let the queue's owner subscribe, or confirm it with `aws sns confirm-subscription`")
	case "UnsubscribeConfirmation":
		return errors.New("the queue was unsubscribed from the topic")
	}
	return errors.New("the message is of a type that SNS does not document")
}

// findings are what a text holds, each once.
type findings struct {
	events    map[Event]bool
	services  map[string]bool
	endpoints map[string]bool
	owners    map[string]bool
}

// AWS's ids are of 17 hexadecimal digits; older ones are of 8.
var (
	ids     = regexp.MustCompile(`\bvpce-(svc-)?(?:[0-9a-f]{17}|[0-9a-f]{8})\b`)
	account = regexp.MustCompile(`^[0-9]{12}$`)
	words   = regexp.MustCompile(`[A-Za-z]+`)
)

// search finds a notice in a notification's text.
func search(text, subject string) (Notice, error) {
	f := findings{events: map[Event]bool{}, services: map[string]bool{}, endpoints: map[string]bool{}, owners: map[string]bool{}}
	var tree any
	if json.Unmarshal([]byte(text), &tree) == nil {
		f.walk("", tree)
	} else {
		f.value("", text)
		f.name(text)
	}
	if len(f.events) == 0 {
		f.name(subject)
	}
	return f.notice()
}

// walk searches JSON. name is the field that v stands in.
func (f findings) walk(name string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for field, value := range v {
			f.walk(strings.ToLower(field), value)
		}
	case []any:
		for _, value := range v {
			f.walk(name, value)
		}
	case string:
		f.value(name, v)
	}
}

// value searches the text of a field; name is in lower case.
func (f findings) value(name, text string) {
	for _, id := range ids.FindAllStringSubmatch(text, -1) {
		if id[1] != "" {
			f.services[id[0]] = true
		} else {
			f.endpoints[id[0]] = true
		}
	}
	switch {
	case strings.Contains(name, "event"):
		f.name(text)
	case strings.Contains(name, "owner") && !strings.Contains(name, "serviceowner") && account.MatchString(text):
		f.owners[text] = true
	}
}

// name looks for the names of events among the words of a text.
func (f findings) name(text string) {
	for _, word := range words.FindAllString(text, -1) {
		switch strings.ToLower(word) {
		case "connect", "connected":
			f.events[Connect] = true
		case "accept", "accepted":
			f.events[Accept] = true
		case "reject", "rejected":
			f.events[Reject] = true
		case "delete", "deleted":
			f.events[Delete] = true
		}
	}
}

// notice is what was found, if it has one meaning.
func (f findings) notice() (Notice, error) {
	event, one := only(f.events)
	if !one || event == "" {
		return Notice{}, errNoEvent
	}
	service, oneService := only(f.services)
	endpoint, oneEndpoint := only(f.endpoints)
	if !oneService || !oneEndpoint || service == "" && endpoint == "" {
		return Notice{}, errNoID
	}
	owner, _ := only(f.owners) // of several, none
	return Notice{Event: event, ServiceID: service, EndpointID: endpoint, Owner: owner}, nil
}

// only is the one element of a set, nothing of an empty one; false if there
// are more.
func only[T ~string](set map[T]bool) (T, bool) {
	if len(set) > 1 {
		return "", false
	}
	for one := range maps.Keys(set) {
		return one, true
	}
	return "", true
}

// String is the notice in a line of a log.
func (n Notice) String() string {
	parts := slices.DeleteFunc([]string{string(n.Event), n.EndpointID, n.ServiceID}, func(s string) bool { return s == "" })
	if n.Owner != "" {
		parts = append(parts, fmt.Sprintf("(account %s)", n.Owner))
	}
	return strings.Join(parts, " ")
}
