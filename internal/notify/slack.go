package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/linkfleet/linkfleet/planner"
)

// The smallest limits among the receivers, which are Discord's: 256 characters
// of an embed's title, 2,000 of a message. Slack cuts at 40,000, Mattermost at
// 16,383.
const (
	titleLimit = 240
	textLimit  = 1900
)

// slackPatience is how long a receiver may take to answer.
const slackPatience = 10 * time.Second

type slack struct {
	url    Secret
	client *http.Client
}

// Slack sends to an incoming webhook of Slack, or of what takes the same
// messages: Mattermost, Discord (its address with /slack at the end). The
// message has attachments and not blocks, which Slack alone knows.
func Slack(hook Secret) (Sender, error) {
	u, err := url.Parse(string(hook))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return nil, errors.New("the webhook's address is no http or https URL; copy it anew from the receiver's settings")
	}
	return &slack{url: hook, client: &http.Client{
		Timeout: slackPatience,
		// A redirect would take the message to somebody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// A slackMessage is as the reference of Slack's chat.postMessage has it:
// https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments
type slackMessage struct {
	Text        string            `json:"text"`
	Mrkdwn      bool              `json:"mrkdwn"`
	LinkNames   bool              `json:"link_names"`
	Attachments []slackAttachment `json:"attachments,omitempty"`
}

type slackAttachment struct {
	Color     string   `json:"color"`
	Fallback  string   `json:"fallback"`
	Title     string   `json:"title,omitempty"`
	TitleLink string   `json:"title_link,omitempty"`
	Text      string   `json:"text,omitempty"`
	Footer    string   `json:"footer"`
	MrkdwnIn  []string `json:"mrkdwn_in"`
}

// colour is that of the bar beside the message.
func (k Kind) colour() string {
	switch k {
	case Failure:
		return "#a3211b"
	case Drift, Waiting:
		return "#b57500"
	case Recovery:
		return "#1d6b3c"
	}
	return "#5d646d"
}

func slackForm(n Notice) slackMessage {
	title := tame(cut(planner.Clean(n.Title), titleLimit))
	a := slackAttachment{Color: n.Kind.colour(), Fallback: title, Text: tame(cut(lines(n.Text), textLimit)), Footer: tame(n.origin()), MrkdwnIn: []string{}}
	if to := link(n.RunURL); to != "" {
		a.Title, a.TitleLink = "The run", to
	}
	return slackMessage{Text: title, Attachments: []slackAttachment{a}}
}

// everybody are the words behind an @ that call more than one person,
// somewhere in a word too.
var everybody = regexp.MustCompile(`(?i)^(here|channel|all|everyone|group|team)`)

// tame escapes what Slack wants escaped (&, < and >, by which <!channel> and
// <@U123> are text: https://docs.slack.dev/messaging/formatting-message-text),
// and parts what Mattermost and Discord would take for a mention or for a link
// in markdown with a space that has no width.
func tame(text string) string {
	const part = "\u200b"
	var b strings.Builder
	var before rune
	for i, r := range text {
		switch rest := text[i+utf8.RuneLen(r):]; {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '@' && (!unicode.IsLetter(before) && !unicode.IsDigit(before) || everybody.MatchString(rest)),
			r == ']' && strings.HasPrefix(rest, "("):
			b.WriteString(string(r) + part)
		default:
			b.WriteRune(r)
		}
		before = r
	}
	return b.String()
}

// Send posts the message once.
func (s *slack) Send(ctx context.Context, n Notice) error {
	body, err := json.Marshal(slackForm(n))
	if err != nil {
		return &Error{Permanent: true, Err: fmt.Errorf("webhook: %w", err)}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, string(s.url), bytes.NewReader(body))
	if err != nil {
		return &Error{Permanent: true, Err: errors.New("webhook: the address cannot be posted to")} // err has the address
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return &Error{Err: fmt.Errorf("webhook: %w", withoutURL(err))}
	}
	defer resp.Body.Close()
	return answered(resp)
}

// withoutURL is what went wrong, without the address that net/http puts before.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// codes are the words by which Slack says what was wrong, such as
// channel_is_archived. Nothing else of an answer is repeated.
var codes = regexp.MustCompile(`^[a-z_]{1,60}$`)

func answered(resp *http.Response) error {
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10)) // what cannot be read was not said
	if resp.StatusCode/100 == 2 {
		return nil
	}
	text := fmt.Sprintf("webhook: the receiver answers %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	if word := strings.TrimSpace(string(said)); codes.MatchString(word) {
		text += " (" + word + ")"
	}
	e := &Error{Status: resp.StatusCode, Err: errors.New(text)}
	switch {
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusServiceUnavailable:
		e.After = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	case resp.StatusCode == http.StatusRequestTimeout, resp.StatusCode >= 500:
	default:
		e.Permanent = true
	}
	return e
}

// longest is how long a receiver may put us off.
const longest = time.Hour

// retryAfter reads the header as RFC 9110, section 10.2.3 has it: seconds, or
// a date. Discord's seconds have a fraction.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > 0 {
		return time.Duration(min(seconds, longest.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), longest)
	}
	return 0
}
