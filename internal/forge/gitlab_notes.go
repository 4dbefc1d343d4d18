package forge

import (
	"context"
	"fmt"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"
)

// Comment implements [Forge]. GitLab calls a comment a note.
func (g *gitLab) Comment(ctx context.Context, number int, marker, body string) (string, error) {
	if err := checkComment(GitLab, g.Limits(), marker, body); err != nil {
		return "", err
	}
	url, err := keepOne(ctx, g, number, marker, body)
	return url, GitLab.explain(fmt.Sprintf("comment on merge request %d of %s", number, g.repo), gitLabNotes, err)
}

func (g *gitLab) self(ctx context.Context) (string, error) {
	return g.me.get(func() (string, error) {
		user, _, err := g.client.Users.CurrentUser(gitlab.WithContext(ctx))
		if err != nil {
			return "", err
		}
		return user.Username, nil
	})
}

func (g *gitLab) list(ctx context.Context, number int) ([]comment, error) {
	var all []comment
	opts := &gitlab.ListMergeRequestNotesOptions{OrderBy: gitlab.Ptr("created_at"), Sort: gitlab.Ptr("asc")}
	opts.Page, opts.PerPage = 1, 100
	for opts.Page != 0 {
		page, resp, err := g.client.Notes.ListMergeRequestNotes(g.repo, int64(number), opts, gitlab.WithContext(ctx))
		if err != nil {
			return nil, err
		}
		for _, n := range page {
			all = append(all, g.fromNote(number, n))
		}
		opts.Page = resp.NextPage
	}
	return all, nil
}

func (g *gitLab) create(ctx context.Context, number int, body string) (comment, error) {
	n, _, err := g.client.Notes.CreateMergeRequestNote(g.repo, int64(number),
		&gitlab.CreateMergeRequestNoteOptions{Body: &body}, gitlab.WithContext(ctx))
	if err != nil {
		return comment{}, err
	}
	return g.fromNote(number, n), nil
}

func (g *gitLab) edit(ctx context.Context, number int, id int64, body string) error {
	_, _, err := g.client.Notes.UpdateMergeRequestNote(g.repo, int64(number), id,
		&gitlab.UpdateMergeRequestNoteOptions{Body: &body}, gitlab.WithContext(ctx))
	return err
}

func (g *gitLab) remove(ctx context.Context, number int, id int64) error {
	_, err := g.client.Notes.DeleteMergeRequestNote(g.repo, int64(number), id, gitlab.WithContext(ctx))
	return err
}

// fromNote makes the note's address, which the API does not give.
func (g *gitLab) fromNote(number int, n *gitlab.Note) comment {
	return comment{id: n.ID, author: n.Author.Username, body: n.Body, url: fmt.Sprintf("%s/-/merge_requests/%d#note_%d", g.web, number, n.ID)}
}
