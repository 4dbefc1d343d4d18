package forge

import (
	"context"
	"fmt"

	"code.gitea.io/sdk/gitea"
)

// Comment implements [Forge].
func (g *giteaForge) Comment(ctx context.Context, number int, marker, body string) (string, error) {
	if err := checkComment(Gitea, g.Limits(), marker, body); err != nil {
		return "", err
	}
	url, err := keepOne(ctx, g, number, marker, body)
	return url, Gitea.explain(fmt.Sprintf("comment on pull request %d of %s/%s", number, g.owner, g.repo), giteaComments, err)
}

func (g *giteaForge) self(ctx context.Context) (string, error) {
	return g.me.get(func() (string, error) {
		c, err := g.client(ctx)
		if err != nil {
			return "", err
		}
		user, _, err := c.GetMyUserInfo()
		if err != nil {
			return "", err
		}
		return user.UserName, nil
	})
}

// list has all at once: Gitea does not part the comments of one issue into
// pages.
func (g *giteaForge) list(ctx context.Context, number int) ([]comment, error) {
	c, err := g.client(ctx)
	if err != nil {
		return nil, err
	}
	found, _, err := c.ListIssueComments(g.owner, g.repo, int64(number), gitea.ListIssueCommentOptions{})
	if err != nil {
		return nil, err
	}
	var all []comment
	for _, f := range found {
		all = append(all, fromGiteaComment(f))
	}
	return all, nil
}

func (g *giteaForge) create(ctx context.Context, number int, body string) (comment, error) {
	c, err := g.client(ctx)
	if err != nil {
		return comment{}, err
	}
	made, _, err := c.CreateIssueComment(g.owner, g.repo, int64(number), gitea.CreateIssueCommentOption{Body: body})
	if err != nil {
		return comment{}, err
	}
	return fromGiteaComment(made), nil
}

func (g *giteaForge) edit(ctx context.Context, _ int, id int64, body string) error {
	c, err := g.client(ctx)
	if err != nil {
		return err
	}
	_, _, err = c.EditIssueComment(g.owner, g.repo, id, gitea.EditIssueCommentOption{Body: body})
	return err
}

func (g *giteaForge) remove(ctx context.Context, _ int, id int64) error {
	c, err := g.client(ctx)
	if err != nil {
		return err
	}
	_, err = c.DeleteIssueComment(g.owner, g.repo, id)
	return err
}

func fromGiteaComment(c *gitea.Comment) comment {
	out := comment{id: c.ID, body: c.Body, url: c.HTMLURL}
	if c.Poster != nil {
		out.author = c.Poster.UserName
	}
	return out
}
