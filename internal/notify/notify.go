// Package notify tells people of what has changed with a fleet: by
// Slack-compatible webhooks, and by SNS.
//
// What it tells was in part written by others: commit messages, errors of AWS.
// It mentions nobody, links nowhere but to the run, and shows what is invisible
// as an escape.
package notify

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/linkfleet/linkfleet/planner"
)

// A Kind is what a notice is about.
type Kind string

// The kinds of notices.
const (
	Drift    Kind = "drift"    // AWS is other than the commit applied last wants it
	Failure  Kind = "failure"  // a run failed or was refused
	Waiting  Kind = "waiting"  // something has been waited for for long, such as a partner
	Recovery Kind = "recovery" // what was told before is over
)

// A Notice is what is to be told. All but the title may be empty. It marshals
// to JSON, for a queue.
type Notice struct {
	Kind   Kind   `json:"kind"`
	Fleet  string `json:"fleet"`
	Title  string `json:"title"`            // one line
	Text   string `json:"text,omitempty"`   // may have several lines
	Commit string `json:"commit,omitempty"` // in hex
	RunURL string `json:"runUrl,omitempty"` // of the run's page; http or https
}

// A Sender takes a notice to where people read it. It tries once.
type Sender interface {
	// Send returns an [*Error] where trying again later may help, or surely
	// does not.
	Send(ctx context.Context, n Notice) error
}

// An Error is why a notice was not sent. It names no secret.
type Error struct {
	Permanent bool          // the same notice will fail again
	After     time.Duration // to wait before the next try, if the receiver said so; 0: it did not
	Status    int           // of the answer, by HTTP; 0: there was none
	Err       error
}

func (e *Error) Error() string { return e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// A Secret is an address that lets whoever knows it post. It does not print.
type Secret string

const hidden = "(secret)"

func (Secret) String() string { return hidden }

// GoString hides it from %#v.
func (Secret) GoString() string { return hidden }

// Format hides it from every verb, %x and %q among them.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// LogValue hides it from logs.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText hides it from JSON.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// lines makes each line of a text clean.
func lines(text string) string {
	var clean []string
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		clean = append(clean, planner.Clean(strings.TrimRight(line, "\r")))
	}
	return strings.Join(clean, "\n")
}

// cut shortens a text to a number of characters.
func cut(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return strings.TrimSpace(string(runes[:most-1])) + "…"
}

// link is an address that a browser may be sent to, or empty.
func link(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return ""
	}
	return u.String()
}

// origin is one line of where a notice comes from.
func (n Notice) origin() string {
	line := "linkfleet"
	if n.Fleet != "" {
		line += " · fleet " + cut(planner.Clean(n.Fleet), 100)
	}
	if n.Commit != "" {
		line += " · commit " + planner.Clean(string([]rune(n.Commit)[:min(12, len([]rune(n.Commit)))]))
	}
	return line
}
