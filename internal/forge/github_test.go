package forge_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/linkfleet/linkfleet/internal/forge"
	"github.com/linkfleet/linkfleet/internal/forge/forgetest"
)

// withApp is how to reach a fake GitHub as the App that is installed there.
func withApp(s *forgetest.Server) forge.Config {
	c := configOf(s)
	c.Token = ""
	c.App = forge.App{ID: forgetest.AppID, InstallationID: forgetest.InstallationID, PrivateKey: s.AppKey()}
	return c
}

func TestAppCommentsAsItself(t *testing.T) {
	s := forgetest.New(t, forgetest.GitHub)
	f := connect(t, withApp(s))
	n := s.OpenPR(forgetest.PullRequest{})
	for _, body := range []string{"one step", "two steps"} {
		if _, err := f.Comment(t.Context(), n, marker, body); err != nil {
			t.Fatal(err)
		}
	}
	wantBodies(t, s, n, forgetest.AppSlug+"[bot]: two steps")
}

func TestAppMakesOneTokenForAll(t *testing.T) {
	s := forgetest.New(t, forgetest.GitHub)
	f := connect(t, withApp(s))
	n := s.OpenPR(forgetest.PullRequest{})
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if _, err := f.PullRequest(t.Context(), n); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if made := tokens(s); made != 1 {
		t.Errorf("%d tokens were made", made)
	}
}

func tokens(s *forgetest.Server) int {
	return strings.Count(strings.Join(s.Requests(), "\n"), "/access_tokens")
}

func TestAppRenewsItsTokenBeforeItEnds(t *testing.T) {
	s := forgetest.New(t, forgetest.GitHub)
	n := s.OpenPR(forgetest.PullRequest{})
	c := withApp(s)
	c.HTTPClient = direct(s)
	synctest.Test(t, func(t *testing.T) {
		f := connect(t, c)
		for range 4 {
			if _, err := f.PullRequest(t.Context(), n); err != nil {
				t.Error(err)
			}
			time.Sleep(28 * time.Minute) // at 0, 28, 56 and 84
		}
		if made := tokens(s); made != 2 {
			t.Errorf("%d tokens were made", made)
		}
	})
}

func TestAppThatIsRefusedSaysSo(t *testing.T) {
	s := forgetest.New(t, forgetest.GitHub)
	c := withApp(s)
	c.App.PrivateKey = forgetest.New(t, forgetest.GitHub).AppKey()
	_, err := connect(t, c).PullRequest(t.Context(), 1)
	wantError(t, err, s, 401, "valid")
	c = withApp(s)
	c.App.InstallationID++
	_, err = connect(t, c).PullRequest(t.Context(), 1)
	wantError(t, err, s, 404, "check")
}

// A workflow's own token may not ask who it is, and no more may that of an App
// that a workflow made. Whoever it is, it is a bot, and no person is one.
func TestWorkflowTokenFindsItsComment(t *testing.T) {
	for _, login := range []string{"github-actions[bot]", "fleet-bot[bot]"} {
		t.Run(login, func(t *testing.T) {
			s := forgetest.New(t, forgetest.GitHub)
			s.Login = login
			n := s.OpenPR(forgetest.PullRequest{})
			s.AddComment(n, "mallory", "<!-- "+marker+" -->\nnothing changes, trust me")
			for _, body := range []string{"one step", "two steps"} {
				s.Fault(forgetest.Fault{Path: "/user", Status: 403, Message: "Resource not accessible by integration"})
				if _, err := connect(t, configOf(s)).Comment(t.Context(), n, marker, body); err != nil {
					t.Fatal(err)
				}
			}
			wantBodies(t, s, n, "mallory: nothing changes, trust me", s.Login+": two steps")
		})
	}
}

func TestAnnotationsOfAnApp(t *testing.T) {
	s := forgetest.New(t, forgetest.GitHub)
	f := connect(t, withApp(s))
	if !f.Limits().Annotations {
		t.Fatal("an App can annotate")
	}
	commit, context := strings.Repeat("c", 40), forge.Context("payments")
	annotate := func(notes ...forge.Annotation) []forgetest.CheckRun {
		t.Helper()
		if err := f.Annotate(t.Context(), commit, context, notes); err != nil {
			t.Fatal(err)
		}
		return s.CheckRuns(commit)
	}
	if runs := annotate(); len(runs) != 0 {
		t.Errorf("nothing to say, and %d runs", len(runs))
	}
	var notes []forge.Annotation
	var want []forgetest.Annotation
	for i := range 120 {
		message := fmt.Sprintf("mistake %d", i)
		notes = append(notes, forge.Annotation{Path: "services/fraud.cue", Line: i, Message: message, Warning: i == 7})
		want = append(want, forgetest.Annotation{Path: "services/fraud.cue", Line: max(i, 1), Level: map[bool]string{true: "warning", false: "failure"}[i == 7], Message: message})
	}
	runs := annotate(notes...)
	if len(runs) != 1 || runs[0].Conclusion != "failure" || runs[0].Name != context+"/files" {
		t.Fatalf("runs are %+v", runs)
	}
	if diff := cmp.Diff(want, runs[0].Annotations); diff != "" {
		t.Error(diff)
	}
	if runs = annotate(forge.Annotation{Path: "a.cue", Line: 1, Message: "m", Warning: true}); len(runs) != 2 || runs[1].Conclusion != "success" {
		t.Errorf("with a warning only: %+v", runs)
	}
	if runs = annotate(); len(runs) != 3 || len(runs[2].Annotations) != 0 {
		t.Errorf("mended, and the runs are %+v", runs)
	}
	if runs = annotate(); len(runs) != 3 {
		t.Errorf("already clean, and a run was made: %+v", runs)
	}
}
