package webhook

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// An Event is what happened on a forge.
type Event struct {
	// Delivery is the forge's id for the delivery, the same when the forge
	// sends it again. It is not signed (but by GitLab's signing tokens): who
	// replays a delivery can give it another. Digest can't be changed.
	Delivery string
	// Digest is the SHA-256 of the body in hexadecimal, the same for a replay
	// whatever its headers say.
	Digest string

	Kind   Kind
	Action Action // of a pull request
	// Repo is the repository's full name, of a pull request the one it asks to
	// be merged into.
	Repo string
	// Branch is what was pushed to, or what a pull request asks to be merged
	// into.
	Branch string
	// Commit is what the branch is at now (empty where it was deleted), or a
	// pull request's head.
	Commit  string
	Deleted bool // of a push: the branch is gone
	Number  int  // of a pull request
}

// A Kind of event.
type Kind string

const (
	Push        Kind = "push"
	PullRequest Kind = "pull request"
	Ping        Kind = "ping"    // a webhook was set up
	Ignored     Kind = "ignored" // what means nothing to us
)

// An Action is what was done with a pull request.
type Action string

const (
	Opened   Action = "opened"
	Updated  Action = "updated" // other commits, another base, no draft any more
	Reopened Action = "reopened"
	Closed   Action = "closed" // without having been merged
	Merged   Action = "merged"
)

// decode reads a payload's JSON.
func decode(payload []byte, into any) error {
	if err := json.Unmarshal(payload, into); err != nil {
		return refuse(http.StatusBadRequest, "its JSON is malformed")
	}
	return nil
}

// missing refuses a payload without what makes it of use.
func missing(field string) error {
	return refuse(http.StatusBadRequest, fmt.Sprintf("it has no %s", field))
}

// complete sees that an event has what its kind needs.
func (e Event) complete() (Event, error) {
	switch {
	case e.Kind == Ignored || e.Kind == Ping:
		return e, nil
	case e.Repo == "":
		return Event{}, missing("repository")
	case e.Branch == "":
		return Event{}, missing("branch")
	case e.Kind == PullRequest && e.Number < 1:
		return Event{}, missing("number")
	case !e.Deleted && !isCommit(e.Commit):
		return Event{}, missing("commit")
	}
	return e, nil
}

// isCommit tells whether text is a commit's whole id, of SHA-1 or SHA-256.
func isCommit(text string) bool {
	return (len(text) == 40 || len(text) == 64) && strings.Trim(text, "0123456789abcdef") == ""
}

// pushed makes the event of a push; that of a tag means nothing to us. A
// deleted branch is at a commit of zeros.
func pushed(repo, ref, after string) Event {
	branch, ok := strings.CutPrefix(ref, "refs/heads/")
	if !ok {
		return Event{Kind: Ignored}
	}
	e := Event{Kind: Push, Repo: repo, Branch: branch, Commit: after}
	if isCommit(after) && strings.Trim(after, "0") == "" {
		e.Deleted, e.Commit = true, ""
	}
	return e
}
