package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/linkfleet/linkfleet/internal/forge/forgetest"
)

// A server is linkfleet serve as a process.
type server struct {
	*story
	url     string
	process *exec.Cmd
	told    *strings.Builder // standard error
}

// webhookSecret is what the forge signs with.
const webhookSecret = "a secret of at least sixteen bytes"

// serves starts a server.
func (s *story) serves(more ...string) *server {
	s.Helper()
	v := &server{story: s}
	v.starts("127.0.0.1:0", more...)
	s.Cleanup(func() { _ = v.process.Process.Kill() })
	return v
}

// starts starts the server's process.
func (v *server) starts(listen string, more ...string) {
	v.Helper()
	v.startsAs(v.usual(listen, more...), "LINKFLEET_WEBHOOK_SECRET="+webhookSecret)
}

// usual is the command line of a server that the forge sends webhooks to.
func (v *server) usual(listen string, more ...string) []string {
	return append(v.inRepo("serve", "--listen", listen, "--timeout", crashPatience, "--log-format", "json",
		"--forge", string(v.forge.Kind), "--forge-url", v.forge.URL, "--forge-repo", v.forge.Repo), more...)
}

// startsAs starts a server by a command line, with variables.
func (v *server) startsAs(args []string, env ...string) {
	v.Helper()
	url, err := v.begins(args, env...)
	if err != nil {
		v.Fatal(err)
	}
	v.url = url
}

// begins starts a process and gives the address that it answers at.
func (v *server) begins(args []string, env ...string) (url string, err error) {
	cmd := v.command(args...)
	cmd.Env = append(cmd.Env, env...)
	v.process, v.told = cmd, &strings.Builder{}
	cmd.Stderr = v.told
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return "", err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !ok {
		_ = cmd.Wait()
		return "", fmt.Errorf("the server said %q (%v): %s", line, err, v.told)
	}
	return url, nil
}

// ends stops the server in order.
func (v *server) ends() {
	v.Helper()
	_ = v.process.Process.Signal(syscall.SIGTERM)
	if err := v.process.Wait(); err != nil {
		v.Errorf("the server ended with %v: %s", err, v.told)
	}
	if strings.Contains(v.told.String(), webhookSecret) || strings.Contains(v.told.String(), v.forge.Token) {
		v.Error("a secret is in the log")
	}
}

// delivers sends a signed webhook.
func (v *server) delivers(d forgetest.Delivery) {
	v.Helper()
	status, err := v.forge.Deliver(v.Context(), v.url+"/hooks", []byte(webhookSecret), d)
	if err != nil || status >= 300 {
		v.Fatalf("the webhook was answered with %d (%v): %s", status, err, v.told)
	}
}

// From a pull request to AWS, by webhooks to a server.
func TestServerStory(t *testing.T) {
	for _, kind := range forgetest.Kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := newStory(t, kind)
			if kind == forgetest.GitHub {
				s.byHTTP()
			} else {
				s.bySSH()
			}
			v := s.serves("--drift", "* * * * *", "--drift-jitter", "0s")
			merged := v.webhooks()
			v.ends()
			v.logged(merged)
		})
	}
}

// logged wants the log to tell of a step of a commit that it was done, of which
// run it was and where.
func (v *server) logged(commit string) {
	v.Helper()
	type record struct {
		Msg, Level, Fleet, Commit, Event, Action, Address, Place string
		Run                                                      int64
	}
	want := record{"step", "INFO", "small", commit, "done", "create", "listener/fraud/admin@platform/us-east-1", "platform/us-east-1", 0}
	for line := range strings.Lines(v.told.String()) {
		var r record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			v.Errorf("the log has %q: %v", line, err)
		}
		run := r.Run
		r.Run = 0
		if r == want && run > 0 {
			return
		}
	}
	v.Errorf("the log does not tell of %+v:\n%s", want, v.told)
}

// webhooks has the story told by webhooks, and gives the commit that came of
// it.
func (v *server) webhooks() (merged string) {
	v.delivers(forgetest.Delivery{Branch: "main", After: v.repo.Git("rev-parse", "main")})
	v.eventually("the fleet stands", v.isOpen)
	pull := v.opens(9443)
	v.delivers(forgetest.Delivery{Number: pull, Action: "opened"})
	v.eventually("the pull request has a comment", func() bool { return v.says(pull, "9443") })
	v.pushes(pull, 9444)
	v.delivers(forgetest.Delivery{Number: pull, Action: "updated"})
	v.eventually("the comment is of the second push", func() bool { return v.says(pull, "9444") })
	rival := v.opensFrom("rival", 9555)
	v.delivers(forgetest.Delivery{Number: rival, Action: "opened"})
	v.eventually("the other pull request has a comment", func() bool { return v.says(rival, "9555") })
	merged = v.merges(pull)
	v.delivers(forgetest.Delivery{Branch: "main", After: merged})
	v.eventually("the merge is rolled out", func() bool { return v.listens(9444) && v.applied(merged) })
	v.eventually("the other pull request is told what the merge means to it", func() bool { return v.says(rival, "conflicts with main") })
	v.comment(rival) // still one
	v.hand()
	v.eventually("drift is healed by the clock", v.isOpen)
	v.comment(pull) // still one
	return merged
}

// says tells whether the comment on a pull request has a text.
func (v *server) says(pull int, text string) bool {
	return slices.ContainsFunc(v.forge.Comments(pull), func(c forgetest.Comment) bool { return strings.Contains(c.Body, text) })
}

// applied tells whether a commit was rolled out to the end.
func (v *server) applied(commit string) bool {
	out, err := v.command("status", "--format", "json").Output()
	var st standing
	return err == nil && json.Unmarshal(out, &st) == nil && st.Applied != nil && st.Applied.Commit == commit
}
