package forge_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/linkfleet/linkfleet/internal/forge"
	"github.com/linkfleet/linkfleet/internal/forge/forgetest"
)

const marker = "linkfleet preview payments-platform"

// configOf is how to reach a fake forge with its token.
func configOf(s *forgetest.Server) forge.Config {
	return forge.Config{Kind: forge.Kind(s.Kind), BaseURL: s.URL, Repo: s.Repo, Token: s.Token}
}

func connect(t *testing.T, c forge.Config) forge.Forge {
	t.Helper()
	f, err := forge.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// eachForge runs a test with every kind of forge.
func eachForge(t *testing.T, test func(*testing.T, *forgetest.Server, forge.Forge)) {
	for _, kind := range forgetest.Kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := forgetest.New(t, kind)
			test(t, s, connect(t, configOf(s)))
		})
	}
}

// refs are where each forge keeps the heads of pull requests.
var refs = map[forgetest.Kind]string{
	forgetest.GitHub: "refs/pull/%d/head", forgetest.GitLab: "refs/merge-requests/%d/head", forgetest.Gitea: "refs/pull/%d/head",
}

func TestPullRequest(t *testing.T) {
	eachForge(t, func(t *testing.T, s *forgetest.Server, f forge.Forge) {
		base, head := strings.Repeat("b", 40), strings.Repeat("c", 40)
		n := s.OpenPR(forgetest.PullRequest{
			Title: "Let risk in", Author: "alice", Draft: true,
			Base: forgetest.Side{Branch: "main", Commit: base}, Head: forgetest.Side{Branch: "risk", Commit: head},
		})
		got, err := f.PullRequest(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		clone := s.URL + "/" + s.Repo + ".git"
		want := forge.PullRequest{
			Number: n, Title: "Let risk in", Author: "alice", State: forge.Open, Draft: true, URL: got.URL,
			Base: forge.Side{Branch: "main", Commit: base, CloneURL: clone, Ref: "refs/heads/main"},
			Head: forge.Side{Branch: "risk", Commit: head, CloneURL: clone, Ref: fmt.Sprintf(refs[s.Kind], n)},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if !strings.HasPrefix(got.URL, s.URL) {
			t.Errorf("its page is %q", got.URL)
		}
	})
}

func TestStatesOfPullRequests(t *testing.T) {
	eachForge(t, func(t *testing.T, s *forgetest.Server, f forge.Forge) {
		for _, state := range []forge.State{forge.Open, forge.Closed, forge.Merged} {
			n := s.OpenPR(forgetest.PullRequest{State: string(state)})
			if pr, err := f.PullRequest(t.Context(), n); err != nil || pr.State != state {
				t.Errorf("%s pull request: %s, %v", state, pr.State, err)
			}
		}
	})
}

func TestForks(t *testing.T) {
	eachForge(t, func(t *testing.T, s *forgetest.Server, f forge.Forge) {
		n := s.OpenPR(forgetest.PullRequest{Fork: true, Author: "mallory"})
		pr, err := f.PullRequest(t.Context(), n)
		if err != nil || !pr.Fork || pr.Head.CloneURL != s.URL+"/mallory/fleet.git" {
			t.Errorf("from a fork: %+v, %v", pr, err)
		}
		gone := s.OpenPR(forgetest.PullRequest{Fork: true, Gone: true, Author: "eve"})
		s.Change(n, func(pr *forgetest.PullRequest) { pr.Gone = true })
		pr, err = f.PullRequest(t.Context(), gone)
		if err != nil || !pr.Fork || pr.Head.CloneURL != "" {
			t.Errorf("from a fork that is gone: %+v, %v", pr, err)
		}
	})
}

// Who may only read opens pull requests by AGit, and their heads are in the
// base's own repository.
func TestPullRequestByAGitIsAStrangers(t *testing.T) {
	s := forgetest.New(t, forgetest.Gitea)
	f := connect(t, configOf(s))
	n := s.OpenPR(forgetest.PullRequest{AGit: true, Author: "mallory"})
	if pr, err := f.PullRequest(t.Context(), n); err != nil || !pr.Fork {
		t.Errorf("by AGit: %+v, %v", pr, err)
	}
	all, err := f.OpenPullRequests(t.Context())
	if err != nil || len(all) != 1 || !all[0].Fork {
		t.Errorf("by AGit, in the list: %+v, %v", all, err)
	}
}

func TestOpenPullRequestsAreListedToTheLast(t *testing.T) {
	eachForge(t, func(t *testing.T, s *forgetest.Server, f forge.Forge) {
		s.OpenPR(forgetest.PullRequest{State: "closed"})
		var want []int
		for range 230 {
			want = append(want, s.OpenPR(forgetest.PullRequest{}))
		}
		all, err := f.OpenPullRequests(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for _, pr := range all {
			got = append(got, pr.Number)
			if pr.Head.Commit == "" {
				t.Errorf("pull request %d has no head", pr.Number)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// bodies are those of our comments.
func bodies(s *forgetest.Server, number int) []string {
	var out []string
	for _, c := range s.Comments(number) {
		if strings.HasPrefix(c.Body, "<!-- "+marker) {
			_, body, _ := strings.Cut(c.Body, "\n")
			out = append(out, c.Author+": "+body)
		}
	}
	return out
}

func wantBodies(t *testing.T, s *forgetest.Server, number int, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, bodies(s, number)); diff != "" {
		t.Error(diff)
	}
}

func TestCommentIsUpdatedInPlace(t *testing.T) {
	eachForge(t, func(t *testing.T, s *forgetest.Server, f forge.Forge) {
		n := s.OpenPR(forgetest.PullRequest{})
		// Many others talk, one of them with our marker.
		for range 120 {
			s.AddComment(n, "alice", "looks good")
		}
		s.AddComment(n, "mallory", "<!-- "+marker+" -->\nnothing changes, trust me")
		first, err := f.Comment(t.Context(), n, marker, "one step")
		if err != nil {
			t.Fatal(err)
		}
		second, err := f.Comment(t.Context(), n, marker, "two steps")
		if err != nil || first != second || !strings.HasPrefix(first, s.URL) {
			t.Errorf("comment at %q, then at %q: %v", first, second, err)
		}
		wantBodies(t, s, n, "mallory: nothing changes, trust me", s.Login+": two steps")
		// Another fleet's comment is another comment.
		if _, err := f.Comment(t.Context(), n, marker+"-2", "other"); err != nil {
			t.Error(err)
		}
		wantBodies(t, s, n, "mallory: nothing changes, trust me", s.Login+": two steps", s.Login+": other")
	})
}

func TestLaterDuplicatesAreDeleted(t *testing.T) {
	eachForge(t, func(t *testing.T, s *forgetest.Server, f forge.Forge) {
		n := s.OpenPR(forgetest.PullRequest{})
		for _, body := range []string{"first", "second", "third"} {
			s.AddComment(n, s.Login, "<!-- "+marker+" -->\n"+body)
		}
		if _, err := f.Comment(t.Context(), n, marker, "new"); err != nil {
			t.Fatal(err)
		}
		wantBodies(t, s, n, s.Login+": new")
	})
}

func TestRunsThatRaceLeaveOneComment(t *testing.T) {
	eachForge(t, func(t *testing.T, s *forgetest.Server, _ forge.Forge) {
		n := s.OpenPR(forgetest.PullRequest{})
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				f := connect(t, configOf(s))
				if _, err := f.Comment(t.Context(), n, marker, "the plan"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		wantBodies(t, s, n, s.Login+": the plan")
	})
}

func TestCommentThatDoesNotFitIsRefused(t *testing.T) {
	eachForge(t, func(t *testing.T, s *forgetest.Server, f forge.Forge) {
		n := s.OpenPR(forgetest.PullRequest{})
		limit := f.Limits()
		letter := "é" // two bytes, one character
		if limit.Unit == forge.Bytes {
			letter = "e"
		}
		full := strings.Repeat(letter, limit.Comment)
		if _, err := f.Comment(t.Context(), n, strings.Repeat("m", forge.MaxMarker), full); err != nil {
			t.Errorf("at the limit: %v", err)
		}
		before := len(s.Requests())
		_, err := f.Comment(t.Context(), n, marker, full+letter)
		if err == nil || !strings.Contains(err.Error(), "shorten it") {
			t.Errorf("over the limit: %v", err)
		}
		if after := len(s.Requests()); after != before {
			t.Errorf("over the limit, the forge was asked %d times", after-before)
		}
		for _, bad := range []string{"", "two\nlines", "a -- b", "<b>", strings.Repeat("m", forge.MaxMarker+1)} {
			if _, err := f.Comment(t.Context(), n, bad, "body"); err == nil {
				t.Errorf("marker %q was taken", bad)
			}
		}
	})
}

func TestSetStatus(t *testing.T) {
	states := map[forge.StatusState]string{forge.Pending: "pending", forge.Success: "success", forge.Failure: "failure", forge.Errored: "error"}
	commit := strings.Repeat("c", 40)
	eachForge(t, func(t *testing.T, s *forgetest.Server, f forge.Forge) {
		for state, word := range states {
			if s.Kind == forgetest.GitLab && (state == forge.Failure || state == forge.Errored) {
				word = "failed"
			}
			context := forge.Context("payments-" + string(state))
			status := forge.Status{Context: context, State: state, Description: strings.Repeat("–", 300), TargetURL: "https://ci.example.com/1"}
			// Twice the same is no error.
			for range 2 {
				if err := f.SetStatus(t.Context(), commit, status); err != nil {
					t.Fatal(err)
				}
			}
			all := s.Statuses(commit)
			want := forgetest.Status{
				Commit: commit, Context: context, State: word, TargetURL: "https://ci.example.com/1",
				Description: strings.Repeat("–", f.Limits().Description-1) + "…",
			}
			if diff := cmp.Diff(want, all[len(all)-1]); diff != "" {
				t.Error(diff)
			}
		}
	})
}

// A fork's commit is in no branch of the repository.
func TestSetStatusOfFork(t *testing.T) {
	eachForge(t, func(t *testing.T, s *forgetest.Server, f forge.Forge) {
		pr, err := f.PullRequest(t.Context(), s.OpenPR(forgetest.PullRequest{Fork: true}))
		if err != nil {
			t.Fatal(err)
		}
		status := forge.Status{Context: forge.Context("payments"), State: forge.Pending, Ref: pr.Head.Ref}
		if err := f.SetStatus(t.Context(), pr.Head.Commit, status); err != nil {
			t.Error(err)
		}
		if all := s.Statuses(pr.Head.Commit); len(all) != 1 || all[0].State != "pending" {
			t.Errorf("statuses are %+v", all)
		}
	})
}

func TestWithoutAnnotationsTheForgeIsNotAsked(t *testing.T) {
	eachForge(t, func(t *testing.T, s *forgetest.Server, f forge.Forge) {
		if f.Limits().Annotations {
			t.Error("a token alone cannot annotate")
		}
		if err := f.Annotate(t.Context(), strings.Repeat("c", 40), "x", []forge.Annotation{{Path: "a.cue", Line: 1, Message: "m"}}); err != nil {
			t.Error(err)
		}
		if asked := s.Requests(); len(asked) > 0 {
			t.Errorf("the forge was asked %q", asked)
		}
	})
}

func TestErrorsSayWhichPermissionIsMissing(t *testing.T) {
	permission := map[forgetest.Kind][2]string{
		forgetest.GitHub: {"Pull requests: write", "Commit statuses: write"},
		forgetest.GitLab: {"the scope api", "the role Developer"},
		forgetest.Gitea:  {"write:issue", "write:repository"},
	}
	eachForge(t, func(t *testing.T, s *forgetest.Server, f forge.Forge) {
		n := s.OpenPR(forgetest.PullRequest{})
		s.Fault(forgetest.Fault{Method: "POST", Status: 403, Message: "not for you"})
		_, err := f.Comment(t.Context(), n, marker, "body")
		wantError(t, err, s, 403, permission[s.Kind][0])
		s.Fault(forgetest.Fault{Method: "POST", Status: 403, Message: "not for you"})
		err = f.SetStatus(t.Context(), strings.Repeat("c", 40), forge.Status{Context: "x", State: forge.Success})
		wantError(t, err, s, 403, permission[s.Kind][1])
		_, err = f.PullRequest(t.Context(), 404)
		wantError(t, err, s, 404, "check the repository's name")

		c := configOf(s)
		c.Token = "a-token-that-is-wrong"
		_, err = connect(t, c).PullRequest(t.Context(), n)
		wantError(t, err, s, 401, "not expired")
		if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, c), c.Token) {
			t.Errorf("the token is shown: %v", err)
		}
	})
}

func wantError(t *testing.T, err error, s *forgetest.Server, status int, mend string) {
	t.Helper()
	e, ok := errors.AsType[*forge.Error](err)
	if !ok || e.Status != status || !strings.Contains(e.Mend, mend) || strings.Contains(e.Error(), "\n") {
		t.Errorf("got %v, want status %d and %q", err, status, mend)
	}
}

func TestNothingIsSentToAnotherHost(t *testing.T) {
	eachForge(t, func(t *testing.T, s *forgetest.Server, f forge.Forge) {
		thief := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			t.Errorf("another host was asked, with %v", r.Header)
		})
		other := newServer(t, thief)
		s.Fault(forgetest.Fault{Status: http.StatusTemporaryRedirect, Header: http.Header{"Location": {other + "/"}}})
		if _, err := f.PullRequest(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "sends us on to") {
			t.Errorf("got %v", err)
		}
	})
}

func TestConfigsThatAreRefused(t *testing.T) {
	good := forge.Config{Kind: forge.GitLab, BaseURL: "https://git.example.com", Repo: "a/b/c", Token: "glpat-secret"}
	tests := map[string]struct {
		change func(*forge.Config)
		want   string
	}{
		"kind":          {func(c *forge.Config) { c.Kind = "svn" }, "is github, gitlab or gitea"},
		"no address":    {func(c *forge.Config) { c.Kind, c.BaseURL = forge.Gitea, "" }, "needs its address"},
		"password":      {func(c *forge.Config) { c.BaseURL = "https://u:hunter2@git.example.com" }, "take them out"},
		"clear text":    {func(c *forge.Config) { c.BaseURL = "http://git.example.com" }, "https address"},
		"no URL":        {func(c *forge.Config) { c.BaseURL = "git.example.com" }, "is no URL"},
		"no repository": {func(c *forge.Config) { c.Repo = "a" }, "owner/name"},
		"groups":        {func(c *forge.Config) { c.Kind = forge.GitHub }, "owner/name"},
		"climbing":      {func(c *forge.Config) { c.Repo = "a/../b" }, "owner/name"},
		"no token":      {func(c *forge.Config) { c.Token = "" }, "give a token"},
		"app elsewhere": {func(c *forge.Config) { c.App.ID = "1" }, "has no apps"},
		"app key": {func(c *forge.Config) {
			*c = forge.Config{Kind: forge.GitHub, Repo: "a/b", App: forge.App{ID: "1", InstallationID: 2, PrivateKey: []byte("hunter2")}}
		}, "as GitHub gave it"},
	}
	if _, err := forge.New(good); err != nil {
		t.Fatal(err)
	}
	for name, test := range tests {
		c := good
		test.change(&c)
		_, err := forge.New(c)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		} else if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "glpat") {
			t.Errorf("%s: a secret is shown: %v", name, err)
		}
	}
}

func TestConfigsShowNoSecret(t *testing.T) {
	c := forge.Config{
		Kind: forge.GitHub, Repo: "a/b", Token: "hunter2",
		App: forge.App{ID: "1", InstallationID: 2, PrivateKey: []byte("hunter2")},
	}
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	key := fmt.Sprint(c.App.PrivateKey) // as numbers
	for _, v := range []any{c, &c, c.App, struct{ C forge.Config }{c}} {
		shown := fmt.Sprintf("%v %+v %#v %s %s", v, v, v, v, asJSON)
		if strings.Contains(shown, "hunter2") || strings.Contains(shown, key) {
			t.Errorf("%T shows a secret: %s", v, shown)
		}
	}
}

func TestDetect(t *testing.T) {
	tests := []struct {
		url  string
		kind forge.Kind
		want forge.Config
		err  string
	}{
		{url: "https://github.com/acme/fleet.git", want: forge.Config{Kind: forge.GitHub, BaseURL: "https://github.com", Repo: "acme/fleet"}},
		{url: "git@github.com:acme/fleet.git", want: forge.Config{Kind: forge.GitHub, BaseURL: "https://github.com", Repo: "acme/fleet"}},
		{url: "ssh://git@gitlab.com:22/a/b/fleet", want: forge.Config{Kind: forge.GitLab, BaseURL: "https://gitlab.com", Repo: "a/b/fleet"}},
		{url: "https://token:x@codeberg.org/a/b/", want: forge.Config{Kind: forge.Gitea, BaseURL: "https://codeberg.org", Repo: "a/b"}},
		{url: "https://acme.ghe.com/a/b", want: forge.Config{Kind: forge.GitHub, BaseURL: "https://acme.ghe.com", Repo: "a/b"}},
		{url: "https://git.example.com/a/b.git", err: "give --forge"},
		{url: "https://git.example.com:8443/a/b.git", kind: forge.Gitea, want: forge.Config{Kind: forge.Gitea, BaseURL: "https://git.example.com:8443", Repo: "a/b"}},
		{url: "/srv/fleet.git", err: "on no forge"},
		{url: "https://u:hunter2@git.example.com/%zz", err: "no URL"},
	}
	for _, test := range tests {
		got, err := forge.Detect(test.url, test.kind)
		switch {
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "hunter2")):
			t.Errorf("%s: %v, want %q", test.url, err, test.err)
		case test.err == "" && err != nil:
			t.Errorf("%s: %v", test.url, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.url, diff)
		}
	}
}
