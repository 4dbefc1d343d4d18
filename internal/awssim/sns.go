package awssim

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// topics are the SNS topics of a place, by ARN.
type topics struct {
	Topics table[*topic]
}

// A topic is an SNS topic with everything that was published to it.
type topic struct {
	ARN, Name     string
	Attributes    map[string]string // those that were set
	Tags          tags
	Created       time.Time
	Subscriptions table[*subscription] // by ARN
	Messages      []message
}

// A message is what was published to a topic. /_sim/world shows them; queues
// that subscribe to the topic get them, and nothing else does.
type message struct {
	ID               string
	At               time.Time
	Subject, Message string
	From             string // the publisher: a principal's ARN or vpce.amazonaws.com
	Source           string `json:",omitempty"` // the ARN of what it is about
}

func snsOperations() map[string]operation {
	return map[string]operation{
		"CreateTopic":               createTopic,
		"DeleteTopic":               deleteTopic,
		"ListTopics":                listTopics,
		"GetTopicAttributes":        getTopicAttributes,
		"SetTopicAttributes":        setTopicAttributes,
		"ListTagsForResource":       listTopicTags,
		"TagResource":               tagTopic,
		"UntagResource":             untagTopic,
		"Subscribe":                 subscribe,
		"ConfirmSubscription":       confirmSubscription,
		"Unsubscribe":               unsubscribe,
		"GetSubscriptionAttributes": getSubscriptionAttributes,
		"SetSubscriptionAttributes": setSubscriptionAttributes,
		"ListSubscriptionsByTopic":  listSubscriptions,
		"Publish":                   publishMessage,
	}
}

func snsEvents() map[string]eventHandler {
	return map[string]eventHandler{delivery: func(s *Sim, e event) { s.deliverLate(e.ID) }}
}

func (t *topics) tagged(*cell) []taggedResource {
	var all []taggedResource
	for _, topic := range t.Topics.all() {
		all = append(all, taggedResource{ID: topic.ARN, ARN: topic.ARN, Service: "sns", Type: "topic", Tags: topic.Tags})
	}
	return all
}

// topicOf finds the topic of an ARN anywhere, nil if there is none.
func (s *Sim) topicOf(arn string) *topic {
	parts := strings.Split(arn, ":")
	if len(parts) != 6 || parts[2] != "sns" {
		return nil
	}
	l := s.world.Cells[place{Account: parts[4], Region: parts[3]}]
	if l == nil {
		return nil
	}
	return l.Topics.Topics.get(arn)
}

// topicFor finds the topic that an operation names. A topic of another account
// is open to what its policy allows; one of another region to nobody here.
func (c *call) topicFor(arn string) (*topic, error) {
	parts := strings.Split(arn, ":")
	if len(parts) < 6 {
		return nil, refuse("InvalidParameter", "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not %d", len(parts))
	}
	if len(parts) > 6 || parts[0] != "arn" || parts[2] != "sns" || parts[3] != c.region {
		return nil, refuse("InvalidParameter", "Invalid parameter: TopicArn")
	}
	t := c.sim.topicOf(arn)
	if parts[4] != c.account && (t == nil || !t.admits(c.asRequest(c.op))) {
		return nil, &Error{Code: "AuthorizationError", Status: 403,
			Message: "User: " + c.principal + " is not authorized to perform: SNS:" + c.op + " on resource: " + arn +
				" because no resource-based policy allows the SNS:" + c.op + " action"}
	}
	if t == nil {
		return nil, &Error{Code: "NotFound", Status: 404, Message: "Topic does not exist"}
	}
	return t, nil
}

// createTopic is idempotent by name as long as attributes and tags agree.
func createTopic(c *call) (M, error) {
	want, err := c.wantedTopic()
	if err != nil {
		return nil, err
	}
	if have := c.cell().Topics.Topics.get(want.ARN); have != nil {
		for name, value := range want.Attributes {
			if have.attributes(c)[name] != value {
				return nil, refuse("InvalidParameter", "Invalid parameter: Attributes Reason: Topic already exists with different attributes")
			}
		}
		if c.in.has("Tags") && !maps.Equal(have.Tags, want.Tags) {
			return nil, refuse("InvalidParameter", "Invalid parameter: Tags Reason: Topic already exists with different tags")
		}
		return M{"TopicArn": have.ARN}, nil
	}
	if len(c.cell().Topics.Topics.Order) >= c.quota("topicsPerRegion") {
		return nil, &Error{Code: "TopicLimitExceeded", Status: 403, Message: "Maximum number of topics reached"}
	}
	c.cell().Topics.Topics.put(want.ARN, want)
	return M{"TopicArn": want.ARN}, nil
}

func (c *call) wantedTopic() (*topic, error) {
	name := c.in.str("Name")
	base := strings.TrimSuffix(name, ".fifo")
	odd := strings.ContainsFunc(base, func(r rune) bool { return r != '-' && r != '_' && !isAlphanumeric(r) })
	if base == "" || len(name) > 256 || odd {
		return nil, refuse("InvalidParameter", "Invalid parameter: Topic Name")
	}
	t := &topic{Name: name, ARN: c.arn("sns", name), Attributes: c.in.strMap("Attributes"), Created: c.now}
	if (base != name) != (t.Attributes["FifoTopic"] == "true") {
		return nil, refuse("InvalidParameter", "Invalid parameter: Topic Name")
	}
	for attribute, value := range t.Attributes {
		if attribute == "FifoTopic" {
			continue
		}
		if err := checkTopicAttribute(attribute, value); err != nil {
			return nil, err
		}
	}
	var err error
	t.Tags, err = c.topicTags(nil)
	return t, err
}

// topicTags lays the call's Tags over what is there.
func (c *call) topicTags(have tags) (tags, error) {
	out, seen := make(tags), make(map[string]bool)
	maps.Copy(out, have)
	for _, in := range c.in.list("Tags") {
		key := in.str("Key")
		if seen[key] {
			return nil, refuse("InvalidParameter", "Invalid parameter: Duplicated keys are not allowed.")
		}
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return nil, refuse("InvalidParameter", "Invalid parameter: Tag keys that start with 'aws:' are reserved")
		}
		seen[key], out[key] = true, in.str("Value")
	}
	if len(out) > c.quota("tagsPerResource") {
		return nil, refuse("TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded")
	}
	return out, nil
}

// settable are the attributes that SetTopicAttributes takes (SNS API
// reference), besides the delivery-status ones, which end in these.
func settable(name string) bool {
	switch name {
	case "Policy", "DisplayName", "DeliveryPolicy", "KmsMasterKeyId", "SignatureVersion", "TracingConfig",
		"ArchivePolicy", "ContentBasedDeduplication", "FifoThroughputScope":
		return true
	}
	for _, ending := range []string{"SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate", "FailureFeedbackRoleArn"} {
		if strings.HasSuffix(name, ending) {
			return true
		}
	}
	return false
}

func checkTopicAttribute(name, value string) error {
	if !settable(name) {
		return refuse("InvalidParameter", "Invalid parameter: AttributeName")
	}
	switch name {
	case "Policy":
		return checkTopicPolicy(value)
	case "DisplayName":
		if len(value) > 100 {
			return refuse("InvalidParameter", "Invalid parameter: DisplayName Reason: Must be at most 100 characters long")
		}
	case "DeliveryPolicy":
		if value != "" && !json.Valid([]byte(value)) {
			return refuse("InvalidParameter", "Invalid parameter: DeliveryPolicy: failed to parse JSON")
		}
	}
	return nil
}

func deleteTopic(c *call) (M, error) {
	t, err := c.topicFor(c.in.str("TopicArn"))
	if refusal, ok := err.(*Error); ok && refusal.Code == "NotFound" {
		return M{}, nil
	}
	if err != nil {
		return nil, err
	}
	parts := strings.Split(t.ARN, ":")
	c.cellOf(parts[4], parts[3]).Topics.Topics.drop(t.ARN)
	return M{}, nil
}

func listTopics(c *call) (M, error) {
	rows := slices.DeleteFunc(c.cell().Topics.Topics.all(), func(t *topic) bool { return !c.visible(t.Created, time.Time{}) })
	rows, next, err := page(c, rows, func(t *topic) string { return t.ARN }, topicPaging())
	if err != nil {
		return nil, err
	}
	return withToken(M{"Topics": listBy(rows, func(t *topic) M { return M{"TopicArn": t.ARN} })}, next), nil
}

// topicPaging is a hundred rows at a time; nobody can ask for fewer.
func topicPaging() paging { return paging{Token: "NextToken", Default: 100} }

// deliveryPolicy is what SNS does where a topic says nothing else (SNS guide,
// "Message delivery retries").
const deliveryPolicy = `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,` +
	`"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},` +
	`"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}`

// attributes are all that GetTopicAttributes shows.
func (t *topic) attributes(c *call) map[string]string {
	confirmed, pending := 0, 0
	for _, s := range t.Subscriptions.all() {
		if s.Confirmed {
			confirmed++
		} else {
			pending++
		}
	}
	all := map[string]string{
		"TopicArn":                t.ARN,
		"Owner":                   strings.Split(t.ARN, ":")[4],
		"Policy":                  defaultPolicy(t.ARN),
		"DisplayName":             "",
		"EffectiveDeliveryPolicy": deliveryPolicy,
		"SubscriptionsConfirmed":  strconv.Itoa(confirmed),
		"SubscriptionsPending":    strconv.Itoa(pending),
		"SubscriptionsDeleted":    "0",
	}
	maps.Copy(all, t.Attributes)
	return all
}

func getTopicAttributes(c *call) (M, error) {
	t, err := c.topicFor(c.in.str("TopicArn"))
	if err != nil {
		return nil, err
	}
	shown := make(M)
	for name, value := range t.attributes(c) {
		shown[name] = value
	}
	return M{"Attributes": shown}, nil
}

// setTopicAttributes sets one attribute. An empty policy brings the default
// one back.
func setTopicAttributes(c *call) (M, error) {
	t, err := c.topicFor(c.in.str("TopicArn"))
	if err != nil {
		return nil, err
	}
	name, value := c.in.str("AttributeName"), c.in.str("AttributeValue")
	if value == "" {
		if !settable(name) {
			return nil, refuse("InvalidParameter", "Invalid parameter: AttributeName")
		}
		delete(t.Attributes, name)
		return M{}, nil
	}
	if err := checkTopicAttribute(name, value); err != nil {
		return nil, err
	}
	t.Attributes[name] = value
	return M{}, nil
}

// taggedTopic finds the topic of ResourceArn; the tag operations have a
// NotFound of their own.
func (c *call) taggedTopic() (*topic, error) {
	t, err := c.topicFor(c.in.str("ResourceArn"))
	if refusal, ok := err.(*Error); ok && refusal.Code == "NotFound" {
		return nil, &Error{Code: "ResourceNotFound", Status: 404, Message: "Resource does not exist"}
	}
	return t, err
}

func listTopicTags(c *call) (M, error) {
	t, err := c.taggedTopic()
	if err != nil {
		return nil, err
	}
	return M{"Tags": tagItems(t.Tags)}, nil
}

func tagTopic(c *call) (M, error) {
	t, err := c.taggedTopic()
	if err != nil {
		return nil, err
	}
	merged, err := c.topicTags(t.Tags)
	if err != nil {
		return nil, err
	}
	t.Tags = merged
	return M{}, nil
}

func untagTopic(c *call) (M, error) {
	t, err := c.taggedTopic()
	if err != nil {
		return nil, err
	}
	for _, key := range c.in.strs("TagKeys") {
		delete(t.Tags, key)
	}
	return M{}, nil
}
