package serve

import (
	"context"
	"errors"
	"time"

	"github.com/linkfleet/linkfleet/internal/ledger"
)

const (
	// sendTime is for one notice to be sent in.
	sendTime = 30 * time.Second
	// staleAfter is when a notice that could not be sent is given up: it is
	// old news, and newer ones wait behind it.
	staleAfter = 3 * 24 * time.Hour
)

// A SendError is that a notice was not sent, with what is known of a retry.
type SendError struct {
	Err   error
	Never bool          // it would fail again
	After time.Duration // the receiver wants to be left alone for so long; 0: it did not say
}

func (e *SendError) Error() string { return e.Err.Error() }

func (e *SendError) Unwrap() error { return e.Err }

// A NoticeResult is what came of an attempt to send a notice.
type NoticeResult string

// What comes of attempts.
const (
	NoticeSent    NoticeResult = "sent"
	NoticeDelayed NoticeResult = "delayed" // it will be tried again
	NoticeGivenUp NoticeResult = "given_up"
)

// deliver sends a notice, if one is due.
func (s *Server) deliver(ctx context.Context) (time.Time, error) {
	n, found, err := s.Ledger.TakeNotice(ctx, s.Now())
	if err != nil {
		return time.Time{}, err
	}
	if !found {
		return s.nextNotice(ctx)
	}
	rouse(s.telling) // another channel may have one
	failed := s.send(ctx, &n)
	s.Observer.Noticed(n.Channel, noticeResult(n, failed))
	s.insist(ctx, "keeping what became of a notice", func(ctx context.Context) error {
		switch {
		case failed == nil:
			return s.Ledger.NoticeSent(ctx, n, s.Now())
		default:
			return s.Ledger.NoticeFailed(ctx, n, s.resend(n, failed), failed.Error())
		}
	})
	return s.Now(), nil
}

func noticeResult(n ledger.Notice, failed error) NoticeResult {
	switch {
	case failed != nil:
		return NoticeDelayed
	case n.LastError != "":
		return NoticeGivenUp
	}
	return NoticeSent
}

// resend is when to try again to send a notice.
func (s *Server) resend(n ledger.Notice, failed error) time.Time {
	wait := backoff(5*time.Second, 15*time.Minute, n.Attempts)
	if e, ok := errors.AsType[*SendError](failed); ok {
		wait = max(wait, min(e.After, time.Hour))
	}
	return s.Now().Add(wait)
}

// send sends a notice, or gives it up, which the notice then says.
func (s *Server) send(ctx context.Context, n *ledger.Notice) error {
	log := s.Log.With("notice", n.ID, "channel", n.Channel, "condition", n.Subject)
	channel, ok := s.Channels[n.Channel]
	if !ok {
		n.LastError = "given up: the channel is not configured any more"
		log.WarnContext(ctx, "a notice is given up", "why", n.LastError)
		return nil
	}
	sending, end := context.WithTimeout(ctx, sendTime)
	defer end()
	err := channel(sending, *n)
	switch {
	case err == nil:
		n.LastError = ""
		log.InfoContext(ctx, "notice sent")
	case never(err), s.Now().Sub(n.At) > staleAfter:
		n.LastError = "given up: " + err.Error()
		log.ErrorContext(ctx, "a notice is given up", "why", err)
		return nil
	default:
		log.WarnContext(ctx, "a notice could not be sent and will be tried again", "attempt", n.Attempts, "error", err)
	}
	return err
}

func never(err error) bool {
	e, ok := errors.AsType[*SendError](err)
	return ok && e.Never
}

// nextNotice is when the next notice is due: the first of each channel counts.
func (s *Server) nextNotice(ctx context.Context) (time.Time, error) {
	unsent, err := s.Ledger.Unsent(ctx)
	if err != nil {
		return time.Time{}, err
	}
	seen := map[string]bool{}
	next := s.Now().Add(idle)
	for _, n := range unsent {
		if !seen[n.Channel] && n.NotBefore.Before(next) {
			next = n.NotBefore
		}
		seen[n.Channel] = true
	}
	// One that another sends just now is not due, though it looks so.
	if earliest := s.Now().Add(time.Second); next.Before(earliest) {
		next = earliest
	}
	return next, nil
}
