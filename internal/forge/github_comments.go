package forge

import (
	"context"
	"fmt"
	"net/http"

	"github.com/google/go-github/v89/github"
)

// Comment implements [Forge]. On GitHub, comments beside a pull request's
// code are another thing; these are those of the issue that it also is.
func (g *gitHub) Comment(ctx context.Context, number int, marker, body string) (string, error) {
	if err := checkComment(GitHub, g.Limits(), marker, body); err != nil {
		return "", err
	}
	url, err := keepOne(ctx, g, number, marker, body)
	return url, GitHub.explain(fmt.Sprintf("comment on pull request %d of %s/%s", number, g.owner, g.repo), writePulls, err)
}

// self is the login that our comments have. The token of an installation, such
// as a workflow's own, may not ask who it is; it is some App's, and so its
// login is known by its end alone.
func (g *gitHub) self(ctx context.Context) (string, error) {
	return g.me.get(func() (string, error) {
		if g.app != nil {
			slug, err := g.app.slug(ctx)
			return slug + "[bot]", err
		}
		user, _, err := g.client.Users.Get(ctx, "")
		if refused(err, http.StatusForbidden) {
			return botSuffix, nil
		}
		return user.GetLogin(), err
	})
}

func (g *gitHub) list(ctx context.Context, number int) ([]comment, error) {
	var all []comment
	opts := &github.IssueListCommentsOptions{ListOptions: github.ListOptions{Page: 1, PerPage: 100}}
	for opts.Page != 0 {
		page, resp, err := g.client.Issues.ListComments(ctx, g.owner, g.repo, number, opts)
		if err != nil {
			return nil, err
		}
		for _, c := range page {
			all = append(all, fromGitHubComment(c))
		}
		opts.Page = resp.NextPage
	}
	return all, nil
}

func (g *gitHub) create(ctx context.Context, number int, body string) (comment, error) {
	c, _, err := g.client.Issues.CreateComment(ctx, g.owner, g.repo, number, &github.IssueComment{Body: &body})
	return fromGitHubComment(c), err
}

func (g *gitHub) edit(ctx context.Context, _ int, id int64, body string) error {
	_, _, err := g.client.Issues.EditComment(ctx, g.owner, g.repo, id, &github.IssueComment{Body: &body})
	return err
}

func (g *gitHub) remove(ctx context.Context, _ int, id int64) error {
	_, err := g.client.Issues.DeleteComment(ctx, g.owner, g.repo, id)
	return err
}

func fromGitHubComment(c *github.IssueComment) comment {
	return comment{id: c.GetID(), author: c.GetUser().GetLogin(), body: c.GetBody(), url: c.GetHTMLURL()}
}
