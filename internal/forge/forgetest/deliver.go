package forgetest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A Delivery is what a webhook tells of.
type Delivery struct {
	// Number and Action are of a pull request; Action is opened, updated,
	// reopened, closed or merged.
	Number int
	Action string
	// Branch and After are of a push: to where, and what is there now; an empty
	// After deletes the branch. Without Number or Branch it is a ping (GitHub's)
	// or an event of another kind.
	Branch, After string
	// ID is the forge's for the delivery; made up if it is empty.
	ID string
	// Signed has GitLab sign with the secret, rather than send it along.
	Signed bool
}

// Deliver sends a webhook and gives the status that it was answered with.
func (s *Server) Deliver(ctx context.Context, to string, secret []byte, d Delivery) (int, error) {
	req, err := s.Webhook(ctx, to, secret, d)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// Webhook makes the request that tells of d, signed with the secret.
func (s *Server) Webhook(ctx context.Context, to string, secret []byte, d Delivery) (*http.Request, error) {
	s.mu.Lock()
	if d.ID == "" {
		d.ID = fmt.Sprintf("0f9d2c3e-0000-4000-8000-%012d", s.id())
	}
	name, said := s.payload(d)
	s.mu.Unlock()
	body, err := json.Marshal(said)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	s.sign(req.Header, secret, body, name, d)
	return req, nil
}

func (s *Server) sign(h http.Header, secret, body []byte, name string, d Delivery) {
	switch s.Kind {
	case GitHub:
		h.Set("X-GitHub-Event", name)
		h.Set("X-GitHub-Delivery", d.ID)
		h.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(hmacOf(secret, body)))
	case Gitea:
		h.Set("X-Gitea-Event", name)
		h.Set("X-Gitea-Delivery", d.ID)
		h.Set("X-Gitea-Signature", hex.EncodeToString(hmacOf(secret, body)))
	case GitLab:
		h.Set("X-Gitlab-Event", name)
		h.Set("X-Gitlab-Event-UUID", d.ID)
		h.Set("Idempotency-Key", d.ID)
		if !d.Signed {
			h.Set("X-Gitlab-Token", string(secret))
			return
		}
		stamp := strconv.FormatInt(time.Now().Unix(), 10)
		key := secret
		if text, ok := strings.CutPrefix(string(secret), "whsec_"); ok {
			key, _ = base64.StdEncoding.DecodeString(text)
		}
		signature := hmacOf(key, append([]byte(d.ID+"."+stamp+"."), body...))
		h.Set("Webhook-Id", d.ID)
		h.Set("Webhook-Timestamp", stamp)
		h.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(signature))
	}
}

func hmacOf(key, message []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(message)
	return mac.Sum(nil)
}

// payload is the event's name in its header, and what it says.
func (s *Server) payload(d Delivery) (string, facts) {
	pr := s.pulls[d.Number]
	switch {
	case s.Kind == GitLab:
		return s.gitLabPayload(d, pr)
	case pr != nil:
		said := s.hubPull(d, pr)
		said["repository"] = facts{"id": 1, "full_name": s.Repo}
		return "pull_request", said
	case d.Branch != "":
		return "push", facts{
			"ref": "refs/heads/" + d.Branch, "before": strings.Repeat("a", 40), "after": afterOf(d), "deleted": d.After == "",
			"repository": facts{"id": 1, "full_name": s.Repo}, "pusher": facts{"name": "alice"},
		}
	}
	return "ping", facts{"zen": "x", "hook_id": 1}
}

// afterOf is what a push says the branch is at: zeros where it is gone.
func afterOf(d Delivery) string {
	if d.After == "" {
		return strings.Repeat("0", 40)
	}
	return d.After
}

func (s *Server) hubPull(d Delivery, pr *PullRequest) facts {
	action := map[string]string{"opened": "opened", "updated": "synchronize", "reopened": "reopened", "closed": "closed", "merged": "closed"}[d.Action]
	if s.Kind == Gitea && d.Action == "updated" {
		action = "synchronized"
	}
	said := s.gitHubPull(pr)
	if s.Kind == Gitea {
		said = s.giteaPull(pr)
	}
	said["merged"] = d.Action == "merged"
	return facts{"action": action, "number": pr.Number, "pull_request": said}
}

func (s *Server) gitLabPayload(d Delivery, pr *PullRequest) (string, facts) {
	project := facts{"id": gitLabProject, "path_with_namespace": s.Repo, "web_url": s.URL + "/" + s.Repo}
	switch {
	case pr != nil:
		attributes := facts{
			"iid": pr.Number, "title": pr.Title, "target_branch": pr.Base.Branch, "source_branch": pr.Head.Branch,
			"last_commit": facts{"id": pr.Head.Commit},
			"action":      map[string]string{"opened": "open", "updated": "update", "reopened": "reopen", "closed": "close", "merged": "merge"}[d.Action],
		}
		if d.Action == "updated" {
			attributes["oldrev"] = strings.Repeat("a", 40)
		}
		return "Merge Request Hook", facts{"object_kind": "merge_request", "project": project, "object_attributes": attributes, "changes": facts{}}
	case d.Branch != "":
		return "Push Hook", facts{
			"object_kind": "push", "ref": "refs/heads/" + d.Branch, "before": strings.Repeat("a", 40), "after": afterOf(d), "project": project,
		}
	}
	return "Tag Push Hook", facts{"object_kind": "tag_push", "ref": "refs/tags/v1", "project": project}
}
