// Package webhook reads what forges send when something happens: it takes
// nothing that is not signed with one of our secrets, and tells what is left
// as one kind of event, whichever forge it came from.
package webhook

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/linkfleet/linkfleet/internal/forge"
)

const (
	// DefaultMaxBody is how many bytes a delivery may have: 25 MB is GitHub's
	// own limit; https://docs.github.com/webhooks/webhook-events-and-payloads.
	DefaultMaxBody = 25 << 20
	// MinSecret is how many bytes a secret must have, so that nobody guesses
	// it.
	MinSecret = 16
	// MaxAge is how far a delivery's time may be from ours, where the forge
	// gives one (GitLab, signed). It is the tolerance of the Standard Webhooks
	// libraries.
	MaxAge = 5 * time.Minute
)

// A Receiver reads the deliveries of one forge. It can be used by many
// goroutines at once.
type Receiver struct {
	kind    forge.Kind
	secrets [][]byte
	maxBody int64
}

// NewReceiver refuses to be made without a secret. Several are for the time in
// which one is replaced by another; any of them is good. A maxBody of 0 is
// [DefaultMaxBody].
func NewReceiver(kind forge.Kind, secrets [][]byte, maxBody int64) (*Receiver, error) {
	if kind != forge.GitHub && kind != forge.GitLab && kind != forge.Gitea {
		return nil, fmt.Errorf("forge %q is not known: it is github, gitlab or gitea (also for Forgejo)", kind)
	}
	if len(secrets) == 0 {
		return nil, errors.New("no webhook secret: anybody could give orders; make one (openssl rand -hex 32) and give it here and to the forge")
	}
	for i, s := range secrets {
		if len(s) < MinSecret {
			return nil, fmt.Errorf("webhook secret %d of %d has %d bytes and could be guessed: make one of at least %d (openssl rand -hex 32)", i+1, len(secrets), len(s), MinSecret)
		}
	}
	if maxBody <= 0 {
		maxBody = DefaultMaxBody
	}
	return &Receiver{kind: kind, secrets: secrets, maxBody: maxBody}, nil
}

// Read reads one delivery. Its errors are of type [*Error]. An event that
// means nothing to us is of kind Ignored.
func (r *Receiver) Read(req *http.Request) (Event, error) {
	if req.Method != http.MethodPost {
		return Event{}, refuse(http.StatusMethodNotAllowed, "a delivery is a POST")
	}
	form, err := isForm(req.Header.Get("Content-Type"))
	if err != nil {
		return Event{}, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, req.Body, r.maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return Event{}, refuse(http.StatusRequestEntityTooLarge, fmt.Sprintf("a delivery has at most %d bytes", r.maxBody))
	} else if err != nil {
		return Event{}, refuse(http.StatusBadRequest, "the delivery ended early")
	}
	if err := r.verify(req.Header, body, time.Now()); err != nil {
		return Event{}, err
	}
	payload := body
	if form {
		if payload, err = fromForm(body); err != nil {
			return Event{}, err
		}
	}
	event, err := r.read(req.Header, payload)
	if err != nil {
		return Event{}, err
	}
	event.Digest = digest(body)
	return event, nil
}

// isForm tells GitHub's and Gitea's older encoding from JSON.
func isForm(contentType string) (bool, error) {
	media, _, err := mime.ParseMediaType(contentType)
	switch {
	case err == nil && media == "application/json":
		return false, nil
	case err == nil && media == "application/x-www-form-urlencoded":
		return true, nil
	}
	return false, refuse(http.StatusUnsupportedMediaType, "a delivery is application/json: choose that in the webhook's settings")
}

// fromForm is the payload field of a form.
func fromForm(body []byte) ([]byte, error) {
	values, err := url.ParseQuery(string(body))
	if err != nil || !values.Has("payload") {
		return nil, refuse(http.StatusBadRequest, "the form has no payload")
	}
	return []byte(values.Get("payload")), nil
}

// read tells what a payload says that is known to be the forge's.
func (r *Receiver) read(h http.Header, payload []byte) (Event, error) {
	switch r.kind {
	case forge.GitLab:
		return readGitLab(h, payload)
	case forge.Gitea:
		return readHubLike(payload, first(h, "X-Forgejo-Event", "X-Gitea-Event"), first(h, "X-Forgejo-Delivery", "X-Gitea-Delivery"))
	}
	return readHubLike(payload, h.Get("X-GitHub-Event"), h.Get("X-GitHub-Delivery"))
}

// first is the first header that is there.
func first(h http.Header, names ...string) string {
	for _, name := range names {
		if v := strings.TrimSpace(h.Get(name)); v != "" {
			return v
		}
	}
	return ""
}

// An Error is why a delivery was refused. It shows neither secrets nor what
// the delivery says.
type Error struct {
	Status int // HTTP's, to answer with
	Reason string
}

func (e *Error) Error() string { return "webhook refused: " + e.Reason }

func refuse(status int, reason string) error { return &Error{Status: status, Reason: reason} }
