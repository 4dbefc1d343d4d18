package forgetest

import (
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// gitHubHandlers answer by the operations' ids in GitHub's description.
func gitHubHandlers() map[string]handler {
	return map[string]handler{
		"apps/get-authenticated":                func(s *Server, _ request) answer { return ok(facts{"slug": AppSlug}) },
		"apps/create-installation-access-token": newInstallationToken,
		"users/get-authenticated":               func(s *Server, _ request) answer { return ok(facts{"login": s.Login, "user_view_type": "private"}) },
		"pulls/list": func(s *Server, r request) answer {
			return paged(r, "per_page", 100, s.listed(r.URL.Query().Get("state")), func(pr *PullRequest) any { return s.gitHubPull(pr) })
		},
		"pulls/get": func(s *Server, r request) answer {
			if pr := s.pulls[r.number("pull_number")]; pr != nil {
				return ok(s.gitHubPull(pr))
			}
			return refusal(http.StatusNotFound, "Not Found")
		},
		"issues/list-comments": func(s *Server, r request) answer {
			n := r.number("issue_number")
			return paged(r, "per_page", 100, s.comments[n], func(c Comment) any { return s.gitHubComment(n, c) })
		},
		"issues/create-comment": createGitHubComment,
		"issues/update-comment": func(s *Server, r request) answer {
			n, c := s.comment(int64(r.number("comment_id")))
			if c == nil {
				return refusal(http.StatusNotFound, "Not Found")
			}
			c.Body = r.text("body")
			return ok(s.gitHubComment(n, *c))
		},
		"issues/delete-comment": func(s *Server, r request) answer {
			n, c := s.comment(int64(r.number("comment_id")))
			if c == nil {
				return refusal(http.StatusNotFound, "Not Found")
			}
			s.deleteComment(n, c.ID)
			return answer{status: http.StatusNoContent}
		},
		"repos/create-commit-status": createGitHubStatus,
		"checks/create":              createCheck,
		"checks/update":              updateCheck,
		"checks/list-for-ref":        listChecks,
	}
}

func newInstallationToken(s *Server, r request) answer {
	if r.number("installation_id") != InstallationID {
		return refusal(http.StatusNotFound, "Not Found")
	}
	token, ends := s.newToken()
	return created(facts{"token": token, "expires_at": ends.UTC().Format(time.RFC3339)})
}

func (s *Server) gitHubPull(pr *PullRequest) facts {
	said := facts{
		"number": pr.Number, "title": pr.Title, "draft": pr.Draft, "state": pr.State,
		"html_url": fmt.Sprintf("%s/%s/pull/%d", s.URL, s.Repo, pr.Number),
		"user":     facts{"login": pr.Author},
		"base":     facts{"ref": pr.Base.Branch, "sha": pr.Base.Commit, "repo": facts{"id": 1, "clone_url": pr.Base.CloneURL}},
	}
	repo := facts{"id": 1, "clone_url": pr.Head.CloneURL}
	if pr.Fork {
		repo["id"] = 2
	}
	head := facts{"ref": pr.Head.Branch, "sha": pr.Head.Commit, "repo": repo}
	if pr.Gone {
		head["repo"] = nil
	}
	said["head"] = head
	if pr.State == "merged" {
		said["state"], said["merged_at"] = "closed", "2026-01-03T00:00:00Z"
	}
	return said
}

func (s *Server) gitHubComment(number int, c Comment) facts {
	return facts{
		"id": c.ID, "body": c.Body, "user": facts{"login": c.Author},
		"html_url": fmt.Sprintf("%s/%s/pull/%d#issuecomment-%d", s.URL, s.Repo, number, c.ID),
	}
}

func createGitHubComment(s *Server, r request) answer {
	n := r.number("issue_number")
	switch {
	case s.pulls[n] == nil:
		return refusal(http.StatusNotFound, "Not Found")
	case utf8.RuneCountInString(r.text("body")) > 65536:
		return refusal(http.StatusUnprocessableEntity, "body is too long (maximum is 65536 characters)")
	}
	return created(s.gitHubComment(n, s.addComment(n, s.author(r), r.text("body"))))
}

func createGitHubStatus(s *Server, r request) answer {
	if utf8.RuneCountInString(r.text("description")) > 140 {
		return refusal(http.StatusUnprocessableEntity, "description is too long (maximum is 140 characters)")
	}
	if u := r.text("target_url"); u != "" && !strings.HasPrefix(u, "http") {
		return refusal(http.StatusUnprocessableEntity, "target_url must use http(s) scheme")
	}
	st := Status{r.PathValue("sha"), r.text("context"), r.text("state"), r.text("description"), r.text("target_url")}
	s.statuses = append(s.statuses, st)
	// The description does not say that these two are times.
	now := time.Now().UTC().Format(time.RFC3339)
	return created(facts{"id": s.id(), "state": st.State, "context": st.Context, "description": st.Description, "created_at": now, "updated_at": now})
}

func createCheck(s *Server, r request) answer {
	if _, token, _ := strings.Cut(r.Header.Get("Authorization"), " "); !s.isInstallation(token) {
		return refusal(http.StatusForbidden, "You must authenticate via a GitHub App.")
	}
	c := CheckRun{ID: s.id(), Commit: r.text("head_sha"), Name: r.text("name"), Conclusion: r.text("conclusion")}
	if refused := c.annotate(r); refused != nil {
		return *refused
	}
	s.checks = append(s.checks, c)
	return created(gitHubCheck(c))
}

func updateCheck(s *Server, r request) answer {
	for i := range s.checks {
		if c := &s.checks[i]; c.ID == int64(r.number("check_run_id")) {
			if refused := c.annotate(r); refused != nil {
				return *refused
			}
			return ok(gitHubCheck(*c))
		}
	}
	return refusal(http.StatusNotFound, "Not Found")
}

// annotate adds the annotations of a request to those that are there.
func (c *CheckRun) annotate(r request) *answer {
	output, _ := r.fields["output"].(map[string]any)
	notes, _ := output["annotations"].([]any)
	if len(notes) > 50 {
		a := refusal(http.StatusUnprocessableEntity, "at most 50 annotations are taken at once")
		return &a
	}
	for _, note := range notes {
		n, _ := note.(map[string]any)
		path, _ := n["path"].(string)
		line, _ := n["start_line"].(float64)
		level, _ := n["annotation_level"].(string)
		message, _ := n["message"].(string)
		c.Annotations = append(c.Annotations, Annotation{path, int(line), level, message})
	}
	return nil
}

// listChecks has the last of each name only, as the filter "latest" does.
func listChecks(s *Server, r request) answer {
	var found []any
	for i := len(s.checks) - 1; i >= 0 && len(found) == 0; i-- {
		c := s.checks[i]
		if c.Commit == r.PathValue("ref") && c.Name == r.URL.Query().Get("check_name") {
			found = append(found, gitHubCheck(c))
		}
	}
	return ok(facts{"total_count": len(found), "check_runs": found})
}

func gitHubCheck(c CheckRun) facts {
	return facts{
		"id": c.ID, "head_sha": c.Commit, "name": c.Name, "status": "completed", "conclusion": c.Conclusion,
		"output": facts{"annotations_count": len(c.Annotations)}, "pull_requests": []any{},
	}
}
