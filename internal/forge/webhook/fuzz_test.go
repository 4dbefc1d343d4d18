package webhook_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/linkfleet/linkfleet/internal/forge/forgetest"
	"github.com/linkfleet/linkfleet/internal/forge/webhook"
)

func gitHubSignature(secret []byte, body string) string {
	mac := hmac.New(sha256.New, secret)
	io.WriteString(mac, body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// FuzzWebhook sends what anyone may send. Nothing panics, and what is taken
// bears one of the three proofs, checked here in another way; what is taken
// and not ignored is complete.
func FuzzWebhook(f *testing.F) {
	for _, p := range payloads {
		text := readPayload(f, p.file)
		headers := filled(p.headers, text)
		f.Add(string(p.kind), headers, []byte(text))
		f.Add(string(p.kind), strings.ReplaceAll(headers, string(secret), "wrong"), []byte(text))
	}
	// The forms that GitLab's signing tokens and GitHub's older encoding have.
	s := forgetest.New(f, forgetest.GitLab)
	req := delivery(f, s, secret, forgetest.Delivery{Branch: "main", After: strings.Repeat("c", 40), Signed: true})
	payload, err := io.ReadAll(req.Body)
	if err != nil {
		f.Fatal(err)
	}
	var headers bytes.Buffer
	if err := req.Header.Write(&headers); err != nil {
		f.Fatal(err)
	}
	f.Add("gitlab", headers.String(), payload)
	form := "payload=%7B%22ref%22%3A%22refs%2Fheads%2Fmain%22%7D"
	f.Add("github", "Content-Type: application/x-www-form-urlencoded\nX-GitHub-Event: push\nX-Hub-Signature-256: "+gitHubSignature(secret, form), []byte(form))
	f.Fuzz(func(t *testing.T, kind, headers string, payload []byte) {
		switch forgetest.Kind(kind) {
		case forgetest.GitHub, forgetest.GitLab, forgetest.Gitea:
		default:
			return
		}
		req := httptest.NewRequest(http.MethodPost, "/hook", bytes.NewReader(payload))
		setHeaders(req, headers)
		e, err := receiver(t, forgetest.Kind(kind), secret).Read(req)
		if err != nil {
			if strings.Contains(err.Error(), string(secret)) {
				t.Errorf("the error shows the secret: %v", err)
			}
			return
		}
		if !proven(req.Header, string(payload)) {
			t.Fatalf("taken without proof: %+v", e)
		}
		if e.Kind == webhook.Push && (e.Repo == "" || e.Branch == "" || (e.Commit == "") != e.Deleted) ||
			e.Kind == webhook.PullRequest && (e.Repo == "" || e.Number < 1 || e.Action == "" || e.Commit == "") {
			t.Errorf("taken, and incomplete: %+v", e)
		}
	})
}

// proven looks for any proof at all, of whichever forge.
func proven(h http.Header, payload string) bool {
	want := gitHubSignature(secret, payload)
	for _, given := range []string{h.Get("X-Hub-Signature-256"), "sha256=" + h.Get("X-Gitea-Signature"), "sha256=" + h.Get("X-Forgejo-Signature")} {
		if strings.EqualFold(given, want) {
			return true
		}
	}
	if subtle.ConstantTimeCompare([]byte(h.Get("X-Gitlab-Token")), secret) == 1 {
		return true
	}
	mac := hmac.New(sha256.New, secret)
	io.WriteString(mac, h.Get("Webhook-Id")+"."+h.Get("Webhook-Timestamp")+"."+payload)
	standard := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return slices.Contains(strings.Fields(h.Get("Webhook-Signature")), standard)
}
