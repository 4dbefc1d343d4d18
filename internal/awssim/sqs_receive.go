package awssim

import (
	"slices"
	"strconv"
	"time"
)

// A receiving is what a ReceiveMessage asks for.
type receiving struct {
	most    int
	wait    time.Duration // how long it polls
	timeout time.Duration // how long what it gets stays out of others' sight
	show    []string      // system attributes
}

// receiveMessage hands out messages. With none there, it waits for one until
// its time is over.
func receiveMessage(c *call) (M, error) {
	q, err := c.queueFor("ReceiveMessage")
	if err != nil {
		return nil, err
	}
	asked, err := c.receiving(q)
	if err != nil {
		return nil, err
	}
	if _, _, taken := q.counts(c.now); taken >= c.quota("messagesInFlight") && asked.wait == 0 {
		return nil, refuse("OverLimit", "Too many messages in flight.")
	}
	before := len(q.Messages)
	got := c.pick(q, asked)
	if len(got) > 0 {
		return M{"Messages": listBy(got, func(m *queued) M { return q.messageItem(m, asked.show) })}, nil
	}
	c.idle = len(q.Messages) == before // what was received too often has gone
	if until := c.began.Add(asked.wait); c.now.Before(until) {
		c.until, c.look = until, q.next(c.now)
	}
	return M{}, nil // an empty answer has no Messages at all
}

// receiving reads the request, over what the queue has preset.
func (c *call) receiving(q *queue) (receiving, error) {
	asked := receiving{
		most: 1, wait: q.seconds("ReceiveMessageWaitTimeSeconds"), timeout: q.seconds("VisibilityTimeout"),
		show: append(c.in.strs("AttributeNames"), c.in.strs("MessageSystemAttributeNames")...),
	}
	if c.in.has("MaxNumberOfMessages") {
		asked.most = int(c.in.num("MaxNumberOfMessages"))
	}
	if asked.most < 1 || asked.most > 10 {
		return asked, outside("MaxNumberOfMessages", asked.most, "Must be between 1 and 10, if provided")
	}
	var err error
	if asked.wait, err = c.secondsOr("WaitTimeSeconds", 20, asked.wait); err != nil {
		return asked, err
	}
	asked.timeout, err = c.secondsOr("VisibilityTimeout", 43200, asked.timeout)
	return asked, err
}

// secondsOr is a parameter that is a time of at most so many seconds, and
// preset when it is absent.
func (c *call) secondsOr(name string, most int, preset time.Duration) (time.Duration, error) {
	if !c.in.has(name) {
		return preset, nil
	}
	n := int(c.in.num(name))
	if n < 0 || n > most {
		return 0, outside(name, n, "Must be >= 0 and <= "+strconv.Itoa(most)+", if provided")
	}
	return time.Duration(n) * time.Second, nil
}

// pick takes messages out of others' sight. Those that were received too often
// go to the queue for dead letters instead.
func (c *call) pick(q *queue, asked receiving) []*queued {
	var got []*queued
	for _, m := range slices.Clone(q.Messages) {
		if len(got) == asked.most {
			break
		}
		if m.Visible.After(c.now) || c.bury(q, m) {
			continue
		}
		m.Receives++
		m.Visible = c.now.Add(asked.timeout)
		if m.First.IsZero() {
			m.First = c.now
		}
		got = append(got, m)
		if c.twice {
			q.again(c.sim, m)
		}
	}
	return got
}

// bury moves a message that was received as often as the queue's redrive
// policy allows.
func (c *call) bury(q *queue, m *queued) bool {
	policy, ok := readRedrive(q.Attributes["RedrivePolicy"])
	if !ok {
		return false
	}
	most, err := policy.Most.Int64()
	grave := c.sim.queueOf(policy.Target)
	if err != nil || grave == nil || int64(m.Receives) < most {
		return false
	}
	q.drop(m)
	grave.Messages = append(grave.Messages, m) // with its age and count, as AWS keeps them
	return true
}

// next is when the next message comes into sight by itself; zero: never.
func (q *queue) next(now time.Time) time.Time {
	var next time.Time
	for _, m := range q.Messages {
		if m.Visible.After(now) && (next.IsZero() || m.Visible.Before(next)) {
			next = m.Visible
		}
	}
	return next
}

// messageItem renders a message as it is received.
func (q *queue) messageItem(m *queued, show []string) M {
	item := M{
		"MessageId": m.ID, "Body": m.Body, "MD5OfBody": sumOf(m.Body),
		"ReceiptHandle": receipt{Queue: q.ARN, Copy: m.Copy, Receive: m.Receives}.handle(),
	}
	shown := make(M)
	for name, value := range map[string]string{
		"SenderId":                         m.Sender,
		"SentTimestamp":                    strconv.FormatInt(m.Sent.UnixMilli(), 10),
		"ApproximateReceiveCount":          strconv.Itoa(m.Receives),
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.First.UnixMilli(), 10),
	} {
		if slices.Contains(show, "All") || slices.Contains(show, name) {
			shown[name] = value
		}
	}
	if len(shown) > 0 {
		item["Attributes"] = shown
	}
	return item
}
