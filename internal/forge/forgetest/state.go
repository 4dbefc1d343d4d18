package forgetest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// A PullRequest on a fake forge. What a test leaves out of one that it opens
// is made up.
type PullRequest struct {
	Number        int // the forge's to give
	Title, Author string
	State         string // open, closed or merged
	Draft         bool
	Base, Head    Side
	// Fork tells that Head is in another repository.
	Fork bool
	// Gone tells that this other repository was deleted, or is hidden.
	Gone bool
	// AGit tells that it was made by a push to refs/for/BRANCH, which Gitea
	// takes from whoever may read: Head is of no branch, in Base's repository.
	AGit bool
}

// A Side is one end of a pull request.
type Side struct{ Branch, Commit, CloneURL string }

// A Comment on a pull request.
type Comment struct {
	ID           int64
	Author, Body string
}

// A Status of a commit, in the forge's own words.
type Status struct{ Commit, Context, State, Description, TargetURL string }

// A CheckRun of a commit; only GitHub has any.
type CheckRun struct {
	ID                       int64
	Commit, Name, Conclusion string
	Annotations              []Annotation
}

// An Annotation of a check run.
type Annotation struct {
	Path    string
	Line    int
	Level   string
	Message string
}

// A Fault is what goes wrong with requests that fit it.
type Fault struct {
	// Method and Path say which requests fit; an empty one fits all. Path is a
	// part of theirs.
	Method, Path string
	// Times is how many requests go wrong; 0 is one.
	Times int
	// Status, Header and Message are answered, and nothing is done; or, with
	// Lost, all is done and the connection cut before the answer.
	Status  int
	Header  http.Header
	Message string
	Lost    bool
}

// Fault has requests go wrong from now on.
func (s *Server) Fault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.Times = max(f.Times, 1)
	s.faults = append(s.faults, &f)
}

// fault is the first that fits a request; it is used up by that.
func (s *Server) fault(r *http.Request) *Fault {
	for i, f := range s.faults {
		if f.Method != "" && f.Method != r.Method || !strings.Contains(r.URL.Path, f.Path) {
			continue
		}
		if f.Times--; f.Times == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return f
	}
	return nil
}

// OpenPR opens a pull request and gives its number.
func (s *Server) OpenPR(pr PullRequest) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	pr.Number = len(s.pulls) + 1
	if pr.State == "" {
		pr.State = "open"
	}
	if pr.Title == "" {
		pr.Title = fmt.Sprintf("Change %d", pr.Number)
	}
	if pr.Author == "" {
		pr.Author = "alice"
	}
	pr.Base.complete("main", strings.Repeat("b", 40), s.URL+"/"+s.Repo+".git")
	repo := s.Repo
	if pr.Fork {
		repo = pr.Author + "/fleet"
	}
	pr.Head.complete(fmt.Sprintf("change-%d", pr.Number), fmt.Sprintf("%040x", pr.Number), s.URL+"/"+repo+".git")
	s.pulls[pr.Number] = &pr
	return pr.Number
}

func (side *Side) complete(branch, commit, cloneURL string) {
	for field, value := range map[*string]string{&side.Branch: branch, &side.Commit: commit, &side.CloneURL: cloneURL} {
		if *field == "" {
			*field = value
		}
	}
}

// Change changes a pull request, as a push, an edit, a merge or a close does.
func (s *Server) Change(number int, change func(*PullRequest)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	pr := s.pulls[number]
	if pr == nil {
		s.t.Errorf("%s: there is no pull request %d", s.Kind, number)
		return
	}
	change(pr)
}

// Push puts a new commit at the head of a pull request.
func (s *Server) Push(number int, commit string) {
	s.Change(number, func(pr *PullRequest) { pr.Head.Commit = commit })
}

// PullRequest is the pull request of that number as it is now.
func (s *Server) PullRequest(number int) PullRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	if pr := s.pulls[number]; pr != nil {
		return *pr
	}
	return PullRequest{}
}

// Comments are a pull request's, the oldest first.
func (s *Server) Comments(number int) []Comment {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.comments[number])
}

// AddComment is someone commenting by hand, or another run of ours.
func (s *Server) AddComment(number int, author, body string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addComment(number, author, body).ID
}

func (s *Server) addComment(number int, author, body string) Comment {
	c := Comment{ID: s.id(), Author: author, Body: body}
	s.comments[number] = append(s.comments[number], c)
	return c
}

// comment finds a comment by its id.
func (s *Server) comment(id int64) (number int, c *Comment) {
	for number, comments := range s.comments {
		for i := range comments {
			if comments[i].ID == id {
				return number, &comments[i]
			}
		}
	}
	return 0, nil
}

func (s *Server) deleteComment(number int, id int64) {
	s.comments[number] = slices.DeleteFunc(s.comments[number], func(c Comment) bool { return c.ID == id })
}

// Statuses are a commit's, the oldest first; of each context the last counts.
func (s *Server) Statuses(commit string) []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.statuses), func(st Status) bool { return st.Commit != commit })
}

// CheckRuns are a commit's, the oldest first.
func (s *Server) CheckRuns(commit string) []CheckRun {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.checks), func(c CheckRun) bool { return c.Commit != commit })
}

// id is one that nothing had before. It begins high, so that it is no number
// of a pull request.
func (s *Server) id() int64 {
	s.next++
	return 9000 + s.next
}

// listed are pull requests in that state ("" is all), the newest first.
func (s *Server) listed(state string) []*PullRequest {
	var out []*PullRequest
	for n := len(s.pulls); n > 0; n-- {
		open := s.pulls[n].State == "open"
		if state == "" || state == "all" || open == strings.HasPrefix(state, "open") {
			out = append(out, s.pulls[n])
		}
	}
	return out
}
