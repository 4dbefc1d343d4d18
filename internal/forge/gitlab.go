package forge

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"
)

// What GitLab takes.
const (
	// https://docs.gitlab.com/administration/instance_limits/#size-of-comments-and-descriptions-of-issues-merge-requests-and-epics
	gitLabComment = 1_000_000
	// https://docs.gitlab.com/api/commits/#set-the-pipeline-status-of-a-commit
	// of a description and of a target URL.
	gitLabDescription = 255
)

// What GitLab wants its tokens to have: a scope, and a role in the project.
const (
	gitLabRead     need = "the scope read_api or api, and the role Reporter or more in the project"
	gitLabNotes    need = "the scope api, and the role Reporter or more in the project"
	gitLabStatuses need = "the scope api, and the role Developer or more in the project"
)

// gitLab is a project on gitlab.com or a GitLab of one's own.
type gitLab struct {
	client *gitlab.Client
	repo   string
	web    string // the project's page

	me identity
}

func newGitLab(c Config, base *url.URL) (*gitLab, error) {
	g := &gitLab{repo: c.Repo, web: base.JoinPath(c.Repo).String()}
	var err error
	// Our transport sends the token and knows when to try again.
	g.client, err = gitlab.NewAuthSourceClient(gitlab.Unauthenticated{},
		gitlab.WithBaseURL(base.String()), gitlab.WithoutRetries(), gitlab.WithCustomLimiter(unlimited{}),
		gitlab.WithHTTPClient(client(c.HTTPClient, base, bearer("Bearer", c.Token))), gitlab.WithUserAgent("linkfleet"))
	if err != nil {
		return nil, fmt.Errorf("the address of gitlab is not usable: %w", err)
	}
	return g, nil
}

// unlimited leaves the rate to our transport; the client's own limiter would
// learn it from the first answer and keep to it without looking again.
type unlimited struct{}

func (unlimited) Wait(context.Context) error { return nil }

// Limits implements [Forge].
func (g *gitLab) Limits() Limits {
	return Limits{Comment: gitLabComment - markerRoom, Unit: Characters, Description: gitLabDescription}
}

// Annotate implements [Forge]: GitLab shows notes at lines only out of its own
// pipelines' reports.
func (g *gitLab) Annotate(context.Context, string, string, []Annotation) error { return nil }

// PullRequest implements [Forge].
func (g *gitLab) PullRequest(ctx context.Context, number int) (PullRequest, error) {
	doing := fmt.Sprintf("read merge request %d of %s", number, g.repo)
	mr, _, err := g.client.MergeRequests.GetMergeRequest(g.repo, int64(number), nil, gitlab.WithContext(ctx))
	if err != nil {
		return PullRequest{}, GitLab.explain(doing, gitLabRead, err)
	}
	pr := g.pullRequest(&mr.BasicMergeRequest)
	// Where the target branch was when this version of the diff was made.
	pr.Base.Commit = mr.DiffRefs.StartSha
	if pr.Head.CloneURL, err = g.cloneURL(ctx, &mr.BasicMergeRequest); err != nil {
		return PullRequest{}, GitLab.explain(doing, gitLabRead, err)
	}
	return pr, nil
}

// OpenPullRequests implements [Forge].
func (g *gitLab) OpenPullRequests(ctx context.Context) ([]PullRequest, error) {
	var all []PullRequest
	opts := &gitlab.ListProjectMergeRequestsOptions{State: gitlab.Ptr("opened")}
	opts.Page, opts.PerPage = 1, 100
	for opts.Page != 0 {
		page, resp, err := g.client.MergeRequests.ListProjectMergeRequests(g.repo, opts, gitlab.WithContext(ctx))
		for _, mr := range page {
			if err != nil {
				break
			}
			pr := g.pullRequest(mr)
			pr.Head.CloneURL, err = g.cloneURL(ctx, mr)
			all = append(all, pr)
		}
		if err != nil {
			return nil, GitLab.explain("list the merge requests of "+g.repo, gitLabRead, err)
		}
		opts.Page = resp.NextPage
	}
	return all, nil
}

func (g *gitLab) pullRequest(mr *gitlab.BasicMergeRequest) PullRequest {
	state := Closed
	switch mr.State {
	case "opened", "locked": // locked while it is being merged
		state = Open
	case "merged":
		state = Merged
	}
	pr := PullRequest{
		Number: int(mr.IID),
		Title:  mr.Title,
		URL:    mr.WebURL,
		State:  state,
		Draft:  mr.Draft,
		Fork:   mr.SourceProjectID != mr.TargetProjectID,
		Base:   Side{Branch: mr.TargetBranch, CloneURL: g.web + ".git", Ref: "refs/heads/" + mr.TargetBranch},
		Head:   Side{Branch: mr.SourceBranch, Commit: mr.SHA, Ref: fmt.Sprintf("refs/merge-requests/%d/head", mr.IID)},
	}
	if mr.Author != nil {
		pr.Author = mr.Author.Username
	}
	return pr
}

// cloneURL is the address of the repository that a merge request comes from.
// Of a fork it has to be asked for; a fork that is gone, or that these
// credentials may not see, has none.
func (g *gitLab) cloneURL(ctx context.Context, mr *gitlab.BasicMergeRequest) (string, error) {
	switch mr.SourceProjectID {
	case mr.TargetProjectID:
		return g.web + ".git", nil
	case 0:
		return "", nil
	}
	project, _, err := g.client.Projects.GetProject(mr.SourceProjectID, nil, gitlab.WithContext(ctx))
	switch {
	case refused(err, http.StatusNotFound), refused(err, http.StatusForbidden):
		return "", nil
	case err != nil:
		return "", err
	}
	return project.HTTPURLToRepo, nil
}

// SetStatus implements [Forge].
func (g *gitLab) SetStatus(ctx context.Context, commit string, s Status) error {
	state := gitlab.BuildStateValue(s.State)
	if s.State == Failure || s.State == Errored {
		state = gitlab.Failed
	}
	options := &gitlab.SetCommitStatusOptions{
		State:       state,
		Context:     &s.Context,
		Description: gitlab.Ptr(cut(s.Description, gitLabDescription)),
	}
	if s.TargetURL != "" && len(s.TargetURL) <= gitLabDescription {
		options.TargetURL = &s.TargetURL
	}
	// Left out, GitLab takes the last pipeline's of the commit, or a branch's
	// that has it. It is no branch's name: a fork's may be called as one here.
	if s.Ref != "" {
		options.Ref = &s.Ref
	}
	err := repeat(ctx, func() error {
		_, _, err := g.client.Commits.SetCommitStatus(g.repo, commit, options, gitlab.WithContext(ctx))
		return err
	})
	if alreadySo(err) {
		return nil
	}
	return GitLab.explain("set the status of commit "+commit, gitLabStatuses, err)
}

// alreadySo tells that a status is as it should be: GitLab's statuses are
// states of a machine, which refuses to go where it is. (The description then
// stays as it was.)
func alreadySo(err error) bool {
	return refused(err, http.StatusBadRequest) && strings.Contains(err.Error(), "Cannot transition status")
}
