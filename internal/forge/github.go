package forge

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-github/v89/github"
)

// What GitHub takes. The API's description gives neither; it refuses a longer
// comment with "maximum is 65536 characters", and a longer description with
// "maximum is 140 characters".
const (
	gitHubComment     = 65_536
	gitHubDescription = 140
)

// What GitHub wants its tokens to be allowed, in the words of its settings.
const (
	readPulls     need = "Pull requests: read"
	writePulls    need = "Pull requests: write"
	writeStatuses need = "Commit statuses: write"
	writeChecks   need = "Checks: write"
)

// botSuffix is what the logins of Apps end with, a workflow's own among them,
// and no person's can: https://docs.github.com/apps.
const botSuffix = "[bot]"

// gitHub is a repository on github.com or a GitHub Enterprise of one's own.
type gitHub struct {
	client      *github.Client
	owner, repo string
	app         *installation // nil where a token is used

	me identity
}

func newGitHub(c Config, base *url.URL) (*gitHub, error) {
	g := new(gitHub)
	g.owner, g.repo, _ = strings.Cut(c.Repo, "/")
	api := gitHubAPI(base)
	authorize := bearer("Bearer", c.Token)
	if c.App.ID != "" {
		app, err := newInstallation(c.App, c.HTTPClient, api)
		if err != nil {
			return nil, err
		}
		g.app, authorize = app, app.authorize
	}
	var err error
	g.client, err = gitHubClient(client(c.HTTPClient, api, authorize), api)
	return g, err
}

// gitHubAPI is where the REST API of a GitHub with these web pages is:
// https://docs.github.com/rest/using-the-rest-api/getting-started-with-the-rest-api
// for github.com, and beside it for Enterprise Server and for Enterprise Cloud
// with data residency (*.ghe.com).
func gitHubAPI(base *url.URL) *url.URL {
	switch {
	case base.Host == "github.com":
		return &url.URL{Scheme: "https", Host: "api.github.com", Path: "/"}
	case strings.HasSuffix(base.Host, ".ghe.com"):
		return &url.URL{Scheme: "https", Host: "api." + base.Host, Path: "/"}
	}
	return base.JoinPath("api/v3/")
}

func gitHubClient(c *http.Client, api *url.URL) (*github.Client, error) {
	address := api.String()
	// Our transport knows the rate limits of all forges.
	return github.NewClient(github.WithHTTPClient(c), github.WithURLs(&address, nil),
		github.WithDisableRateLimitCheck(), github.WithUserAgent("linkfleet"))
}

// Limits implements [Forge].
func (g *gitHub) Limits() Limits {
	return Limits{Comment: gitHubComment - markerRoom, Unit: Characters, Description: gitHubDescription, Annotations: g.app != nil}
}

// PullRequest implements [Forge].
func (g *gitHub) PullRequest(ctx context.Context, number int) (PullRequest, error) {
	pr, _, err := g.client.PullRequests.Get(ctx, g.owner, g.repo, number)
	if err != nil {
		return PullRequest{}, GitHub.explain(fmt.Sprintf("read pull request %d of %s/%s", number, g.owner, g.repo), readPulls, err)
	}
	return fromGitHub(pr), nil
}

// OpenPullRequests implements [Forge].
func (g *gitHub) OpenPullRequests(ctx context.Context) ([]PullRequest, error) {
	var all []PullRequest
	opts := &github.PullRequestListOptions{State: "open", ListOptions: github.ListOptions{Page: 1, PerPage: 100}}
	for opts.Page != 0 {
		page, resp, err := g.client.PullRequests.List(ctx, g.owner, g.repo, opts)
		if err != nil {
			return nil, GitHub.explain(fmt.Sprintf("list the pull requests of %s/%s", g.owner, g.repo), readPulls, err)
		}
		for _, pr := range page {
			all = append(all, fromGitHub(pr))
		}
		opts.Page = resp.NextPage
	}
	return all, nil
}

func fromGitHub(pr *github.PullRequest) PullRequest {
	base, head := pr.GetBase(), pr.GetHead()
	state := State(pr.GetState())
	if pr.MergedAt != nil {
		state = Merged
	}
	return PullRequest{
		Number: pr.GetNumber(),
		Title:  pr.GetTitle(),
		Author: pr.GetUser().GetLogin(),
		URL:    pr.GetHTMLURL(),
		State:  state,
		Draft:  pr.GetDraft(),
		// A head without a repository was in a fork that is gone.
		Fork: head.GetRepo().GetID() != base.GetRepo().GetID(),
		Base: Side{base.GetRef(), base.GetSHA(), base.GetRepo().GetCloneURL(), "refs/heads/" + base.GetRef()},
		Head: Side{head.GetRef(), head.GetSHA(), head.GetRepo().GetCloneURL(), fmt.Sprintf("refs/pull/%d/head", pr.GetNumber())},
	}
}

// SetStatus implements [Forge].
func (g *gitHub) SetStatus(ctx context.Context, commit string, s Status) error {
	status := github.RepoStatus{
		State:       github.Ptr(string(s.State)),
		Context:     &s.Context,
		Description: github.Ptr(cut(s.Description, gitHubDescription)),
	}
	if s.TargetURL != "" {
		status.TargetURL = &s.TargetURL
	}
	err := repeat(ctx, func() error {
		_, _, err := g.client.Repositories.CreateStatus(ctx, g.owner, g.repo, commit, status)
		return err
	})
	return GitHub.explain("set the status of commit "+commit, writeStatuses, err)
}
