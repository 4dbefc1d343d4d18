package webhook_test

import (
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/linkfleet/linkfleet/internal/forge/forgetest"
	"github.com/linkfleet/linkfleet/internal/forge/webhook"
)

// payloads are of the shape that the forges' documentation shows, with the
// headers that come with them. {signature} is the HMAC in hexadecimal, and
// {secret} the secret.
var payloads = []struct {
	file    string
	kind    forgetest.Kind
	headers string
	want    webhook.Kind
}{
	{"github.push.json", forgetest.GitHub, "X-GitHub-Event: push\nX-GitHub-Delivery: d\nX-Hub-Signature-256: sha256={signature}", webhook.Push},
	{"github.pull_request.json", forgetest.GitHub, "X-GitHub-Event: pull_request\nX-GitHub-Delivery: d\nX-Hub-Signature-256: sha256={signature}", webhook.PullRequest},
	{"gitlab.push.json", forgetest.GitLab, "X-Gitlab-Event: Push Hook\nX-Gitlab-Event-UUID: d\nX-Gitlab-Token: {secret}", webhook.Push},
	{"gitlab.push.json", forgetest.GitLab, "X-Gitlab-Event: System Hook\nX-Gitlab-Event-UUID: e\nIdempotency-Key: d\nX-Gitlab-Token: {secret}", webhook.Push},
	{"gitlab.merge_request.json", forgetest.GitLab, "X-Gitlab-Event: Merge Request Hook\nIdempotency-Key: d\nX-Gitlab-Token: {secret}", webhook.PullRequest},
	{"gitea.push.json", forgetest.Gitea, "X-Gitea-Event: push\nX-Gitea-Delivery: d\nX-Gitea-Signature: {signature}", webhook.Push},
	{"gitea.pull_request.json", forgetest.Gitea, "X-Gitea-Event: pull_request\nX-Gitea-Event-Type: pull_request_sync\nX-Gitea-Delivery: d\nX-Gitea-Signature: {signature}", webhook.PullRequest},
	// Forgejo sends its own headers, and those of Gitea, Gogs and GitHub too.
	{"gitea.pull_request.json", forgetest.Gitea, "X-Forgejo-Event: pull_request\nX-Forgejo-Delivery: d\nX-Forgejo-Signature: {signature}\nX-Gitea-Event: pull_request\nX-Gitea-Signature: {signature}\nX-GitHub-Event: pull_request\nX-Hub-Signature-256: sha256={signature}", webhook.PullRequest},
}

// filled are a payload's headers with its proof in them.
func filled(headers, payload string) string {
	signature := strings.TrimPrefix(gitHubSignature(secret, payload), "sha256=")
	return strings.NewReplacer("{signature}", signature, "{secret}", string(secret)).Replace(headers + "\nContent-Type: application/json")
}

// setHeaders puts header lines into a request.
func setHeaders(req *http.Request, lines string) {
	for line := range strings.Lines(lines) {
		name, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ": ")
		req.Header.Add(name, value)
	}
}

func readPayload(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/payloads/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestPayloads(t *testing.T) {
	for _, p := range payloads {
		text := readPayload(t, p.file)
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hook", strings.NewReader(text))
		setHeaders(req, filled(p.headers, text))
		got, err := receiver(t, p.kind, secret).Read(req)
		if err != nil {
			t.Errorf("%s: %v", p.file, err)
			continue
		}
		want := webhook.Event{Delivery: "d", Digest: got.Digest, Kind: p.want, Repo: "acme/fleet", Branch: "main", Commit: "9d8c7b6a5f4e3d2c1b0a99887766554433221100"}
		if p.kind == forgetest.GitLab {
			want.Repo = "acme/platform/fleet"
		}
		if p.want == webhook.PullRequest {
			want.Number, want.Action = 7, webhook.Updated
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", p.file, diff)
		}
		if _, err := hex.DecodeString(got.Digest); err != nil || len(got.Digest) != 64 {
			t.Errorf("%s: digest %q", p.file, got.Digest)
		}
	}
}
