package webhook

// hubPayload is what we read of GitHub's payloads, and of Gitea's and
// Forgejo's, which are made after them:
// https://docs.github.com/webhooks/webhook-events-and-payloads
type hubPayload struct {
	Ref        string `json:"ref"`
	After      string `json:"after"`
	Repository struct {
		FullName string `json:"full_name"`
	} `json:"repository"`

	Action      string `json:"action"`
	Number      int    `json:"number"`
	PullRequest struct {
		Merged bool `json:"merged"`
		Base   struct {
			Ref string `json:"ref"`
		} `json:"base"`
		Head struct {
			SHA string `json:"sha"`
		} `json:"head"`
	} `json:"pull_request"`
	// Changes of an edit. GitHub has base, Gitea ref, where it was retargeted.
	Changes struct {
		Base *struct{} `json:"base"`
		Ref  *struct{} `json:"ref"`
	} `json:"changes"`
}

func readHubLike(payload []byte, name, delivery string) (Event, error) {
	e := Event{Kind: Ignored}
	switch name {
	case "":
		return Event{}, missing("event's name")
	case "ping":
		e.Kind = Ping
	case "push", "pull_request":
		var p hubPayload
		if err := decode(payload, &p); err != nil {
			return Event{}, err
		}
		if e = pushed(p.Repository.FullName, p.Ref, p.After); name == "pull_request" {
			e = p.pullRequest()
		}
	}
	e.Delivery = delivery
	return e.complete()
}

func (p *hubPayload) pullRequest() Event {
	action := p.action()
	if action == "" {
		return Event{Kind: Ignored}
	}
	return Event{
		Kind: PullRequest, Action: action, Number: p.Number,
		Repo: p.Repository.FullName, Branch: p.PullRequest.Base.Ref, Commit: p.PullRequest.Head.SHA,
	}
}

// action is empty for what does not change a plan.
func (p *hubPayload) action() Action {
	switch p.Action {
	case "opened":
		return Opened
	case "reopened":
		return Reopened
	case "synchronize", "synchronized", "ready_for_review": // Gitea says synchronized
		return Updated
	case "edited":
		if p.Changes.Base != nil || p.Changes.Ref != nil {
			return Updated
		}
	case "closed":
		if p.PullRequest.Merged {
			return Merged
		}
		return Closed
	}
	return ""
}
