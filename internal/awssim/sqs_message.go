package awssim

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A queued is a message in a queue: one copy of it, where SQS keeps several.
type queued struct {
	Copy     int64  // tells copies apart
	ID, Body string // the message's
	Sender   string // AWS's SenderId
	Sent     time.Time
	Visible  time.Time // from when on it can be received
	First    time.Time // received; zero: never
	Receives int
}

// A receipt is what a receipt handle holds: one receive of one copy. Clients
// must not look inside.
type receipt struct {
	Queue   string `json:"q"`
	Copy    int64  `json:"c"`
	Receive int    `json:"n"`
}

func (r receipt) handle() string {
	text, _ := json.Marshal(r) // a string and two numbers always marshal
	return base64.StdEncoding.EncodeToString(text)
}

// put puts a message into the queue, twice where the world says so.
func (s *Sim) put(q *queue, body, sender string, delay time.Duration) *queued {
	m := &queued{ID: uuid(s.newHex(32)), Body: body, Sender: sender, Sent: s.now(), Visible: s.now().Add(delay)}
	q.add(s, m)
	if s.choice("deliverTwice") {
		q.again(s, m)
	}
	return m
}

// again puts a second copy of a message into the queue, ready to be received.
func (q *queue) again(s *Sim, m *queued) {
	second := *m
	second.Visible = s.now()
	q.add(s, &second)
}

func (q *queue) add(s *Sim, m *queued) {
	s.world.Counter++
	m.Copy = s.world.Counter
	q.Messages = append(q.Messages, m)
}

// uuid writes 32 hexadecimal digits as AWS writes ids of messages.
func uuid(digits string) string {
	return strings.Join([]string{digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]}, "-")
}

// drop takes a copy out of the queue.
func (q *queue) drop(m *queued) {
	q.Messages = slices.DeleteFunc(q.Messages, func(have *queued) bool { return have.Copy == m.Copy })
}

// forget drops what is older than the queue's retention period.
func (q *queue) forget(now time.Time) {
	kept := q.seconds("MessageRetentionPeriod")
	q.Messages = slices.DeleteFunc(q.Messages, func(m *queued) bool { return now.Sub(m.Sent) >= kept })
}

// counts tells how many messages can be received, are delayed, and are in
// flight.
func (q *queue) counts(now time.Time) (visible, delayed, taken int) {
	q.forget(now)
	for _, m := range q.Messages {
		switch {
		case !m.Visible.After(now):
			visible++
		case m.Receives == 0:
			delayed++
		default:
			taken++
		}
	}
	return visible, delayed, taken
}

func sendMessage(c *call) (M, error) {
	q, err := c.queueFor("SendMessage")
	if err != nil {
		return nil, err
	}
	return c.send(q, c.in)
}

// send sends one message. Its attributes are not simulated.
func (c *call) send(q *queue, in M) (M, error) {
	body := in.str("MessageBody")
	for _, unserved := range []string{"MessageAttributes", "MessageSystemAttributes", "MessageGroupId", "MessageDeduplicationId"} {
		if in.has(unserved) {
			return nil, refuse("UnsupportedOperation", "The simulator does not have the parameter %s of SendMessage yet.", unserved)
		}
	}
	if body == "" {
		return nil, refuse("MissingRequiredParameterException", "The request must contain the parameter MessageBody.")
	}
	if most := q.number("MaximumMessageSize"); len(body) > most {
		return nil, refuse("InvalidParameterValueException", "One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", most)
	}
	if strings.ContainsFunc(body, notInXML) {
		return nil, refuse("InvalidMessageContents", "The message contains characters outside the allowed set.")
	}
	delay := q.number("DelaySeconds")
	if in.has("DelaySeconds") {
		delay = int(in.num("DelaySeconds"))
	}
	if delay < 0 || delay > 900 {
		return nil, outside("DelaySeconds", delay, "DelaySeconds must be >= 0 and <= 900")
	}
	m := c.sim.put(q, body, c.caller.UserID, time.Duration(delay)*time.Second)
	return M{"MessageId": m.ID, "MD5OfMessageBody": sumOf(body)}, nil
}

// notInXML tells characters that messages must not have (SQS API reference,
// SendMessage).
func notInXML(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
}

// sumOf is the digest by which clients check that a body arrived whole.
func sumOf(body string) string {
	sum := md5.Sum([]byte(body))
	return hex.EncodeToString(sum[:])
}

func outside(name string, value int, reason string) *Error {
	return refuse("InvalidParameterValueException", "Value %s for parameter %s is invalid. Reason: %s.", strconv.Itoa(value), name, reason)
}

func deleteMessage(c *call) (M, error) {
	q, err := c.queueFor("DeleteMessage")
	if err != nil {
		return nil, err
	}
	return c.remove(q, c.in)
}

// remove deletes the copy that a receipt handle is of. One of an earlier
// receive is taken, and deletes nothing, as the API reference warns.
func (c *call) remove(q *queue, in M) (M, error) {
	m, current, err := q.received(in.str("ReceiptHandle"))
	if err != nil {
		return nil, err
	}
	if m != nil && current {
		q.drop(m)
	}
	return M{}, nil
}

// received finds the copy that a receipt handle is of, nil if it has gone, and
// tells whether it was its last receive.
func (q *queue) received(handle string) (m *queued, current bool, err error) {
	var r receipt
	text, err := base64.StdEncoding.DecodeString(handle)
	if err != nil || json.Unmarshal(text, &r) != nil || r.Queue != q.ARN {
		return nil, false, refuse("ReceiptHandleIsInvalid", "The input receipt handle %q is not a valid receipt handle.", handle)
	}
	for _, m := range q.Messages {
		if m.Copy == r.Copy {
			return m, m.Receives == r.Receive, nil
		}
	}
	return nil, false, nil
}

func changeVisibility(c *call) (M, error) {
	q, err := c.queueFor("ChangeMessageVisibility")
	if err != nil {
		return nil, err
	}
	return c.setVisibility(q, c.in)
}

func (c *call) setVisibility(q *queue, in M) (M, error) {
	seconds := int(in.num("VisibilityTimeout"))
	if seconds < 0 || seconds > 43200 {
		return nil, outside("VisibilityTimeout", seconds, "VisibilityTimeout must be an integer between 0 and 43200")
	}
	m, current, err := q.received(in.str("ReceiptHandle"))
	switch {
	case err != nil:
		return nil, err
	case m == nil || !current:
		return nil, refuse("InvalidParameterValueException", "Value %s for parameter ReceiptHandle is invalid. "+
			"Reason: Message does not exist or is not available for visibility timeout change.", in.str("ReceiptHandle"))
	case !m.Visible.After(c.now):
		return nil, refuse("MessageNotInflight", "The specified message isn't in flight.")
	}
	m.Visible = c.now.Add(time.Duration(seconds) * time.Second)
	return M{}, nil
}

// purgeQueue empties a queue at once; AWS takes up to a minute.
func purgeQueue(c *call) (M, error) {
	q, err := c.queueFor("PurgeQueue")
	if err != nil {
		return nil, err
	}
	if !q.Purged.IsZero() && c.now.Sub(q.Purged) < time.Minute {
		return nil, refuse("PurgeQueueInProgress", "Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.Name)
	}
	q.Purged, q.Messages = c.now, nil
	return M{}, nil
}
