package forge

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"code.gitea.io/sdk/gitea"
)

// What Gitea and Forgejo take. Neither publishes a limit. A comment is LONGTEXT
// and a status's description TEXT in their models today; older installations
// on MySQL have the comment as TEXT, which holds this many bytes. The
// description is kept to what is read at a glance.
const (
	giteaComment     = 65_535
	giteaDescription = 255
)

// What Gitea wants its tokens to have, in the words of its settings.
const (
	giteaRead     need = "the scope read:repository"
	giteaComments need = "the scopes write:issue and read:user"
	giteaStatuses need = "the scope write:repository"
)

// giteaPage is how many things a page has at most, by default
// (MAX_RESPONSE_ITEMS).
const giteaPage = 50

// giteaForge is a repository on a Gitea or a Forgejo.
type giteaForge struct {
	base        string
	http        *http.Client
	owner, repo string

	me identity
}

func newGitea(c Config, base *url.URL) (*giteaForge, error) {
	g := &giteaForge{base: base.String(), http: client(c.HTTPClient, base, bearer("token", c.Token))}
	g.owner, g.repo, _ = strings.Cut(c.Repo, "/")
	return g, nil
}

// client is Gitea's own for one call: it takes the context when it is made.
// Left to itself it asks for the server's version first; nothing used here
// depends on that.
func (g *giteaForge) client(ctx context.Context) (*gitea.Client, error) {
	return gitea.NewClient(g.base, gitea.SetContext(ctx), gitea.SetHTTPClient(g.http),
		gitea.SetGiteaVersion(""), gitea.SetUserAgent("linkfleet"))
}

// Limits implements [Forge].
func (g *giteaForge) Limits() Limits {
	return Limits{Comment: giteaComment - markerRoom, Unit: Bytes, Description: giteaDescription}
}

// Annotate implements [Forge]: Gitea has no notes at lines but reviews, which
// ask someone to resolve them.
func (g *giteaForge) Annotate(context.Context, string, string, []Annotation) error { return nil }

// PullRequest implements [Forge].
func (g *giteaForge) PullRequest(ctx context.Context, number int) (PullRequest, error) {
	c, err := g.client(ctx)
	if err != nil {
		return PullRequest{}, err
	}
	pr, _, err := c.GetPullRequest(g.owner, g.repo, int64(number))
	if err != nil {
		return PullRequest{}, Gitea.explain(fmt.Sprintf("read pull request %d of %s/%s", number, g.owner, g.repo), giteaRead, err)
	}
	return fromGitea(pr), nil
}

// OpenPullRequests implements [Forge].
func (g *giteaForge) OpenPullRequests(ctx context.Context) ([]PullRequest, error) {
	c, err := g.client(ctx)
	if err != nil {
		return nil, err
	}
	var all []PullRequest
	opts := gitea.ListPullRequestsOptions{State: gitea.StateOpen, ListOptions: gitea.ListOptions{Page: 1, PageSize: giteaPage}}
	for opts.Page != 0 {
		page, resp, err := c.ListRepoPullRequests(g.owner, g.repo, opts)
		if err != nil {
			return nil, Gitea.explain(fmt.Sprintf("list the pull requests of %s/%s", g.owner, g.repo), giteaRead, err)
		}
		for _, pr := range page {
			all = append(all, fromGitea(pr))
		}
		opts.Page = resp.NextPage
	}
	return all, nil
}

func fromGitea(pr *gitea.PullRequest) PullRequest {
	out := PullRequest{
		Number: int(pr.Index),
		Title:  pr.Title,
		URL:    pr.HTMLURL,
		State:  State(pr.State),
		Draft:  pr.Draft,
		Base:   giteaSide(pr.Base),
		Head:   giteaSide(pr.Head),
	}
	if pr.HasMerged {
		out.State = Merged
	}
	if pr.Poster != nil {
		out.Author = pr.Poster.UserName
	}
	out.Fork = giteaFork(pr)
	out.Base.Ref = "refs/heads/" + out.Base.Branch
	out.Head.Ref = fmt.Sprintf("refs/pull/%d/head", out.Number)
	return out
}

// giteaFork tells whether strangers may have written a head. One without a
// repository was in a fork that is gone. One that is of no branch came by AGit,
// a push to refs/for/BRANCH, which Gitea takes from whoever may read
// (https://docs.gitea.com/usage/agit): it is in the base's own repository, and
// has no label. Where a branch was deleted the head looks much the same, and
// counts as a stranger's too.
func giteaFork(pr *gitea.PullRequest) bool {
	return pr.Head == nil || pr.Base == nil || pr.Head.RepoID != pr.Base.RepoID ||
		pr.Head.Name == "" || strings.HasPrefix(pr.Head.Ref, "refs/pull/")
}

func giteaSide(b *gitea.PRBranchInfo) Side {
	if b == nil {
		return Side{}
	}
	s := Side{Branch: b.Ref, Commit: b.Sha}
	if b.Repository != nil {
		s.CloneURL = b.Repository.CloneURL
	}
	return s
}

// SetStatus implements [Forge].
func (g *giteaForge) SetStatus(ctx context.Context, commit string, s Status) error {
	c, err := g.client(ctx)
	if err != nil {
		return err
	}
	options := gitea.CreateStatusOption{
		State:       gitea.StatusState(s.State),
		Context:     s.Context,
		Description: cut(s.Description, giteaDescription),
		TargetURL:   s.TargetURL,
	}
	err = repeat(ctx, func() error {
		_, _, err := c.CreateStatus(g.owner, g.repo, commit, options)
		return err
	})
	return Gitea.explain("set the status of commit "+commit, giteaStatuses, err)
}
