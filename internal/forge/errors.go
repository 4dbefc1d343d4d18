package forge

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// An Error is what a forge would not do.
type Error struct {
	Kind  Kind
	Doing string // such as "comment on pull request 7"
	// Status is HTTP's: 401, 403, 404, 422 ….
	Status  int
	Message string // the forge's own
	Mend    string // what to do about it; may be empty
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s: cannot %s: %d %s", e.Kind, e.Doing, e.Status, e.Message)
	if e.Mend != "" {
		text += ": " + e.Mend
	}
	return text
}

// RateLimited tells that a forge takes nothing more from us until a time too
// far ahead to be waited for here.
type RateLimited struct {
	Until time.Time
}

func (e *RateLimited) Error() string {
	return fmt.Sprintf("the forge's rate limit is spent until %s: try again then", e.Until.UTC().Format(time.RFC3339))
}

// A refusal is an answer of 400 or more.
type refusal struct {
	status  int
	message string
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s", r.status, r.message) }

// refused tells whether err is an answer with that status.
func refused(err error, status int) bool {
	r, ok := errors.AsType[*refusal](err)
	return ok && r.status == status
}

// unsure tells that a request may have had its effect although it failed.
func unsure(err error) bool {
	if _, limited := errors.AsType[*RateLimited](err); err == nil || limited {
		return false
	}
	r, answered := errors.AsType[*refusal](err)
	return !answered || r.status >= 500
}

// A need is the permission that an operation wants, in the forge's own terms.
type need string

// explain says what was being done when err came, and how to mend it.
func (k Kind) explain(doing string, needs need, err error) error {
	if err == nil {
		return nil
	}
	if r, ok := errors.AsType[*refusal](err); ok {
		return &Error{Kind: k, Doing: doing, Status: r.status, Message: r.message, Mend: mend(r.status, needs)}
	}
	// The client's wrapping says only which address it was.
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return fmt.Errorf("%s: cannot %s: %w", k, doing, err)
}

func mend(status int, needs need) string {
	switch status {
	case http.StatusUnauthorized:
		return "give credentials that are valid and have not expired"
	case http.StatusForbidden:
		return fmt.Sprintf("the credentials need %s", needs)
	case http.StatusTooManyRequests:
		return "it asks for fewer requests, so try again later"
	case http.StatusNotFound:
		return fmt.Sprintf("check the repository's name and the number, and that the credentials have %s", needs)
	}
	return ""
}
