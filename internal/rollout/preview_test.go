package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/forge"
	"github.com/linkfleet/linkfleet/internal/forge/forgetest"
	"github.com/linkfleet/linkfleet/internal/gitsource/gittest"
	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/internal/rollout"
	"github.com/linkfleet/linkfleet/schema"
)

// A review is a story with a forge.
type review struct {
	*story
	forge *forgetest.Server
	*rollout.Previewer
}

func newReview(t *testing.T) *review { return newReviewAt(t, forgetest.GitHub) }

func newReviewAt(t *testing.T, kind forgetest.Kind) *review {
	t.Helper()
	s := newStory(t)
	server := forgetest.New(t, kind)
	on, err := forge.New(forge.Config{Kind: forge.Kind(kind), BaseURL: server.URL, Repo: server.Repo, Token: server.Token})
	s.must(err)
	return &review{story: s, forge: server, Previewer: &rollout.Previewer{
		Track: s.track, Forge: on,
		EvaluateStranger: func(ctx context.Context, files fs.FS) (*schema.Fleet, []schema.Warning, error) {
			return schema.LoadFS(ctx, files, time.Now())
		},
		ReachToRead: func(ctx context.Context, fleet *schema.Fleet, _ string) (*reconcile.Run, error) {
			return s.reach(ctx, fleet, true)
		},
	}}
}

// opens has a branch with changes, and a pull request of it.
func (r *review) opens(change forgetest.PullRequest, files gittest.Files) int {
	r.Helper()
	r.repo.Checkout("main")
	change.Head.Commit = r.repo.Commit("change", "a change", files)
	number := r.forge.OpenPR(change)
	r.repo.SetRef(r.headRef(number), change.Head.Commit)
	return number
}

// headRef is where the forge keeps a pull request's head.
func (r *review) headRef(number int) string {
	if r.forge.Kind == forgetest.GitLab {
		return fmt.Sprintf("refs/merge-requests/%d/head", number)
	}
	return fmt.Sprintf("refs/pull/%d/head", number)
}

// pushes puts more on a pull request.
func (r *review) pushes(number int, files gittest.Files) string {
	r.Helper()
	head := r.repo.Commit("change", "more", files)
	r.repo.SetRef(r.headRef(number), head)
	r.forge.Push(number, head)
	return head
}

// previews wants a preview that sends nothing to AWS that could change it.
func (r *review) previews(number int) *rollout.Previewed {
	r.Helper()
	before := r.steps()
	told, err := r.Preview(r.Context(), number)
	r.must(err)
	if r.steps() != before {
		r.Error("a preview changed AWS")
	}
	return told
}

// comment is the one comment on a pull request.
func (r *review) comment(number int) string {
	r.Helper()
	all := r.forge.Comments(number)
	if len(all) != 1 {
		r.Fatalf("there are %d comments, want one: %+v", len(all), all)
	}
	return all[0].Body
}

func (r *review) wantStatus(commit, state string) {
	r.Helper()
	all := r.forge.Statuses(commit)
	if len(all) == 0 || all[len(all)-1].State != state {
		r.Errorf("the statuses of %.12s are %+v, want the last to be %s", commit, all, state)
	}
}

// One comment tells what the merge does, and is updated; what was reviewed is
// what apply --expect takes.
func TestPreview(t *testing.T) {
	t.Parallel()
	r := newReview(t)
	r.rolls(ledger.ApplyRun, ledger.Done)
	number := r.opens(forgetest.PullRequest{}, gittest.Files{"fleet/admin.cue": secondListener})
	r.repo.Commit("main", "meanwhile", gittest.Files{"README.md": "hello"})
	told := r.previews(number)
	r.wantStatus(told.Run.Commit, "success")
	if !slices.ContainsFunc(told.Calls, func(c awsapi.CallCount) bool { return c.Operation == "DescribeListeners" && c.Calls > 0 }) {
		t.Errorf("the listeners were planned by the calls %v", told.Calls)
	}
	if first := r.comment(number); !strings.Contains(first, told.Input.Plan.ShortDigest()) || !strings.Contains(first, "listener") {
		t.Errorf("the comment is %s", first)
	}
	again := r.pushes(number, gittest.Files{"fleet/admin.cue": strings.Replace(secondListener, "9443", "9444", 1)})
	told = r.previews(number)
	if told.Run.Commit != again || !strings.Contains(r.comment(number), told.Input.Plan.ShortDigest()) {
		t.Errorf("the comment is not of the second push: %s", r.comment(number))
	}
	r.repo.Merge("main", "change")
	out, err := r.track.Roll(t.Context(), nil, rollout.Order{Kind: ledger.ApplyRun, Prepare: func(run *reconcile.Run) error {
		run.Targets = told.Input.Plan.Targets
		plan, err := run.Plan(t.Context())
		if err == nil && !plan.Is(told.Input.Plan.ShortDigest()) {
			t.Errorf("the merge's plan is not the reviewed one: %s, and not %s", plan.ShortDigest(), told.Input.Plan.ShortDigest())
		}
		return err
	}})
	r.must(err)
	if out.Run.Outcome != ledger.Done {
		t.Errorf("the merge's run ended %s: %s", out.Run.Outcome, out.Run.Error)
	}
	r.forge.Change(number, func(pr *forgetest.PullRequest) { pr.State = "merged" })
	if told := r.previews(number); told.Skipped == "" {
		t.Error("a merged pull request was previewed")
	}
}

// A pull request that touches one side of one service reads no other place.
func TestPreviewReadsWhatConcernsIt(t *testing.T) {
	t.Parallel()
	r := newReview(t)
	r.repo.Commit("main", "an account that has nothing", gittest.Files{
		"fleet/fleet.cue": strings.Replace(r.file("fleet/fleet.cue"), `	dns:`, "\tidle: {id: \"555555555555\", role: \"linkfleet\"}\n\tdns:", 1),
	})
	r.roll(ledger.ApplyRun)
	number := r.opens(forgetest.PullRequest{}, gittest.Files{"fleet/admin.cue": secondListener})
	r.sim.ResetCalls()
	r.previews(number)
	if refused := r.refusedRoles(); refused != 0 {
		t.Errorf("%d roles of the account that has nothing were asked for", refused)
	}
	r.sim.ResetCalls()
	r.pushes(number, gittest.Files{"fleet/fleet.cue": strings.Replace(r.file("fleet/fleet.cue"), "555555555555", "555555555556", 1)})
	r.previews(number)
	if r.refusedRoles() == 0 {
		t.Error("a change of accounts was planned without asking all of them")
	}
}

// refusedRoles counts the roles that were asked for in vain: there is none in
// the account that has nothing.
func (r *review) refusedRoles() int {
	n := 0
	for _, c := range r.sim.Calls() {
		if c.Operation == "AssumeRole" && c.Code != "" {
			n++
		}
	}
	return n
}

func TestPreviewOfWhatIsAmiss(t *testing.T) {
	t.Parallel()
	r := newReview(t)
	r.rolls(ledger.ApplyRun, ledger.Done)
	number := r.opens(forgetest.PullRequest{}, gittest.Files{"fleet/admin.cue": "package fleet\n\nservices: fraud: nonsense: 1\n"})
	told := r.previews(number)
	r.wantStatus(told.Run.Commit, "failure")
	if body := r.comment(number); !strings.Contains(body, "fleet/admin.cue:3") || !strings.Contains(body, "nonsense") {
		t.Errorf("the comment is %s", body)
	}
	r.repo.Commit("main", "both change it", gittest.Files{"fleet/admin.cue": secondListener})
	r.repo.Checkout("change")
	told = r.previews(number)
	r.wantStatus(told.Run.Commit, "failure")
	if body := r.comment(number); !strings.Contains(body, "admin.cue") || !strings.Contains(strings.ToLower(body), "conflict") {
		t.Errorf("the comment is %s", body)
	}
	other := r.forge.OpenPR(forgetest.PullRequest{Base: forgetest.Side{Branch: "elsewhere"}})
	if told := r.previews(other); !strings.Contains(told.Skipped, "elsewhere") {
		t.Errorf("a pull request into another branch is %+v", told)
	}
}

// Whose accounts are looked into is not for strangers to say, and what
// somebody has looked at is one commit.
func TestPreviewOfFork(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		kind    forgetest.Kind
		opened  forgetest.PullRequest
		failure string
	}{
		"github":     {forgetest.GitHub, forgetest.PullRequest{Fork: true}, "failure"},
		"gitlab":     {forgetest.GitLab, forgetest.PullRequest{Fork: true}, "failed"},
		"gitea":      {forgetest.Gitea, forgetest.PullRequest{Fork: true}, "failure"},
		"gitea-agit": {forgetest.Gitea, forgetest.PullRequest{AGit: true}, "failure"},
		"gitlab-own": {forgetest.GitLab, forgetest.PullRequest{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReviewAt(t, tt.kind)
			r.rolls(ledger.ApplyRun, ledger.Done)
			accounts := strings.Replace(r.file("fleet/fleet.cue"), `risk: {id: "222222222222"`, `risk: {id: "666666666666"`, 1)
			number := r.opens(tt.opened, gittest.Files{"fleet/fleet.cue": accounts})
			r.sim.ResetCalls()
			told := r.previews(number)
			if tt.failure == "" {
				if told.Input.Plan == nil {
					t.Errorf("it was told %+v", told)
				}
				return
			}
			if calls := r.sim.Calls(); len(calls) > 0 {
				t.Errorf("AWS was asked for a stranger: %+v", calls)
			}
			looked := told.Run.Commit
			hint := fmt.Sprintf("linkfleet preview --repo %s --folder fleet --pull %d --trust %s", r.track.Repo.URL(), number, looked)
			if comment := strings.ReplaceAll(r.comment(number), `\`, ""); !strings.Contains(comment, hint) {
				t.Errorf("the comment is %s, want %s", comment, hint)
			}
			r.wantStatus(looked, tt.failure)
			r.trusts(number, looked)
			again := r.pushes(number, gittest.Files{"fleet/fleet.cue": strings.Replace(accounts, "666666666666", "777777777777", 1)})
			r.sim.ResetCalls()
			_, err := r.Preview(t.Context(), number)
			if calls := r.sim.Calls(); err == nil || !strings.Contains(err.Error(), again) || len(calls) > 0 {
				t.Errorf("what was pushed after the look was trusted: %v, %d calls", err, len(calls))
			}
			r.trusts(number, again)
		})
	}
}

// trusts wants a stranger's change to be planned, once it was looked at.
func (r *review) trusts(number int, commit string) {
	r.Helper()
	r.Trusted = commit
	if told := r.previews(number); told.Input.Plan == nil {
		r.Errorf("trusted, it was told %+v", told)
	}
}

// A status may be refused where a comment is not.
func TestPreviewWithoutStatus(t *testing.T) {
	t.Parallel()
	r := newReview(t)
	r.rolls(ledger.ApplyRun, ledger.Done)
	number := r.opens(forgetest.PullRequest{}, gittest.Files{"fleet/admin.cue": secondListener})
	r.forge.Fault(forgetest.Fault{Method: "POST", Path: "/statuses/", Status: 403, Message: "not for you", Times: 100})
	told, err := r.Preview(t.Context(), number)
	if err == nil || !strings.Contains(err.Error(), "not for you") {
		t.Errorf("the error is %v", err)
	}
	if told.Input.Plan == nil || !strings.Contains(r.comment(number), told.Input.Plan.ShortDigest()) {
		t.Errorf("the comment is %s", r.comment(number))
	}
}

// That the fleet before the merge could not be looked at is not that there is
// none: everything would seem to be new.
func TestPreviewWhoseBaseCannotBeLoaded(t *testing.T) {
	t.Parallel()
	r := newReview(t)
	r.rolls(ledger.ApplyRun, ledger.Done)
	number := r.opens(forgetest.PullRequest{}, gittest.Files{"fleet/admin.cue": secondListener})
	load, calls := r.EvaluateStranger, 0
	r.EvaluateStranger = func(ctx context.Context, files fs.FS) (*schema.Fleet, []schema.Warning, error) {
		if calls++; calls == 1 {
			return nil, nil, errors.New("the process for it did not start")
		}
		return load(ctx, files)
	}
	told, err := r.Preview(t.Context(), number)
	if err == nil || !strings.Contains(err.Error(), "did not start") {
		t.Errorf("the error is %v", err)
	}
	r.wantStatus(told.Run.Commit, "error")
}

// What merging adds, or mends, has nothing before it to be compared with.
func TestPreviewOfFirstFleet(t *testing.T) {
	t.Parallel()
	r := newReview(t)
	number := r.opens(forgetest.PullRequest{}, gittest.Files{"fleet/admin.cue": secondListener})
	r.pushes(number, gittest.Files{"other/x.cue": "package fleet\n"})
	r.Folder = "other"
	told, err := r.Preview(t.Context(), number)
	if err != nil || told.Input.Was != nil || told.Input.Invalid == nil || len(schema.Faults(told.Input.Invalid)) == 0 {
		t.Errorf("told %+v, %v", told, err)
	}
}

// Two previews at once, and an answer that is lost, leave one comment.
func TestOneComment(t *testing.T) {
	t.Parallel()
	r := newReview(t)
	number := r.opens(forgetest.PullRequest{}, gittest.Files{"fleet/admin.cue": secondListener})
	r.forge.Fault(forgetest.Fault{Method: "POST", Path: "/comments", Lost: true})
	_, err := r.Preview(t.Context(), number)
	if err != nil {
		r.previews(number)
	}
	r.comment(number)
}

// What a pull request calls the fleet is nothing that runs go by.
func TestPreviewOfAnotherName(t *testing.T) {
	t.Parallel()
	r := newReview(t)
	r.rolls(ledger.ApplyRun, ledger.Done)
	number := r.opens(forgetest.PullRequest{}, gittest.Files{"fleet/fleet.cue": strings.Replace(r.file("fleet/fleet.cue"), `"small"`, `"large"`, 1)})
	told := r.previews(number)
	if told.Run.Fleet != "small" {
		t.Errorf("the preview is kept as one of fleet %s", told.Run.Fleet)
	}
	r.wantStatus(told.Run.Commit, "failure")
	if body := r.comment(number); !strings.Contains(body, "was called small") {
		t.Errorf("the comment is %s", body)
	}
	r.rolls(ledger.ApplyRun, ledger.Nothing)
}
