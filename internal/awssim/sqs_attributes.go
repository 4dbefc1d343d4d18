package awssim

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A bound is what an attribute's number may be, and what it is unless set.
type bound struct{ least, most, preset int }

// queueNumbers are the attributes that are numbers (SQS API reference,
// SetQueueAttributes). Times are in seconds, sizes in bytes.
func queueNumbers() map[string]bound {
	return map[string]bound{
		"DelaySeconds":                  {0, 900, 0},
		"MaximumMessageSize":            {1024, 1 << 20, 1 << 20},
		"MessageRetentionPeriod":        {60, 1209600, 345600},
		"ReceiveMessageWaitTimeSeconds": {0, 20, 0},
		"VisibilityTimeout":             {0, 43200, 30},
	}
}

// number is an attribute of the queue's that is a number.
func (q *queue) number(name string) int {
	if n, err := strconv.Atoi(q.Attributes[name]); err == nil {
		return n
	}
	return queueNumbers()[name].preset
}

// seconds is an attribute of the queue's that is a time.
func (q *queue) seconds(name string) time.Duration {
	return time.Duration(q.number(name)) * time.Second
}

// attribute is the value of an attribute that can be set, "" if it has none.
func (q *queue) attribute(name string) string {
	if value, set := q.Attributes[name]; set {
		return value
	}
	switch _, isNumber := queueNumbers()[name]; {
	case isNumber:
		return strconv.Itoa(q.number(name))
	case name == "SqsManagedSseEnabled":
		return "true"
	}
	return ""
}

// judge asks the queue's policy. A new queue has none.
func (q *queue) judge(request accessRequest) (allowed, denied bool) {
	request.Resource = q.ARN
	return judge(q.Attributes["Policy"], request)
}

// setAttributes takes the request's Attributes over into a queue, all or none.
func (c *call) setAttributes(q *queue) error {
	wanted := c.in.strMap("Attributes")
	for _, name := range sortedKeys(wanted) {
		if err := c.sim.checkQueueAttribute(q, name, wanted[name]); err != nil {
			return err
		}
	}
	maps.Copy(q.Attributes, wanted)
	maps.DeleteFunc(q.Attributes, func(_, value string) bool { return value == "" })
	return nil
}

func (s *Sim) checkQueueAttribute(q *queue, name, value string) error {
	wrong := refuse("InvalidAttributeValue", "Invalid value for the parameter %s.", name)
	if b, isNumber := queueNumbers()[name]; isNumber {
		if n, err := strconv.Atoi(value); err != nil || n < b.least || n > b.most {
			return wrong
		}
		return nil
	}
	switch name {
	case "Policy":
		if value != "" && checkPolicy(value, "sqs:") != policySound {
			return wrong
		}
	case "RedrivePolicy":
		return s.checkRedrive(q, value)
	case "SqsManagedSseEnabled":
		if value != "true" && value != "false" {
			return wrong
		}
	case "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "RedriveAllowPolicy": // remembered, without effect
	case "FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit":
		return refuse("UnsupportedOperation", "The simulator does not have FIFO queues yet.")
	default:
		return refuse("InvalidAttributeName", "Unknown Attribute %s.", name)
	}
	return nil
}

// A redrive says where messages go that were received too often.
type redrive struct {
	Target string      `json:"deadLetterTargetArn"`
	Most   json.Number `json:"maxReceiveCount"` // a number or a string
}

func (s *Sim) checkRedrive(q *queue, value string) error {
	if value == "" {
		return nil
	}
	wrong := func(reason string) error {
		return refuse("InvalidParameterValueException", "Value %s for parameter RedrivePolicy is invalid. Reason: %s", value, reason)
	}
	policy, ok := readRedrive(value)
	if !ok {
		return wrong("Redrive policy is not a valid JSON map.")
	}
	if n, err := policy.Most.Int64(); err != nil || n < 1 || n > 1000 {
		return wrong("Invalid value for maxReceiveCount: " + policy.Most.String() + ", valid values are from 1 to 1000 both inclusive.")
	}
	own, there := strings.Split(q.ARN, ":"), strings.Split(policy.Target, ":")
	if len(there) != 6 || !slices.Equal(own[:5], there[:5]) {
		return wrong("Dead-letter target owner should be same as the source.")
	}
	if s.queueOf(policy.Target) == nil {
		return wrong("Dead letter target does not exist.")
	}
	return nil
}

func readRedrive(value string) (redrive, bool) {
	var policy redrive
	err := json.Unmarshal([]byte(value), &policy)
	return policy, err == nil
}

func setQueueAttributes(c *call) (M, error) {
	q, err := c.queueFor("SetQueueAttributes")
	if err != nil {
		return nil, err
	}
	if err := c.setAttributes(q); err != nil {
		return nil, err
	}
	q.Modified = c.now
	return M{}, nil
}

// getQueueAttributes shows the attributes that are asked for: without names,
// none.
func getQueueAttributes(c *call) (M, error) {
	q, err := c.queueFor("GetQueueAttributes")
	if err != nil {
		return nil, err
	}
	all, names, shown := q.attributes(c), c.in.strs("AttributeNames"), make(M)
	for name, value := range all {
		if slices.Contains(names, "All") || slices.Contains(names, name) {
			shown[name] = value
		}
	}
	return M{"Attributes": shown}, nil
}

// attributes are all that GetQueueAttributes can show.
func (q *queue) attributes(c *call) map[string]string {
	visible, delayed, taken := q.counts(c.now)
	all := map[string]string{
		"QueueArn":                              q.ARN,
		"CreatedTimestamp":                      strconv.FormatInt(q.Created.Unix(), 10),
		"LastModifiedTimestamp":                 strconv.FormatInt(q.Modified.Unix(), 10),
		"ApproximateNumberOfMessages":           strconv.Itoa(visible),
		"ApproximateNumberOfMessagesDelayed":    strconv.Itoa(delayed),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(taken),
		"SqsManagedSseEnabled":                  "true",
	}
	for name := range queueNumbers() {
		all[name] = q.attribute(name)
	}
	maps.Copy(all, q.Attributes)
	return all
}
