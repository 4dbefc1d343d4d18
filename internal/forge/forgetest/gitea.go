package forgetest

import (
	"fmt"
	"net/http"
)

// giteaHandlers answer by the operations' ids in Gitea's description.
func giteaHandlers() map[string]handler {
	return map[string]handler{
		"userGetCurrent": func(s *Server, _ request) answer { return ok(facts{"login": s.Login}) },
		"repoListPullRequests": func(s *Server, r request) answer {
			return paged(r, "limit", 50, s.listed(r.URL.Query().Get("state")), func(pr *PullRequest) any { return s.giteaPull(pr) })
		},
		"repoGetPullRequest": func(s *Server, r request) answer {
			if pr := s.pulls[r.number("index")]; pr != nil {
				return ok(s.giteaPull(pr))
			}
			return giteaNotFound()
		},
		"issueGetComments": func(s *Server, r request) answer {
			n := r.number("index")
			if s.pulls[n] == nil {
				return giteaNotFound()
			}
			said := []any{}
			for _, c := range s.comments[n] {
				said = append(said, s.giteaComment(n, c))
			}
			return ok(said)
		},
		"issueCreateComment": func(s *Server, r request) answer {
			n := r.number("index")
			if s.pulls[n] == nil {
				return giteaNotFound()
			}
			return created(s.giteaComment(n, s.addComment(n, s.Login, r.text("body"))))
		},
		"issueEditComment": func(s *Server, r request) answer {
			n, c := s.comment(int64(r.number("id")))
			if c == nil {
				return giteaNotFound()
			}
			c.Body = r.text("body")
			return ok(s.giteaComment(n, *c))
		},
		"issueDeleteComment": func(s *Server, r request) answer {
			n, c := s.comment(int64(r.number("id")))
			if c == nil {
				return giteaNotFound()
			}
			s.deleteComment(n, c.ID)
			return answer{status: http.StatusNoContent}
		},
		"repoCreateStatus": func(s *Server, r request) answer {
			st := Status{r.PathValue("sha"), r.text("context"), r.text("state"), r.text("description"), r.text("target_url")}
			s.statuses = append(s.statuses, st)
			return created(facts{"id": s.id(), "status": st.State, "context": st.Context, "description": st.Description})
		},
	}
}

func giteaNotFound() answer {
	return refusal(http.StatusNotFound, "The target couldn't be found.")
}

func (s *Server) giteaPull(pr *PullRequest) facts {
	said := facts{
		"id": pr.Number, "number": pr.Number, "title": pr.Title, "draft": pr.Draft, "state": pr.State, "merged": false,
		"html_url": fmt.Sprintf("%s/%s/pulls/%d", s.URL, s.Repo, pr.Number),
		"user":     facts{"login": pr.Author},
		"base":     giteaSide(pr.Base, 1, false),
	}
	headRepo := 1
	if pr.Fork {
		headRepo = 2
	}
	head := giteaSide(pr.Head, headRepo, pr.Gone)
	if pr.AGit {
		head["label"], head["ref"] = "", fmt.Sprintf("refs/pull/%d/head", pr.Number)
	}
	said["head"] = head
	if pr.State == "merged" {
		said["state"], said["merged"] = "closed", true
	}
	return said
}

func giteaSide(side Side, repo int, gone bool) facts {
	said := facts{"label": side.Branch, "ref": side.Branch, "sha": side.Commit, "repo_id": repo}
	if said["repo"] = (facts{"id": repo, "clone_url": side.CloneURL}); gone {
		said["repo"] = nil
	}
	return said
}

func (s *Server) giteaComment(number int, c Comment) facts {
	return facts{
		"id": c.ID, "body": c.Body, "user": facts{"login": c.Author},
		"html_url": fmt.Sprintf("%s/%s/pulls/%d#issuecomment-%d", s.URL, s.Repo, number, c.ID),
	}
}
