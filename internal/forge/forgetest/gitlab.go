package forgetest

import (
	"fmt"
	"net/http"
	"strings"
)

// The ids of the project, and of the fork that all forks are.
const (
	gitLabProject = 501
	gitLabFork    = 502
)

// gitLabHandlers answer by the operations' ids in api/gitlab.yaml.
func gitLabHandlers() map[string]handler {
	handlers := map[string]handler{
		"user": func(s *Server, _ request) answer { return ok(s.gitLabUser(s.Login)) },
		"mergeRequests": func(s *Server, r request) answer {
			return paged(r, "per_page", 100, s.listed(r.URL.Query().Get("state")), func(pr *PullRequest) any { return s.gitLabMR(pr) })
		},
		"mergeRequest": func(s *Server, r request) answer {
			pr := s.pulls[r.number("merge_request_iid")]
			said := s.gitLabMR(pr)
			said["diff_refs"] = facts{"base_sha": pr.Base.Commit, "start_sha": pr.Base.Commit, "head_sha": pr.Head.Commit}
			return ok(said)
		},
		"notes": func(s *Server, r request) answer {
			n := r.number("merge_request_iid")
			return paged(r, "per_page", 100, s.comments[n], func(c Comment) any { return s.gitLabNote(n, c) })
		},
		"createNote": func(s *Server, r request) answer {
			n := r.number("merge_request_iid")
			return created(s.gitLabNote(n, s.addComment(n, s.Login, r.text("body"))))
		},
		"editNote": func(s *Server, r request) answer {
			n, c := s.comment(int64(r.number("note_id")))
			if c == nil {
				return gitLabNotFound("Note")
			}
			c.Body = r.text("body")
			return ok(s.gitLabNote(n, *c))
		},
		"deleteNote": func(s *Server, r request) answer {
			n, c := s.comment(int64(r.number("note_id")))
			if c == nil {
				return gitLabNotFound("Note")
			}
			s.deleteComment(n, c.ID)
			return answer{status: http.StatusNoContent}
		},
		"setStatus": setGitLabStatus,
	}
	for name, handle := range handlers {
		handlers[name] = inProject(handle)
	}
	handlers["project"] = gitLabProjectOf
	return handlers
}

func gitLabNotFound(what string) answer {
	return refusal(http.StatusNotFound, "404 "+what+" Not Found")
}

// inProject answers only for the project there is, and for merge requests that
// it has.
func inProject(handle handler) handler {
	return func(s *Server, r request) answer {
		if id := r.PathValue("id"); id != "" && id != s.Repo {
			return gitLabNotFound("Project")
		}
		if r.PathValue("merge_request_iid") != "" && s.pulls[r.number("merge_request_iid")] == nil {
			return gitLabNotFound("Merge Request")
		}
		return handle(s, r)
	}
}

// gitLabProjectOf is asked by number, for a merge request's source. Of the
// fork it tells the clone URL that the last pull request has.
func gitLabProjectOf(s *Server, r request) answer {
	for _, pr := range s.listed("") {
		if pr.Fork && !pr.Gone && r.number("id") == gitLabFork {
			return ok(facts{"id": gitLabFork, "http_url_to_repo": pr.Head.CloneURL})
		}
	}
	return gitLabNotFound("Project")
}

func (s *Server) gitLabUser(login string) facts {
	return facts{"username": login, "web_url": s.URL + "/" + login}
}

func (s *Server) gitLabMR(pr *PullRequest) facts {
	state := map[string]string{"open": "opened", "closed": "closed", "merged": "merged"}[pr.State]
	said := facts{
		"iid": pr.Number, "project_id": gitLabProject, "title": pr.Title, "state": state, "draft": pr.Draft,
		"target_branch": pr.Base.Branch, "source_branch": pr.Head.Branch, "sha": pr.Head.Commit,
		"source_project_id": gitLabProject, "target_project_id": gitLabProject,
		"author":  s.gitLabUser(pr.Author),
		"web_url": fmt.Sprintf("%s/%s/-/merge_requests/%d", s.URL, s.Repo, pr.Number),
	}
	if pr.Fork {
		said["source_project_id"] = gitLabFork
	}
	return said
}

func (s *Server) gitLabNote(number int, c Comment) facts {
	return facts{"id": c.ID, "body": c.Body, "author": s.gitLabUser(c.Author), "noteable_iid": number}
}

// setGitLabStatus keeps one status of each context, and refuses to have it go
// where it is, as GitLab does. Of a commit that no branch has, such as a
// fork's, it has to be told a ref.
func setGitLabStatus(s *Server, r request) answer {
	for _, pr := range s.pulls {
		if pr.Fork && pr.Head.Commit == r.PathValue("sha") && r.text("ref") == "" {
			return gitLabNotFound("References for commit")
		}
	}
	st := Status{r.PathValue("sha"), r.text("context"), r.text("state"), r.text("description"), r.text("target_url")}
	for i := range s.statuses {
		before := &s.statuses[i]
		if before.Commit != st.Commit || before.Context != st.Context {
			continue
		}
		if before.State == st.State {
			event := strings.ReplaceAll(st.State, "pending", "enqueue")
			return refusal(http.StatusBadRequest, fmt.Sprintf("Cannot transition status via :%s from :%s", event, st.State))
		}
	}
	s.statuses = append(slicesWithout(s.statuses, st), st)
	return created(facts{"id": s.id(), "sha": st.Commit, "status": st.State, "name": st.Context, "author": s.gitLabUser(s.Login)})
}

func slicesWithout(all []Status, st Status) []Status {
	var out []Status
	for _, other := range all {
		if other.Commit != st.Commit || other.Context != st.Context {
			out = append(out, other)
		}
	}
	return out
}
