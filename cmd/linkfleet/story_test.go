package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/forge/forgetest"
	"github.com/linkfleet/linkfleet/internal/gitsource/gittest"
)

// storySpeed is how much faster than the wall the simulator's clock runs.
const storySpeed = 2000

// A story is a repository with the small fleet on a real Git server, a forge
// for its pull requests, and an AWS, all on the loopback interface; linkfleet
// runs as processes of their own.
type story struct {
	*testing.T
	repo  *gittest.Repo
	forge *forgetest.Server
	sim   *awssim.Sim
	aws   string // the simulator's address
	state string
	args  []string // how to reach the repository
	env   []string // and with which secrets
}

func newStory(t *testing.T, kind forgetest.Kind) *story {
	t.Helper()
	s := &story{T: t, repo: gittest.New(t), forge: forgetest.New(t, kind), state: t.TempDir()}
	dir := t.TempDir()
	unpackSmall(t, dir)
	if err := os.CopyFS(filepath.Join(s.repo.Work, "fleet"), os.DirFS(filepath.Join(dir, "fleet"))); err != nil {
		t.Fatal(err)
	}
	s.repo.Commit("main", "the fleet", nil)
	world, err := awssim.LoadWorld(filepath.Join(dir, "world.cue"))
	if err == nil {
		s.sim, err = awssim.New(awssim.Options{World: world, Speed: storySpeed})
	}
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.sim)
	t.Cleanup(server.Close)
	s.aws = server.URL
	return s
}

// byHTTP has the repository fetched by http with a token.
func (s *story) byHTTP() *story {
	h := s.repo.HTTP()
	s.args, s.env = []string{"--repo", h.URL}, []string{"LINKFLEET_GIT_TOKEN=" + h.Token}
	return s
}

// bySSH has the repository fetched by ssh with a key.
func (s *story) bySSH() *story {
	h := s.repo.SSH()
	s.args = []string{"--repo", h.URL, "--ssh-key", h.KeyFile, "--known-hosts", h.KnownHosts}
	return s
}

// command is a process of linkfleet on the story's repository.
func (s *story) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(s.Context(), "linkfleet", args...)
	cmd.Env = append(append(os.Environ(), s.env...),
		"HOME="+s.state, "XDG_CACHE_HOME=", "NO_COLOR=1", "LINKFLEET_STATE_DIR="+s.state, "LINKFLEET_FORGE_TOKEN="+s.forge.Token,
		"AWS_ACCESS_KEY_ID=AKIAHUB", "AWS_SECRET_ACCESS_KEY=secret", "AWS_ENDPOINT_URL="+s.aws,
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true")
	return cmd
}

// inRepo are the flags of a command that works on the repository.
func (s *story) inRepo(args ...string) []string {
	return append(append(args, s.args...), "--folder", "fleet", "--speed", fmt.Sprint(storySpeed))
}

// runs wants a process to end with a status, and gives what it printed.
func (s *story) runs(status int, args ...string) string {
	s.Helper()
	out, err := s.command(args...).CombinedOutput()
	got := 0
	if failed, ok := err.(*exec.ExitError); ok {
		got = failed.ExitCode()
	} else if err != nil {
		s.Fatal(err)
	}
	if got != status {
		s.Fatalf("%s ended with %d, want %d: %s", strings.Join(args, " "), got, status, out)
	}
	return string(out)
}

func (s *story) reconciles(status int, more ...string) string {
	s.Helper()
	return s.runs(status, append(s.inRepo("reconcile", "--timeout", crashPatience), more...)...)
}

func (s *story) previews(pull int) string {
	s.Helper()
	return s.runs(exitDone, s.inRepo("preview", "--pull", fmt.Sprint(pull), "--forge", string(s.forge.Kind), "--forge-url", s.forge.URL, "--forge-repo", s.forge.Repo)...)
}

// headRef is where the forge keeps the head of a pull request.
func (s *story) headRef(pull int) string {
	if s.forge.Kind == forgetest.GitLab {
		return fmt.Sprintf("refs/merge-requests/%d/head", pull)
	}
	return fmt.Sprintf("refs/pull/%d/head", pull)
}

// opens has a pull request that adds a listener.
func (s *story) opens(port int) int {
	s.Helper()
	return s.opensFrom("change", port)
}

// opensFrom has one from a branch, which begins at main.
func (s *story) opensFrom(branch string, port int) int {
	s.Helper()
	s.repo.Checkout("main")
	head := s.repo.Commit(branch, "a listener", gittest.Files{"fleet/admin.cue": listenerAt(port)})
	pull := s.forge.OpenPR(forgetest.PullRequest{Head: forgetest.Side{Branch: branch, Commit: head}})
	s.repo.SetRef(s.headRef(pull), head)
	return pull
}

// pushes changes the listener of the pull request.
func (s *story) pushes(pull, port int) (head string) {
	s.Helper()
	head = s.repo.Commit("change", "another port", gittest.Files{"fleet/admin.cue": listenerAt(port)})
	s.repo.SetRef(s.headRef(pull), head)
	s.forge.Push(pull, head)
	return head
}

// merges merges the pull request as the forge's button does.
func (s *story) merges(pull int) (commit string) {
	s.Helper()
	commit = s.repo.Merge("main", "change")
	s.forge.Change(pull, func(pr *forgetest.PullRequest) { pr.State = "merged" })
	return commit
}

func listenerAt(port int) string {
	return fmt.Sprintf("package fleet\n\nservices: fraud: listeners: admin: {\n\tport: %d\n\ttargets: {type: \"ip\", port: %[1]d, addresses: [\"10.20.1.10\"]}\n}\n", port)
}

// comment is the one comment on a pull request.
func (s *story) comment(pull int) string {
	s.Helper()
	all := s.forge.Comments(pull)
	if len(all) != 1 {
		s.Fatalf("there are %d comments on pull request %d, want one: %+v", len(all), pull, all)
	}
	return all[0].Body
}

// listens tells whether a load balancer listens on a port.
func (s *story) listens(port int) bool {
	for _, o := range s.sim.Inventory() {
		if o.Type == "listener" && strings.Contains(o.Text(), fmt.Sprint(port)) {
			return true
		}
	}
	return false
}

// hand closes the endpoint's group by hand.
func (s *story) hand() {
	s.Helper()
	groups, err := s.risk().DescribeSecurityGroups(s.Context(), &ec2.DescribeSecurityGroupsInput{})
	if err != nil {
		s.Fatal(err)
	}
	for _, g := range groups.SecurityGroups {
		if !strings.HasPrefix(aws.ToString(g.Description), "linkfleet ") {
			continue
		}
		_, err := s.risk().RevokeSecurityGroupIngress(s.Context(), &ec2.RevokeSecurityGroupIngressInput{GroupId: g.GroupId, IpPermissions: g.IpPermissions})
		if err != nil {
			s.Fatal(err)
		}
	}
}

// isOpen tells whether the endpoint's group lets its clients in.
func (s *story) isOpen() bool {
	s.Helper()
	groups, err := s.risk().DescribeSecurityGroups(s.Context(), &ec2.DescribeSecurityGroupsInput{})
	if err != nil {
		s.Fatal(err)
	}
	for _, g := range groups.SecurityGroups {
		if strings.HasPrefix(aws.ToString(g.Description), "linkfleet ") {
			return len(g.IpPermissions) > 0
		}
	}
	return false
}

// risk is the consumer's account, as its administrator reaches it.
func (s *story) risk() *ec2.Client { return s.place("222222222222", "").EC2 }

// eventually waits for what processes do by themselves.
func (s *story) eventually(what string, is func() bool) {
	s.Helper()
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if is() {
			return
		}
	}
	s.Fatalf("it did not come to this: %s", what)
}

// From a pull request to AWS, each step a process of its own.
func TestOneShotStory(t *testing.T) {
	for _, kind := range forgetest.Kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := newStory(t, kind)
			if kind == forgetest.GitHub {
				s.bySSH()
			} else {
				s.byHTTP()
			}
			s.oneShots()
		})
	}
}

func (s *story) oneShots() {
	s.reconciles(exitDone)
	pull := s.opens(9443)
	s.previews(pull)
	if !strings.Contains(s.comment(pull), "9443") {
		s.Errorf("the comment is %s", s.comment(pull))
	}
	head := s.pushes(pull, 9444)
	s.previews(pull)
	if body := s.comment(pull); !strings.Contains(body, "9444") || strings.Contains(body, "9443") {
		s.Errorf("after the second push, the comment is %s", body)
	}
	if all := s.forge.Statuses(head); len(all) == 0 || all[len(all)-1].State != "success" {
		s.Errorf("the statuses are %+v", all)
	}
	merged := s.merges(pull)
	s.hand()
	s.reconciles(exitChanges, "--dry-run")
	s.reconciles(exitDone, "--heal-only")
	if !s.isOpen() || s.listens(9444) {
		s.Errorf("after healing: the group is open: %v; it listens on the new port: %v", s.isOpen(), s.listens(9444))
	}
	s.reconciles(exitDone)
	if !s.listens(9444) {
		s.Error("the merge was not rolled out")
	}
	if out := s.runs(exitDone, "status"); !strings.Contains(out, merged[:12]) || strings.Contains(out, "Drifted") {
		s.Errorf("status prints %s", out)
	}
	out := s.runs(exitDone, "history")
	if strings.Count(out, "\n") != 6 {
		s.Errorf("history prints %s", out)
	}
	for _, line := range []string{`preview of #1  `, `  drift +.*  nothing, 1 drifted\n`, `  heal +.*  done, 1 healed, 1 changed\n`} {
		if !regexp.MustCompile(line).MatchString(out) {
			s.Errorf("history prints %s, and nothing like %q", out, line)
		}
	}
}
