package awssim

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// queues are the SQS queues of a place, by name.
type queues struct {
	Queues  table[*queue]
	Deleted map[string]time.Time // when the queue of a name was deleted last
}

// A queue is a standard queue of SQS. FIFO queues are not simulated.
type queue struct {
	Name, ARN  string
	Attributes map[string]string // those that were set
	Tags       tags
	Created    time.Time
	Modified   time.Time
	Purged     time.Time // last; zero: never
	Messages   []*queued
}

func sqsOperations() map[string]operation {
	return map[string]operation{
		"CreateQueue":                  createQueue,
		"DeleteQueue":                  deleteQueue,
		"GetQueueUrl":                  getQueueURL,
		"ListQueues":                   listQueues,
		"PurgeQueue":                   purgeQueue,
		"GetQueueAttributes":           getQueueAttributes,
		"SetQueueAttributes":           setQueueAttributes,
		"TagQueue":                     tagQueue,
		"UntagQueue":                   untagQueue,
		"ListQueueTags":                listQueueTags,
		"SendMessage":                  sendMessage,
		"SendMessageBatch":             sendMessages,
		"ReceiveMessage":               receiveMessage,
		"DeleteMessage":                deleteMessage,
		"DeleteMessageBatch":           deleteMessages,
		"ChangeMessageVisibility":      changeVisibility,
		"ChangeMessageVisibilityBatch": changeVisibilities,
	}
}

// queryCode is the code of an error in the query protocol that SQS had before.
// Answers carry it besides, and clients go by it ("AWS JSON protocol" in the
// SQS guide; the codes are those of the service's published model).
func queryCode(code string) string {
	switch code {
	case "QueueDoesNotExist":
		return "AWS.SimpleQueueService.NonExistentQueue"
	case "QueueNameExists":
		return "QueueAlreadyExists"
	case "QueueDeletedRecently", "PurgeQueueInProgress", "MessageNotInflight", "UnsupportedOperation", "EmptyBatchRequest",
		"TooManyEntriesInBatchRequest", "BatchEntryIdsNotDistinct", "InvalidBatchEntryId":
		return "AWS.SimpleQueueService." + code
	case "InvalidParameterValueException":
		return "InvalidParameterValue"
	case "MissingRequiredParameterException":
		return "MissingParameter"
	case "AccessDeniedException":
		return "AccessDenied"
	case "UnrecognizedClientException":
		return "InvalidClientTokenId"
	case "ExpiredTokenException":
		return "ExpiredToken"
	}
	return code
}

func (l *queues) tagged() []taggedResource {
	var all []taggedResource
	for _, q := range l.Queues.all() {
		all = append(all, taggedResource{ID: q.ARN, ARN: q.ARN, Service: "sqs", Type: "queue", Tags: q.Tags})
	}
	return all
}

// addQueue makes a queue of the world file.
func (s *Sim) addQueue(l *cell, name string, w WorldQueue) error {
	q := newQueue(l, name, s.now())
	q.Tags = copyTags(w.Tags)
	for _, attribute := range sortedKeys(w.Attributes) {
		if err := s.checkQueueAttribute(q, attribute, w.Attributes[attribute]); err != nil {
			return fmt.Errorf("attribute %s: %w", attribute, err)
		}
		q.Attributes[attribute] = w.Attributes[attribute]
	}
	l.Queues.Queues.put(name, q)
	return nil
}

func newQueue(l *cell, name string, now time.Time) *queue {
	return &queue{
		Name: name, ARN: "arn:aws:sqs:" + l.Region + ":" + l.Account + ":" + name,
		Attributes: make(map[string]string), Tags: make(tags), Created: now, Modified: now,
	}
}

// queueOf finds the queue of an ARN anywhere, nil if there is none.
func (s *Sim) queueOf(arn string) *queue {
	parts := strings.Split(arn, ":")
	if len(parts) != 6 || parts[2] != "sqs" {
		return nil
	}
	l := s.world.Cells[place{Account: parts[4], Region: parts[3]}]
	if l == nil {
		return nil
	}
	return l.Queues.Queues.get(parts[5])
}

// noQueue refuses a queue that is not there.
func noQueue() *Error { return refuse("QueueDoesNotExist", "The specified queue does not exist.") }

// queueFor finds the queue of QueueUrl, for an operation whose IAM action is
// sqs:action. Of the URL the path alone counts, so that a queue is found by
// whatever address the simulator is reached. A queue of another account is open
// to what its policy allows; and what the policy denies, its owner may not
// either.
func (c *call) queueFor(action string) (*queue, error) {
	at, err := url.Parse(c.in.str("QueueUrl"))
	if err != nil {
		return nil, refuse("InvalidAddress", "The address %s is not valid for this endpoint.", c.in.str("QueueUrl"))
	}
	account, name, ok := strings.Cut(strings.Trim(at.Path, "/"), "/")
	if !ok || !isAccountID(account) || strings.Contains(name, "/") {
		return nil, refuse("InvalidAddress", "The address %s is not valid for this endpoint.", c.in.str("QueueUrl"))
	}
	return c.namedQueue(account, name, action)
}

func (c *call) namedQueue(account, name, action string) (*queue, error) {
	q := c.sim.queueOf("arn:aws:sqs:" + c.region + ":" + account + ":" + name)
	if q == nil {
		return nil, noQueue()
	}
	allowed, denied := q.judge(c.asRequest(action))
	why := ""
	switch {
	case denied:
		why = "with an explicit deny in a resource-based policy"
	case account != c.account && (ownersOnly(action) || !allowed):
		why = "because no resource-based policy allows the sqs:" + strings.ToLower(action) + " action"
	default:
		return q, nil
	}
	return nil, &Error{Code: "AccessDeniedException", Status: 403, Message: "User: " + c.caller.ARN +
		" is not authorized to perform: sqs:" + strings.ToLower(action) + " on resource: " + q.ARN + " " + why}
}

// ownersOnly tells the operations to which permissions of other accounts do
// not apply (SQS guide, "Grant cross-account permissions to a role and a
// username").
func ownersOnly(action string) bool {
	switch action {
	case "DeleteQueue", "SetQueueAttributes", "TagQueue", "UntagQueue", "ListQueueTags":
		return true
	}
	return false
}

// queueURL is how the caller addresses a queue of an account.
func (c *call) queueURL(q *queue) string {
	return c.origin + "/" + strings.Split(q.ARN, ":")[4] + "/" + q.Name
}

// createQueue is idempotent by name as long as the attributes agree.
func createQueue(c *call) (M, error) {
	name := c.in.str("QueueName")
	if err := checkQueueName(name); err != nil {
		return nil, err
	}
	wanted := newQueue(c.cell(), name, c.now)
	if err := c.setAttributes(wanted); err != nil {
		return nil, err
	}
	l := &c.cell().Queues
	if have := l.Queues.get(name); have != nil {
		for _, attribute := range sortedKeys(wanted.Attributes) {
			if have.attribute(attribute) != wanted.Attributes[attribute] {
				return nil, refuse("QueueNameExists", "A queue already exists with the same name and a different value for attribute %s", attribute)
			}
		}
		return M{"QueueUrl": c.queueURL(have)}, nil
	}
	if gone, deleted := l.Deleted[name]; deleted && c.now.Sub(gone) < c.latency("queueNameRelease") {
		return nil, refuse("QueueDeletedRecently", "You must wait 60 seconds after deleting a queue before you can create another with the same name.")
	}
	if err := c.tagQueue(wanted, "tags"); err != nil {
		return nil, err
	}
	l.Queues.put(name, wanted)
	return M{"QueueUrl": c.queueURL(wanted)}, nil
}

func checkQueueName(name string) error {
	if strings.HasSuffix(name, ".fifo") {
		return refuse("UnsupportedOperation", "The simulator does not have FIFO queues yet.")
	}
	odd := strings.ContainsFunc(name, func(r rune) bool { return r != '-' && r != '_' && !isAlphanumeric(r) })
	if name == "" || len(name) > 80 || odd {
		return refuse("InvalidParameterValueException", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	return nil
}

func deleteQueue(c *call) (M, error) {
	q, err := c.queueFor("DeleteQueue")
	if err != nil {
		return nil, err
	}
	l := &c.cell().Queues
	l.Queues.drop(q.Name)
	if l.Deleted == nil {
		l.Deleted = make(map[string]time.Time)
	}
	l.Deleted[q.Name] = c.now
	return M{}, nil
}

func getQueueURL(c *call) (M, error) {
	account := nonEmpty(c.in.str("QueueOwnerAWSAccountId"), c.account)
	q, err := c.namedQueue(account, c.in.str("QueueName"), "GetQueueUrl")
	if err != nil && account != c.account { // who has no access is not told whether there is one
		return nil, refuse("QueueDoesNotExist", "The specified queue does not exist or you do not have access to it.")
	}
	if err != nil {
		return nil, err
	}
	return M{"QueueUrl": c.queueURL(q)}, nil
}

func listQueues(c *call) (M, error) {
	rows := slices.DeleteFunc(c.cell().Queues.Queues.all(), func(q *queue) bool {
		return !strings.HasPrefix(q.Name, c.in.str("QueueNamePrefix")) || !c.visible(q.Created, time.Time{})
	})
	rows, next, err := page(c, rows, func(q *queue) string { return q.Name },
		paging{Limit: "MaxResults", Token: "NextToken", Min: 1, Max: 1000, Default: 1000})
	if err != nil {
		return nil, err
	}
	urls := make([]string, len(rows))
	for i, q := range rows {
		urls[i] = c.queueURL(q)
	}
	return withToken(M{"QueueUrls": list(urls)}, next), nil
}

func listQueueTags(c *call) (M, error) {
	q, err := c.queueFor("ListQueueTags")
	if err != nil {
		return nil, err
	}
	shown := make(M)
	for key, value := range q.Tags {
		shown[key] = value
	}
	return M{"Tags": shown}, nil
}

func tagQueue(c *call) (M, error) {
	q, err := c.queueFor("TagQueue")
	if err != nil {
		return nil, err
	}
	return M{}, c.tagQueue(q, "Tags")
}

// tagQueue lays the tags of a member of the request over a queue's.
func (c *call) tagQueue(q *queue, member string) error {
	merged := copyTags(q.Tags)
	maps.Copy(merged, c.in.strMap(member))
	for key := range merged {
		if key == "" || strings.HasPrefix(strings.ToLower(key), "aws:") {
			return refuse("InvalidParameterValueException", "Tag keys must not be empty or start with aws:")
		}
	}
	if len(merged) > c.quota("tagsPerResource") {
		return refuse("InvalidParameterValueException", "Too many tags added for queue %s.", q.Name)
	}
	q.Tags = merged
	return nil
}

func untagQueue(c *call) (M, error) {
	q, err := c.queueFor("UntagQueue")
	if err != nil {
		return nil, err
	}
	for _, key := range c.in.strs("TagKeys") {
		delete(q.Tags, key)
	}
	return M{}, nil
}
