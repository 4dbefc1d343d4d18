package webhook

import "net/http"

// gitLabPayload is what we read of GitLab's:
// https://docs.gitlab.com/user/project/integrations/webhook_events/
type gitLabPayload struct {
	ObjectKind string `json:"object_kind"`
	Project    struct {
		Path string `json:"path_with_namespace"`
	} `json:"project"`
	Ref   string `json:"ref"`
	After string `json:"after"`

	Attributes struct {
		IID          int    `json:"iid"`
		Action       string `json:"action"`
		TargetBranch string `json:"target_branch"`
		// OldRev is there only when commits came.
		OldRev     string `json:"oldrev"`
		LastCommit struct {
			ID string `json:"id"`
		} `json:"last_commit"`
	} `json:"object_attributes"`
	Changes struct {
		TargetBranch *struct{} `json:"target_branch"`
		Draft        *struct{} `json:"draft"`
	} `json:"changes"`
}

func readGitLab(h http.Header, payload []byte) (Event, error) {
	var p gitLabPayload
	if err := decode(payload, &p); err != nil {
		return Event{}, err
	}
	e := Event{Kind: Ignored}
	// A system hook's event header is its own; what it is of stands here.
	switch p.ObjectKind {
	case "":
		return Event{}, missing("object_kind")
	case "push":
		e = pushed(p.Project.Path, p.Ref, p.After)
	case "merge_request":
		if action := p.action(); action != "" {
			e = Event{
				Kind: PullRequest, Action: action, Number: p.Attributes.IID,
				Repo: p.Project.Path, Branch: p.Attributes.TargetBranch, Commit: p.Attributes.LastCommit.ID,
			}
		}
	}
	// webhook-id is signed; Idempotency-Key is the same, and stays so when
	// GitLab tries again, which X-Gitlab-Event-UUID need not.
	e.Delivery = first(h, "Webhook-Id", "Idempotency-Key", "X-Gitlab-Event-UUID")
	return e.complete()
}

// action is empty for what does not change a plan.
func (p *gitLabPayload) action() Action {
	switch p.Attributes.Action {
	case "open":
		return Opened
	case "reopen":
		return Reopened
	case "merge":
		return Merged
	case "close":
		return Closed
	case "update":
		if p.Attributes.OldRev != "" || p.Changes.TargetBranch != nil || p.Changes.Draft != nil {
			return Updated
		}
	}
	return ""
}
