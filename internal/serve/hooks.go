package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/linkfleet/linkfleet/internal/forge/webhook"
	"github.com/linkfleet/linkfleet/internal/ledger"
)

const (
	// deliveriesAtOnce bounds the memory that bodies take which nobody has
	// vouched for yet.
	deliveriesAtOnce = 8
	// deliveryTime is for a delivery to arrive in. GitHub gives up after 10
	// seconds, and so do Gitea and GitLab unless they are told otherwise:
	// https://docs.github.com/webhooks/using-webhooks/best-practices-for-using-webhooks
	deliveryTime = 10 * time.Second
)

// A DeliveryResult is what became of a webhook's delivery.
type DeliveryResult string

// What becomes of deliveries.
const (
	DeliveryQueued  DeliveryResult = "queued"
	DeliveryIgnored DeliveryResult = "ignored" // it asks for nothing
	DeliveryAgain   DeliveryResult = "again"   // it was accepted before
	DeliveryRefused DeliveryResult = "refused"
	DeliveryFailed  DeliveryResult = "failed" // it could not be kept; the forge is to send it again
)

// An answer is what a delivery is answered with.
type answer struct {
	status int
	result DeliveryResult
	text   string
}

// Handler takes the webhook's deliveries. It answers with success only when
// what they ask for stands on the disk.
func (s *Server) Handler() http.Handler {
	slots := make(chan struct{}, deliveriesAtOnce)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			// Where the connection has no deadlines, the server's own hold.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(deliveryTime))
			s.write(w, s.receive(r))
		default:
			s.Log.WarnContext(r.Context(), "webhook refused", "reason", "too many deliveries at once", "from", r.RemoteAddr)
			w.Header().Set("Retry-After", "10")
			s.write(w, answer{http.StatusServiceUnavailable, DeliveryRefused, "too many deliveries at once"})
		}
	})
}

func (s *Server) write(w http.ResponseWriter, a answer) {
	s.Observer.Delivered(a.result)
	if a.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	body := a.text + "\n"
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, body) // who is gone does not read it
}

// receive reads a delivery and keeps what it asks for. Nothing of it is logged
// before its signature was found good.
func (s *Server) receive(r *http.Request) answer {
	ctx := r.Context()
	if s.Receiver == nil {
		return answer{http.StatusNotFound, DeliveryRefused, "no webhooks are taken here"}
	}
	event, err := s.Receiver.Read(r)
	if err != nil {
		return s.refuse(r, err)
	}
	if event.Kind == webhook.Ping || event.Kind == webhook.Ignored {
		return answer{http.StatusOK, DeliveryIgnored, "nothing to do"}
	}
	if !strings.EqualFold(event.Repo, s.Repo) {
		return s.refuse(r, &webhook.Error{Status: http.StatusForbidden, Reason: "it is of another repository than the fleet's"})
	}
	log := s.Log.With("event", event.Kind, "branch", event.Branch, "commit", event.Commit, "digest", event.Digest)
	jobs := s.wanted(ctx, log, event)
	if len(jobs) == 0 {
		log.DebugContext(ctx, "webhook asks for nothing")
		return answer{http.StatusOK, DeliveryIgnored, "nothing to do"}
	}
	return s.accept(ctx, log, event, jobs)
}

// refuse answers a delivery that cannot be trusted or read.
func (s *Server) refuse(r *http.Request, err error) answer {
	why, ok := errors.AsType[*webhook.Error](err)
	if !ok {
		why = &webhook.Error{Status: http.StatusBadRequest, Reason: "it cannot be read"}
	}
	s.Log.WarnContext(r.Context(), "webhook refused", "status", why.Status, "reason", why.Reason, "from", r.RemoteAddr)
	return answer{why.Status, DeliveryRefused, why.Reason}
}

// accept keeps a delivery with its jobs. A delivery is known by the digest of
// its body: a replay can change all else.
func (s *Server) accept(ctx context.Context, log *slog.Logger, event webhook.Event, jobs []ledger.Job) answer {
	q, fresh, err := s.Ledger.Accept(ctx, ledger.Delivery{Forge: string(s.Forge), ID: event.Digest, At: s.Now()}, jobs...)
	switch {
	case err != nil:
		log.ErrorContext(ctx, "webhook could not be kept", "error", err)
		return answer{http.StatusInternalServerError, DeliveryFailed, "it could not be kept; send it again"}
	case !fresh:
		log.InfoContext(ctx, "webhook was accepted before")
		return answer{http.StatusOK, DeliveryAgain, "it was accepted before"}
	}
	log.InfoContext(ctx, "webhook accepted", "jobs", len(q.Jobs), "superseded", len(q.Superseded))
	rouse(s.applying)
	rouse(s.previewing)
	return answer{http.StatusAccepted, DeliveryQueued, "queued"}
}

// wanted are the jobs that an event asks for. That a pull request was closed
// asks for none: its preview that waits finds that out, and posts nothing.
func (s *Server) wanted(ctx context.Context, log *slog.Logger, event webhook.Event) []ledger.Job {
	switch {
	case event.Branch != s.Ref:
	case event.Kind == webhook.Push && event.Deleted:
		log.WarnContext(ctx, "the branch that is rolled out was deleted; nothing changes before it is there again")
	case event.Kind == webhook.Push:
		return []ledger.Job{s.pushed(event.Commit)}
	case event.Kind == webhook.PullRequest && s.Previewer != nil && event.Action != webhook.Closed && event.Action != webhook.Merged:
		return []ledger.Job{s.pulled(event.Number, event.Commit)}
	}
	return nil
}

// pushed is the job to roll a commit out.
func (s *Server) pushed(commit string) ledger.Job {
	return ledger.Job{Kind: ledger.PushJob, Key: s.Ref, Commit: commit, Enqueued: s.Now()}
}

// pulled is the job to preview a pull request.
func (s *Server) pulled(number int, commit string) ledger.Job {
	return ledger.Job{Kind: ledger.PullJob, Key: fmt.Sprint(number), Commit: commit, Enqueued: s.Now()}
}
