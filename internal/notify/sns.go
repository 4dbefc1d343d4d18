package notify

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"github.com/linkfleet/linkfleet/planner"
)

// A Publisher publishes to one topic of SNS. Its errors are passed on.
type Publisher interface {
	Publish(ctx context.Context, subject, message string) error
}

// The limits of SNS's Publish: a subject of fewer than 100 ASCII characters,
// that begins with a letter, digit or punctuation mark and has no control
// characters, and a message of 256 KiB.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const (
	subjectLimit = 99
	messageLimit = 200_000
)

type sns struct{ topic Publisher }

// SNS sends to a topic, as plain text for mail.
func SNS(topic Publisher) Sender { return &sns{topic} }

// Send publishes the notice once.
func (s *sns) Send(ctx context.Context, n Notice) error {
	if err := s.topic.Publish(ctx, subject(n), message(n)); err != nil {
		return fmt.Errorf("topic: %w", err)
	}
	return nil
}

func subject(n Notice) string {
	title := planner.Clean(n.Title)
	if n.Fleet != "" {
		title = planner.Clean(n.Fleet) + ": " + title
	}
	ascii := strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII {
			return '?'
		}
		return r
	}, strings.TrimSpace("linkfleet "+title))
	if len(ascii) > subjectLimit {
		return ascii[:subjectLimit-3] + "..."
	}
	return ascii
}

func message(n Notice) string {
	parts := []string{planner.Clean(n.Title)}
	if n.Text != "" {
		parts = append(parts, lines(n.Text))
	}
	if to := link(n.RunURL); to != "" {
		parts = append(parts, to)
	}
	text := strings.Join(append(parts, n.origin()), "\n\n")
	if len(text) <= messageLimit {
		return text
	}
	return strings.ToValidUTF8(text[:messageLimit], "") + "…\n"
}
