// Package forge speaks with the forge that a fleet's repository lives on:
// it reads pull requests, keeps one comment on each, and sets the status of
// commits. GitHub (also Enterprise), GitLab, and Gitea with its fork Forgejo
// are behind one interface, no wider than the runs need.
//
// "Pull request" is every forge's; GitLab calls it a merge request.
package forge

import (
	"context"
	"unicode/utf8"
)

// A Kind is a sort of forge, as --forge names it.
type Kind string

const (
	GitHub Kind = "github"
	GitLab Kind = "gitlab"
	// Gitea is Gitea and Forgejo: what is used here is the same in both.
	Gitea Kind = "gitea"
)

// A Forge is one repository on a forge. It can be used by many goroutines at
// once. Requests that a forge refuses for their rate or fails to answer are
// sent again within the context's time; see [RateLimited] for longer waits.
// What a forge will not do for these credentials is an [Error].
type Forge interface {
	// PullRequest is the pull request of that number.
	PullRequest(ctx context.Context, number int) (PullRequest, error)

	// OpenPullRequests lists all that are open, drafts with them, for those
	// whom no webhook reaches.
	OpenPullRequests(ctx context.Context) ([]PullRequest, error)

	// Comment keeps our one comment with this marker on a pull request: it is
	// created, or updated in place, and our later ones with the same marker
	// are deleted. So there is one also after two runs raced or a create's
	// answer was lost. The marker is hidden from readers; it is plain text of
	// at most MaxMarker bytes, without "--". The body is refused if it does
	// not fit Limits.
	Comment(ctx context.Context, number int, marker, body string) (url string, err error)

	// SetStatus puts a status beside a commit; the last one of a context
	// counts.
	SetStatus(ctx context.Context, commit string, status Status) error

	// Annotate shows notes at lines of a commit, under a context's name, in
	// place of those it showed before. Where Limits has no Annotations it does
	// nothing, and they belong in the comment.
	Annotate(ctx context.Context, commit, statusContext string, notes []Annotation) error

	// Limits are this forge's.
	Limits() Limits
}

// A PullRequest asks for Head to be merged into Base.
type PullRequest struct {
	Number int
	Title  string
	Author string // the login
	URL    string // its page, for people
	State  State
	Draft  bool
	// Fork tells that strangers may have written Head: it is in another
	// repository than Base, or of no branch.
	Fork bool
	Base Side
	Head Side
}

// A State of a pull request.
type State string

const (
	Open   State = "open"
	Closed State = "closed" // without having been merged
	Merged State = "merged"
)

// A Side is one end of a pull request.
type Side struct {
	Branch string
	// Commit is the branch's as the forge knows it. Base's is empty where a
	// forge does not tell it (GitLab in lists, and before it has made a diff).
	Commit string
	// CloneURL is the https address of the branch's repository; empty where
	// it is gone or may not be seen.
	CloneURL string
	// Ref is, for Head, a ref in Base's repository that has the commit
	// whatever becomes of the branch, such as refs/pull/7/head. For Base it is
	// the branch's.
	Ref string
}

// A Status stands beside a commit.
type Status struct {
	// Context names what the status is of; see [Context].
	Context string
	State   StatusState
	// Description is cut at what the forge takes.
	Description string
	// TargetURL is where more can be read; it may be empty.
	TargetURL string
	// Ref is a ref of the repository that has the commit, where no branch of it
	// may: Head.Ref of a fork's pull request. GitLab refuses the status without;
	// other forges do not ask.
	Ref string
}

// Context is the name under which a fleet's statuses stand.
func Context(fleet string) string { return "linkfleet/" + fleet }

// A StatusState is what a status says.
type StatusState string

const (
	Pending StatusState = "pending"
	Success StatusState = "success"
	Failure StatusState = "failure" // the fleet is at fault
	Errored StatusState = "error"   // the run could not tell; GitLab has only failure
)

// An Annotation is a note at a line of a file.
type Annotation struct {
	Path    string // from the repository's root, with slashes
	Line    int    // from 1
	Message string
	// Warning tells that it stops nothing.
	Warning bool
}

// A Unit is what a limit counts.
type Unit string

const (
	Characters Unit = "characters" // Unicode code points
	Bytes      Unit = "bytes"      // of UTF-8
)

// Limits are what a forge takes.
type Limits struct {
	// Comment is how much a comment's body may have, in Units. What the marker
	// needs is already taken off.
	Comment int
	Unit    Unit
	// Description is how many characters of a status's are shown.
	Description int
	// Annotations tells whether Annotate shows anything.
	Annotations bool
}

// Size is how much of Limits.Comment a body takes.
func (l Limits) Size(body string) int {
	if l.Unit == Bytes {
		return len(body)
	}
	return utf8.RuneCountInString(body)
}

// cut shortens text to at most limit characters, and shows that it did.
func cut(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit-1]) + "…"
}
