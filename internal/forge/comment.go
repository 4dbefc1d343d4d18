package forge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// MaxMarker is how many bytes a comment's marker may have.
const MaxMarker = 200

// markerRoom is what a marker takes from a comment at most.
const markerRoom = MaxMarker + len("<!--  -->\n")

// A comment on a pull request.
type comment struct {
	id     int64
	author string
	body   string
	url    string
}

// by tells whether a comment is of whom comments.self names.
func (c comment) by(login string) bool {
	return strings.EqualFold(c.author, login) || login == botSuffix && strings.HasSuffix(c.author, botSuffix)
}

// older orders comments as they were made.
func older(a, b comment) int { return cmp.Compare(a.id, b.id) }

// comments are a forge's ways to the comments of its pull requests. Creating
// one is not repeated by them: only the next look tells whether it is there.
type comments interface {
	// self is the login that our comments have, or botSuffix for that of any
	// bot.
	self(ctx context.Context) (login string, err error)
	// list has the oldest first.
	list(ctx context.Context, number int) ([]comment, error)
	create(ctx context.Context, number int, body string) (comment, error)
	edit(ctx context.Context, number int, id int64, body string) error
	remove(ctx context.Context, number int, id int64) error
}

// keepOne has one comment of ours with the marker on the pull request. Each
// round looks, and then does one thing: create, or edit the oldest and delete
// the others. Of two runs that race, both keep the same one, since the forge's
// order decides.
func keepOne(ctx context.Context, c comments, number int, marker, body string) (string, error) {
	first := "<!-- " + marker + " -->"
	text := first + "\n" + body
	var created *comment
	var last error
	for n := range attempts {
		ours, err := mine(ctx, c, number, first)
		if err != nil {
			return "", err
		}
		if created != nil && !slices.ContainsFunc(ours, func(o comment) bool { return o.id == created.id }) {
			ours = append(ours, *created) // the list lags, or another run deleted it
			slices.SortFunc(ours, older)
		}
		if len(ours) > 0 {
			url, err := settle(ctx, c, number, ours, text)
			if !refused(err, http.StatusNotFound) {
				return url, err
			}
			created, last = nil, err // someone deleted it meanwhile
			continue
		}
		made, err := c.create(ctx, number, text)
		switch {
		case err == nil:
			created = &made
		case !unsure(err):
			return "", err
		default:
			last = err
			if sleep(ctx, backoff(n+1)) != nil {
				return "", err
			}
		}
	}
	if created != nil {
		return created.url, nil
	}
	return "", last
}

// mine are our comments that begin with the marker, the oldest first.
func mine(ctx context.Context, c comments, number int, first string) ([]comment, error) {
	login, err := c.self(ctx)
	if err != nil {
		return nil, err
	}
	all, err := c.list(ctx, number)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(o comment) bool {
		return !o.by(login) || !strings.HasPrefix(o.body, first)
	})
	slices.SortFunc(all, older)
	return all, nil
}

// settle gives the oldest of our comments its text and deletes the others.
func settle(ctx context.Context, c comments, number int, ours []comment, text string) (string, error) {
	if ours[0].body != text {
		if err := c.edit(ctx, number, ours[0].id, text); err != nil {
			return "", err
		}
	}
	for _, later := range ours[1:] {
		if err := c.remove(ctx, number, later.id); err != nil && !refused(err, http.StatusNotFound) {
			return "", err
		}
	}
	return ours[0].url, nil
}

// An identity is who our comments are of, once the forge has told.
type identity struct {
	mu    sync.Mutex
	login string
}

// get asks once; when many ask at first, all of them do.
func (i *identity) get(ask func() (string, error)) (string, error) {
	i.mu.Lock()
	login := i.login
	i.mu.Unlock()
	if login != "" {
		return login, nil
	}
	login, err := ask()
	if err != nil {
		return "", err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.login = login
	return login, nil
}

// checkComment refuses what no forge could keep.
func checkComment(k Kind, l Limits, marker, body string) error {
	switch {
	case marker == "" || len(marker) > MaxMarker || strings.Contains(marker, "--") || strings.ContainsAny(marker, "\r\n<>"):
		return errors.New("a comment's marker is one line of plain text without --")
	case l.Size(body) > l.Comment:
		return fmt.Errorf("%s takes comments of at most %d %s, and this one has %d: shorten it", k, l.Comment, l.Unit, l.Size(body))
	}
	return nil
}
