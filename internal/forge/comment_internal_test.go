package forge

import (
	"context"
	"net/http"
	"slices"
	"testing"
)

// A lagging forge lists comments only some looks after they were made.
type lagging struct {
	made []comment
	lag  map[int64]int // looks until a comment is listed
}

func (l *lagging) self(context.Context) (string, error) { return "me", nil }

func (l *lagging) list(context.Context, int) ([]comment, error) {
	var listed []comment
	for _, c := range l.made {
		if l.lag[c.id]--; l.lag[c.id] < 0 {
			listed = append(listed, c)
		}
	}
	return listed, nil
}

func (l *lagging) create(_ context.Context, _ int, body string) (comment, error) {
	c := comment{id: int64(len(l.made) + 1), author: "me", body: body, url: "mine"}
	l.made = append(l.made, c)
	// Another run was as fast as we, and its comment is listed first.
	l.made = append(l.made, comment{id: c.id + 1, author: "me", body: body, url: "theirs"})
	return c, nil
}

func (l *lagging) edit(context.Context, int, int64, string) error { return nil }

func (l *lagging) remove(_ context.Context, _ int, id int64) error {
	before := len(l.made)
	if l.made = slices.DeleteFunc(l.made, func(c comment) bool { return c.id == id }); len(l.made) == before {
		return &refusal{status: http.StatusNotFound}
	}
	return nil
}

// The older of two comments stays, also while only the later is listed: the
// other run deletes its own, and so one of both must stay.
func TestOlderCommentStaysWhereListsLag(t *testing.T) {
	l := &lagging{lag: map[int64]int{1: 3}}
	url, err := keepOne(t.Context(), l, 7, "marker", "the plan")
	if err != nil || url != "mine" || len(l.made) != 1 || l.made[0].id != 1 {
		t.Errorf("%q, %v, and there are %+v", url, err, l.made)
	}
}
