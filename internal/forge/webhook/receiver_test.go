package webhook_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/linkfleet/linkfleet/internal/forge"
	"github.com/linkfleet/linkfleet/internal/forge/forgetest"
	"github.com/linkfleet/linkfleet/internal/forge/webhook"
)

var (
	secret = []byte("a-secret-of-the-test-0123456789")
	other  = []byte("another-secret-0123456789abcdef")
)

func receiver(t testing.TB, kind forgetest.Kind, secrets ...[]byte) *webhook.Receiver {
	t.Helper()
	r, err := webhook.NewReceiver(forge.Kind(kind), secrets, 0)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// delivery is what a fake forge sends.
func delivery(t testing.TB, s *forgetest.Server, key []byte, d forgetest.Delivery) *http.Request {
	t.Helper()
	req, err := s.Webhook(t.Context(), "http://linkfleet.invalid/hook", key, d)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestEvents(t *testing.T) {
	head := strings.Repeat("c", 40)
	tests := map[string]struct {
		sent forgetest.Delivery
		want webhook.Event
	}{
		"push":      {forgetest.Delivery{Branch: "main", After: head}, webhook.Event{Kind: webhook.Push, Branch: "main", Commit: head}},
		"push deep": {forgetest.Delivery{Branch: "a/b", After: head}, webhook.Event{Kind: webhook.Push, Branch: "a/b", Commit: head}},
		"deletion":  {forgetest.Delivery{Branch: "old"}, webhook.Event{Kind: webhook.Push, Branch: "old", Deleted: true}},
		"opened":    {forgetest.Delivery{Number: 1, Action: "opened"}, webhook.Event{Kind: webhook.PullRequest, Action: webhook.Opened}},
		"updated":   {forgetest.Delivery{Number: 1, Action: "updated"}, webhook.Event{Kind: webhook.PullRequest, Action: webhook.Updated}},
		"reopened":  {forgetest.Delivery{Number: 1, Action: "reopened"}, webhook.Event{Kind: webhook.PullRequest, Action: webhook.Reopened}},
		"closed":    {forgetest.Delivery{Number: 1, Action: "closed"}, webhook.Event{Kind: webhook.PullRequest, Action: webhook.Closed}},
		"merged":    {forgetest.Delivery{Number: 1, Action: "merged"}, webhook.Event{Kind: webhook.PullRequest, Action: webhook.Merged}},
		"labelled":  {forgetest.Delivery{Number: 1, Action: "labelled"}, webhook.Event{Kind: webhook.Ignored}},
	}
	for _, kind := range forgetest.Kinds {
		s := forgetest.New(t, kind)
		s.OpenPR(forgetest.PullRequest{Head: forgetest.Side{Commit: head}})
		for name, test := range tests {
			test.sent.ID, test.want.Delivery = "delivery-1", "delivery-1"
			if test.want.Kind != webhook.Ignored {
				test.want.Repo = s.Repo
			}
			if test.want.Kind == webhook.PullRequest {
				test.want.Number, test.want.Branch, test.want.Commit = 1, "main", head
			}
			got, err := receiver(t, kind, secret).Read(delivery(t, s, secret, test.sent))
			if err != nil || len(got.Digest) != 64 {
				t.Errorf("%s %s: digest %q, %v", kind, name, got.Digest, err)
			}
			got.Digest = ""
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s %s: %s", kind, name, diff)
			}
		}
	}
}

func TestPingAndStrangeEvents(t *testing.T) {
	want := map[forgetest.Kind]webhook.Kind{forgetest.GitHub: webhook.Ping, forgetest.Gitea: webhook.Ping, forgetest.GitLab: webhook.Ignored}
	for kind, want := range want {
		s := forgetest.New(t, kind)
		e, err := receiver(t, kind, secret).Read(delivery(t, s, secret, forgetest.Delivery{}))
		if err != nil || e.Kind != want {
			t.Errorf("%s: %q, %v", kind, e.Kind, err)
		}
	}
	// An event that came after us, and one whose payload is of no use.
	req := delivery(t, forgetest.New(t, forgetest.GitHub), secret, forgetest.Delivery{})
	req.Header.Set("X-GitHub-Event", "dependabot_alert")
	if e, err := receiver(t, forgetest.GitHub, secret).Read(req); err != nil || e.Kind != webhook.Ignored {
		t.Errorf("%q, %v", e.Kind, err)
	}
}

// wantRefused sees that a request is refused with that status, and that the
// error shows no secret.
func wantRefused(t *testing.T, what string, r *webhook.Receiver, req *http.Request, status int) {
	t.Helper()
	e, err := r.Read(req)
	refused, ok := errors.AsType[*webhook.Error](err)
	if !ok || refused.Status != status {
		t.Errorf("%s: %+v, %v, want %d", what, e, err, status)
		return
	}
	for _, hidden := range [][]byte{secret, other} {
		if strings.Contains(err.Error(), string(hidden)) {
			t.Errorf("%s: the error shows a secret: %v", what, err)
		}
	}
}

// proofs are the headers that prove to know the secret.
var proofs = map[forgetest.Kind]string{
	forgetest.GitHub: "X-Hub-Signature-256", forgetest.GitLab: "X-Gitlab-Token", forgetest.Gitea: "X-Gitea-Signature",
}

func TestForgedDeliveriesAreRefused(t *testing.T) {
	push := forgetest.Delivery{Branch: "main", After: strings.Repeat("c", 40)}
	for _, kind := range forgetest.Kinds {
		s, r := forgetest.New(t, kind), receiver(t, kind, secret)
		sent := func(change func(*http.Request)) *http.Request {
			req := delivery(t, s, secret, push)
			change(req)
			return req
		}
		set := func(value string) *http.Request {
			return sent(func(req *http.Request) { req.Header.Set(proofs[kind], value) })
		}
		good := sent(func(*http.Request) {}).Header.Get(proofs[kind])
		wantRefused(t, "unsigned", r, sent(func(req *http.Request) { req.Header.Del(proofs[kind]) }), 401)
		wantRefused(t, "empty", r, set(""), 401)
		wantRefused(t, "another secret", r, delivery(t, s, other, push), 403)
		wantRefused(t, "cut", r, set(good[:len(good)-1]), 403)
		wantRefused(t, "longer", r, set(good+"00"), 403)
		wantRefused(t, "no hexadecimal", r, set(strings.Repeat("z", len(good))), 403)
		if kind == forgetest.GitLab {
			continue // it sends the secret itself: another body is not seen
		}
		wantRefused(t, "another body", r, sent(func(req *http.Request) { req.Body = body(`{"ref":"refs/heads/main"}`) }), 403)
	}
	// SHA-1 alone proves nothing.
	req := delivery(t, forgetest.New(t, forgetest.GitHub), secret, push)
	req.Header.Set("X-Hub-Signature", "sha1=0123456789012345678901234567890123456789")
	req.Header.Del("X-Hub-Signature-256")
	wantRefused(t, "SHA-1", receiver(t, forgetest.GitHub, secret), req, 401)
}

func body(text string) *readCloser { return &readCloser{*strings.NewReader(text)} }

type readCloser struct{ strings.Reader }

func (*readCloser) Close() error { return nil }

func TestSecretsCanBeRotated(t *testing.T) {
	for _, kind := range forgetest.Kinds {
		s, r := forgetest.New(t, kind), receiver(t, kind, other, secret)
		for _, key := range [][]byte{secret, other} {
			if _, err := r.Read(delivery(t, s, key, forgetest.Delivery{})); err != nil {
				t.Errorf("%s: %v", kind, err)
			}
		}
		wantRefused(t, "a third", r, delivery(t, s, []byte("a-third-secret-0123456789"), forgetest.Delivery{}), 403)
	}
}

// GitLab's signing tokens; see https://docs.gitlab.com/user/project/integrations/webhooks/
func TestSignedByGitLab(t *testing.T) {
	token := []byte("whsec_dGVzdHRlc3R0ZXN0dGVzdHRlc3R0ZXN0dGVzdHRlc3Q=")
	s := forgetest.New(t, forgetest.GitLab)
	signed := forgetest.Delivery{Branch: "main", After: strings.Repeat("c", 40), ID: "delivery-1", Signed: true}
	synctest.Test(t, func(t *testing.T) {
		r := receiver(t, forgetest.GitLab, secret, token)
		for _, key := range [][]byte{secret, token} {
			if e, err := r.Read(delivery(t, s, key, signed)); err != nil || e.Delivery != "delivery-1" {
				t.Errorf("%+v, %v", e, err)
			}
		}
		req := delivery(t, s, token, signed)
		req.Header.Set("Webhook-Signature", "v1,AAAA v2,x "+req.Header.Get("Webhook-Signature"))
		if _, err := r.Read(req); err != nil {
			t.Errorf("with other signatures beside it: %v", err)
		}
		req = delivery(t, s, token, signed)
		req.Header.Set("Webhook-Id", "delivery-2")
		wantRefused(t, "another id", r, req, 403)
		req = delivery(t, s, token, signed)
		req.Header.Set("Webhook-Signature", "v1,AAAA")
		req.Header.Set("X-Gitlab-Token", "wrong")
		wantRefused(t, "another signature", r, req, 403)

		late, early := delivery(t, s, token, signed), delivery(t, s, token, signed)
		time.Sleep(webhook.MaxAge)
		if _, err := r.Read(early); err != nil {
			t.Errorf("at its greatest age: %v", err)
		}
		time.Sleep(time.Second)
		wantRefused(t, "stale", r, late, 403)
	})
}

func TestRequestsThatAreNoDeliveries(t *testing.T) {
	s := forgetest.New(t, forgetest.GitHub)
	small, err := webhook.NewReceiver(forge.GitHub, [][]byte{secret}, 100)
	if err != nil {
		t.Fatal(err)
	}
	push := forgetest.Delivery{Branch: "main", After: strings.Repeat("c", 40)}
	wantRefused(t, "large", small, delivery(t, s, secret, push), 413)

	r := receiver(t, forgetest.GitHub, secret)
	get := delivery(t, s, secret, push)
	get.Method = http.MethodGet
	wantRefused(t, "GET", r, get, 405)
	for _, kind := range []string{"", "text/plain", "application/jsonp", ";;"} {
		req := delivery(t, s, secret, push)
		req.Header.Set("Content-Type", kind)
		wantRefused(t, "content type "+kind, r, req, 415)
	}
	req := delivery(t, s, secret, push)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	if _, err := r.Read(req); err != nil {
		t.Error(err)
	}
}

// signedBody is a delivery with that body, signed as GitHub does.
func signedBody(t *testing.T, contentType, event, text string) *http.Request {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hook", bytes.NewReader([]byte(text)))
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("X-GitHub-Event", event)
	req.Header.Set("X-Hub-Signature-256", gitHubSignature(secret, text))
	return req
}

func TestMalformedPayloads(t *testing.T) {
	r := receiver(t, forgetest.GitHub, secret)
	const repo = `"repository":{"full_name":"a/b"}`
	zeros, commit := strings.Repeat("0", 40), strings.Repeat("c", 40)
	for name, p := range map[string][2]string{
		"no JSON":       {"push", `{"ref":`},
		"another type":  {"push", `{"ref":7}`},
		"nothing":       {"push", ``},
		"no repository": {"push", `{"ref":"refs/heads/main","after":"` + commit + `"}`},
		"no branch":     {"push", `{"ref":"refs/heads/","after":"` + commit + `",` + repo + `}`},
		"no commit":     {"push", `{"ref":"refs/heads/main","after":"HEAD",` + repo + `}`},
		"an option":     {"push", `{"ref":"refs/heads/main","after":"--upload-pack=x",` + repo + `}`},
		"no number":     {"pull_request", `{"action":"opened","pull_request":{"base":{"ref":"main"},"head":{"sha":"` + commit + `"}},` + repo + `}`},
		"no head":       {"pull_request", `{"action":"opened","number":1,"pull_request":{"base":{"ref":"main"},"head":{"sha":""}},` + repo + `}`},
		"no event":      {"", `{}`},
	} {
		wantRefused(t, name, r, signedBody(t, "application/json", p[0], p[1]), 400)
	}
	for name, p := range map[string][2]string{
		"tag":                  {"push", `{"ref":"refs/tags/v1","after":"` + commit + `",` + repo + `}`},
		"edited title":         {"pull_request", `{"action":"edited","number":1,"changes":{"title":{"from":"x"}}}`},
		"deleted tag":          {"push", `{"ref":"refs/tags/v1","after":"` + zeros + `"}`},
		"event without a name": {"watch", `{}`},
	} {
		if e, err := r.Read(signedBody(t, "application/json", p[0], p[1])); err != nil || e.Kind != webhook.Ignored {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
	retargeted := `{"action":"edited","number":1,"changes":{"base":{"ref":{"from":"x"}}},"pull_request":{"base":{"ref":"main"},"head":{"sha":"` + commit + `"}},` + repo + `}`
	if e, err := r.Read(signedBody(t, "application/json", "pull_request", retargeted)); err != nil || e.Action != webhook.Updated {
		t.Errorf("retargeted: %+v, %v", e, err)
	}
}

func TestFormEncoding(t *testing.T) {
	r := receiver(t, forgetest.GitHub, secret)
	const form = "application/x-www-form-urlencoded"
	payload := `{"ref":"refs/heads/main","after":"` + strings.Repeat("c", 40) + `","repository":{"full_name":"a/b"}}`
	e, err := r.Read(signedBody(t, form, "push", "payload="+url.QueryEscape(payload)))
	if err != nil || e.Kind != webhook.Push || e.Repo != "a/b" {
		t.Errorf("%+v, %v", e, err)
	}
	wantRefused(t, "no payload", r, signedBody(t, form, "push", "other=x"), 400)
	wantRefused(t, "no form", r, signedBody(t, form, "push", "payload=%zz"), 400)
}

func TestReplayHasTheSameDigest(t *testing.T) {
	s, r := forgetest.New(t, forgetest.GitHub), receiver(t, forgetest.GitHub, secret)
	push := forgetest.Delivery{Branch: "main", After: strings.Repeat("c", 40), ID: "one"}
	first, err := r.Read(delivery(t, s, secret, push))
	if err != nil {
		t.Fatal(err)
	}
	push.ID = "two" // which is not signed
	second, err := r.Read(delivery(t, s, secret, push))
	if err != nil || first.Digest != second.Digest || first.Delivery == second.Delivery {
		t.Errorf("%+v, then %+v, %v", first, second, err)
	}
}

func TestReceiversThatAreNotMade(t *testing.T) {
	short := []byte("hunter2-hunter2") // 15 bytes
	for name, test := range map[string]struct {
		kind    forge.Kind
		secrets [][]byte
		want    string
	}{
		"no secret":    {forge.GitHub, nil, "no webhook secret"},
		"empty secret": {forge.GitHub, [][]byte{secret, {}}, "secret 2 of 2 has 0 bytes"},
		"short secret": {forge.GitHub, [][]byte{short}, "openssl rand -hex 32"},
		"kind":         {"svn", [][]byte{secret}, "github, gitlab or gitea"},
	} {
		_, err := webhook.NewReceiver(test.kind, test.secrets, 0)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}
