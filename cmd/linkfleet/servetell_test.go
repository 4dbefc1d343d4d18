package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/linkfleet/linkfleet/internal/forge/forgetest"
	"github.com/linkfleet/linkfleet/internal/gitsource/gittest"
)

// A room is where a Slack-compatible webhook leads to.
type room struct {
	mu   sync.Mutex
	said []string
}

func (r *room) ServeHTTP(_ http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil || !json.Valid(body) {
		body = []byte("no message")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, string(body))
}

func (r *room) has(n int, last string) func() bool {
	return func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.said) == n && strings.Contains(r.said[n-1], last)
	}
}

// gets is a page of the server.
func (v *server) gets(path string) (status int, body string) {
	v.Helper()
	answer, err := http.Get(v.url + path)
	if err != nil {
		v.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		v.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// People are told once that commits are not rolled out, and once that they are
// again; whoever looks sees it on the page.
func TestServerTells(t *testing.T) {
	t.Parallel()
	s := newStory(t, forgetest.Gitea).byHTTP()
	slack := &room{}
	hook := httptest.NewServer(slack)
	t.Cleanup(hook.Close)
	s.env = append(s.env, "LINKFLEET_SLACK_URL="+hook.URL+"/services/a-secret-of-slack")
	v := s.serves("--drift", "")
	v.eventually("the fleet stands", func() bool { return v.applied(v.repo.Git("rev-parse", "main")) })
	for _, text := range []string{"services: fraud: nonsense: 1", "services: fraud: nonsense: 2"} {
		bad := v.repo.Commit("main", "break it", gittest.Files{"fleet/bad.cue": "package fleet\n\n" + text + "\n"})
		v.delivers(forgetest.Delivery{Branch: "main", After: bad})
		v.eventually("the run failed", func() bool { _, body := v.gets("/"); return strings.Contains(body, bad[:12]) })
		v.eventually("there is one message", slack.has(1, "was not rolled out"))
	}
	mended := v.repo.Remove("main", "mend it", "fleet/bad.cue")
	v.delivers(forgetest.Delivery{Branch: "main", After: mended})
	v.eventually("recovery is told", slack.has(2, "again"))
	for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": "ok\n", "/": "fraud", "/runs/1": "endpoint-service",
		"/metrics": `linkfleet_runs_total{kind="apply",outcome="failed"} 2`,
	} {
		if status, body := v.gets(path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s answers %d: %s", path, status, body)
		}
	}
	v.ends()
	if strings.Contains(v.told.String(), "a-secret-of-slack") {
		t.Error("the webhook's address is in the log")
	}
}

// A server that nothing would tell of a push does not begin.
func TestServerWithoutWays(t *testing.T) {
	t.Parallel()
	s := newStory(t, forgetest.GitHub).byHTTP()
	on := []string{"--listen", "127.0.0.1:0", "--forge", "github", "--forge-url", s.forge.URL, "--forge-repo", s.forge.Repo}
	for name, tc := range map[string]struct {
		env  string
		more []string
		want string
	}{
		"neither webhook nor poll": {want: "give it a webhook's secret, or a time to poll in"},
		"a secret to be guessed":   {env: "LINKFLEET_WEBHOOK_SECRET=short", want: "could be guessed"},
		"a window of nonsense":     {more: []string{"--poll", "1m", "--window", "sometimes"}, want: "--window"},
		"drift at no time":         {more: []string{"--poll", "1m", "--drift", "61 * * * *"}, want: "--drift"},
		"reminders of the future":  {more: []string{"--poll", "1m", "--remind-after", "-1h"}, want: "--remind-after -1h0m0s is below 0"},
		"a queue of nowhere":       {more: []string{"--poll", "1m", "--events-queue", "events"}, want: "--events-queue is no URL"},
		"a topic of nowhere":       {more: []string{"--poll", "1m", "--notify-topic", "events"}, want: "--notify-topic is no ARN"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := s.command(append(s.inRepo("serve"), append(on, tc.more...)...)...)
			cmd.Env = append(cmd.Env, tc.env)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), tc.want) || strings.Count(string(out), "\n") != 1 {
				t.Errorf("it ended with %v: %s", err, out)
			}
		})
	}
}

// A repository without a forge is followed by polling: a push is rolled out,
// and what a window keeps back is not.
func TestServerThatPolls(t *testing.T) {
	t.Parallel()
	s := newStory(t, forgetest.GitHub)
	s.args = []string{"--repo", s.repo.Bare}
	v := &server{story: s}
	v.startsAs(s.inRepo("serve", "--listen", "127.0.0.1:0", "--timeout", crashPatience, "--no-previews", "--poll", "200ms", "--drift", ""))
	t.Cleanup(func() { _ = v.process.Process.Kill() })
	v.eventually("the fleet stands", func() bool { return v.applied(v.repo.Git("rev-parse", "main")) })
	next := v.repo.Commit("main", "a listener", gittest.Files{"fleet/admin.cue": listenerAt(9443)})
	v.eventually("the push is rolled out", func() bool { return v.applied(next) })
	v.ends()
	v.startsAs(s.inRepo("serve", "--listen", "127.0.0.1:0", "--no-previews", "--poll", "200ms", "--drift", "", "--window", "deny mon-sun 00:00-24:00"))
	late := v.repo.Commit("main", "another port", gittest.Files{"fleet/admin.cue": listenerAt(9444)})
	v.eventually("the push waits for the window", func() bool { _, body := v.gets("/"); return strings.Contains(body, late[:10]) })
	v.ends()
	if v.applied(late) || v.listens(9444) {
		t.Error("the fleet was changed outside of its windows")
	}
}
