package rollout_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/gitsource"
	"github.com/linkfleet/linkfleet/internal/gitsource/gittest"
	"github.com/linkfleet/linkfleet/internal/lease"
	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/internal/rollout"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// storySpeed is how much faster than the wall the simulator's clock runs, and
// storyPatience how long steps wait by that clock: minutes by the wall.
const (
	storySpeed    = 3000
	storyPatience = 100 * time.Hour
)

// A story is a repository with a fleet in a folder, an AWS for it, and runs.
type story struct {
	*testing.T
	repo  *gittest.Repo
	sim   *awssim.Sim
	kept  *ledger.Ledger
	track *rollout.Track
}

// newStory has the small fleet on branch main. Nothing was run yet.
func newStory(t *testing.T) *story {
	t.Helper()
	archive, err := txtar.ParseFile("../../cmd/linkfleet/testdata/fixture/small.txtar")
	if err != nil {
		t.Fatal(err)
	}
	s := &story{T: t, repo: gittest.New(t)}
	s.world(archive)
	s.must(writeSchema(s.repo.Work))
	s.repo.Commit("main", "the fleet", fleetOf(archive))
	dir := t.TempDir()
	s.kept, err = ledger.Open(t.Context(), filepath.Join(dir, "state"))
	s.must(err)
	t.Cleanup(func() { s.must(s.kept.Close()) })
	mirror, err := gitsource.Open(t.Context(), gitsource.Options{URL: s.repo.Bare, Dir: filepath.Join(dir, "mirrors")})
	s.must(err)
	s.track = &rollout.Track{
		Repo: mirror, Ref: "main", Folder: "fleet", Ledger: s.kept, Now: time.Now,
		Evaluate: schema.LoadFS,
		Reach: func(ctx context.Context, fleet *schema.Fleet, commit string) (*reconcile.Run, error) {
			run, err := s.reach(ctx, fleet, false)
			if err == nil {
				run.Commit, run.Lease = commit, &lease.File{Fleet: fleet.Name, Path: filepath.Join(dir, "lease")}
			}
			return run, err
		},
	}
	return s
}

func (s *story) world(archive *txtar.Archive) {
	s.Helper()
	dir := s.TempDir()
	for _, f := range archive.Files {
		if f.Name == "world.cue" {
			s.must(os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o600))
		}
	}
	world, err := awssim.LoadWorld(filepath.Join(dir, "world.cue"))
	s.must(err)
	s.sim, err = awssim.New(awssim.Options{World: world, Speed: storySpeed})
	s.must(err)
}

func writeSchema(dir string) error {
	folder := filepath.Join(dir, "fleet")
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	_, err := schema.WriteSchema(folder)
	return err
}

func fleetOf(archive *txtar.Archive) gittest.Files {
	files := gittest.Files{}
	for _, f := range archive.Files {
		if strings.HasPrefix(f.Name, "fleet/") {
			files[f.Name] = string(f.Data)
		}
	}
	return files
}

// reach is a run of the fleet in the simulator.
func (s *story) reach(ctx context.Context, fleet *schema.Fleet, readOnly bool) (*reconcile.Run, error) {
	api, err := awsapi.New(ctx, awsapi.Options{
		Accounts: reconcile.Accounts(fleet, readOnly), SessionName: "story", Speed: storySpeed, ReadOnly: readOnly,
		Credentials: &awsapi.Credentials{AccessKeyID: "AKIAHUB", SecretAccessKey: "secret"}, Transport: s.sim.Client().Transport,
	})
	return &reconcile.Run{Fleet: fleet, API: api, Speed: storySpeed, Timeout: storyPatience}, err
}

func (s *story) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// roll carries an order out.
func (s *story) roll(kind ledger.RunKind) (*rollout.Outcome, error) {
	s.Helper()
	return s.track.Roll(s.Context(), nil, rollout.Order{Kind: kind})
}

// rolls wants a run to end like that.
func (s *story) rolls(kind ledger.RunKind, want ledger.Outcome) *rollout.Outcome {
	s.Helper()
	out, err := s.roll(kind)
	s.must(err)
	if out.Result != nil {
		s.must(out.Result.Err())
	}
	if out.Run.Outcome != want {
		s.Fatalf("the run ended %s, want %s: %s", out.Run.Outcome, want, out.Run.Error)
	}
	return out
}

// refuses wants a run not to begin, and to be kept as refused.
func (s *story) refuses(o rollout.Order, want string) {
	s.Helper()
	before := s.steps()
	out, err := s.track.Roll(s.Context(), nil, o)
	if err == nil || !strings.Contains(err.Error(), want) {
		s.Fatalf("the error is %v, want one with %q", err, want)
	}
	if out.Run.Outcome != ledger.Refused {
		s.Errorf("the run is kept as %s", out.Run.Outcome)
	}
	if after := s.steps(); after != before {
		s.Errorf("it sent %d calls that change something", after-before)
	}
}

// steps counts the calls that changed something.
func (s *story) steps() int {
	n := 0
	for _, c := range s.sim.Calls() {
		if !c.Actor && !reads(c.Operation) {
			n++
		}
	}
	return n
}

func reads(op string) bool {
	for _, prefix := range []string{"Describe", "List", "Get", "AssumeRole"} {
		if strings.HasPrefix(op, prefix) {
			return true
		}
	}
	return false
}

// hand changes the listener's balancer by hand: the drift of these stories.
func (s *story) hand() {
	s.Helper()
	api, err := awsapi.New(s.Context(), awsapi.Options{
		Accounts: map[string]awsapi.Account{"hand": {ID: "222222222222"}}, SessionName: "hand", Speed: storySpeed,
		Credentials: &awsapi.Credentials{AccessKeyID: "222222222222", SecretAccessKey: "x"}, Transport: s.sim.Client().Transport,
	})
	s.must(err)
	place, err := api.Place(s.Context(), planner.Place{Account: "hand", Region: "us-east-1"})
	s.must(err)
	groups, err := place.EC2.DescribeSecurityGroups(s.Context(), &ec2.DescribeSecurityGroupsInput{})
	s.must(err)
	for _, g := range groups.SecurityGroups {
		if strings.HasPrefix(aws.ToString(g.Description), "linkfleet ") {
			_, err := place.EC2.RevokeSecurityGroupIngress(s.Context(), &ec2.RevokeSecurityGroupIngressInput{GroupId: g.GroupId, IpPermissions: g.IpPermissions})
			s.must(err)
			return
		}
	}
	s.Fatal("there is no group to change by hand")
}

// file is a file of the clone.
func (s *story) file(name string) string {
	s.Helper()
	text, err := os.ReadFile(filepath.Join(s.repo.Work, name))
	s.must(err)
	return string(text)
}

// allowAll lets a run take away what it likes.
func allowAll(run *reconcile.Run) error {
	run.Allow = map[planner.Tally]int{planner.Deletes: 1000, planner.Rejections: 1000, planner.Replacements: 1000}
	return nil
}
