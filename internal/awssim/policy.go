package awssim

import (
	"encoding/json"
	"slices"
	"strings"
)

// An accessRequest is what a resource's policy is asked about.
type accessRequest struct {
	Principal string // IAM ARN; "" for a service
	Account   string // of the principal
	Service   string // "vpce.amazonaws.com"; "" for a principal
	Action    string // "sns:Publish"
	Resource  string
	Context   map[string]string // condition keys in lower case
}

// asRequest is the call as the policy of a resource of its service sees it.
func (c *call) asRequest(op string) accessRequest {
	return accessRequest{
		Principal: c.principal, Account: c.account, Action: c.service + ":" + op,
		Context: map[string]string{
			"aws:sourceowner": c.account, "aws:sourceaccount": c.account,
			"aws:principalaccount": c.account, "aws:principalarn": c.principal,
		},
	}
}

// judge tells what a policy says of a request: some statement allows it, some
// denies it, both, or none speaks of it. Text that is no policy says nothing.
func judge(policy string, request accessRequest) (allowed, denied bool) {
	var document policyDocument
	if json.Unmarshal([]byte(policy), &document) != nil {
		return false, false
	}
	for _, s := range document.Statement {
		switch {
		case !s.about(request):
		case s.Effect == "Deny":
			denied = true
		default:
			allowed = true
		}
	}
	return allowed, denied
}

// checkPolicy tells what keeps text from being a policy of a resource of a
// service, whose actions begin with prefix ("sns:").
func checkPolicy(text, prefix string) policyFault {
	var policy policyDocument
	if err := json.Unmarshal([]byte(text), &policy); err != nil || len(policy.Statement) == 0 {
		return policyUnreadable
	}
	for _, s := range policy.Statement {
		if s.Effect != "Allow" && s.Effect != "Deny" {
			return policyUnreadable
		}
		for _, action := range append(slices.Clone(s.Action), s.NotAction...) {
			if action != "*" && !strings.HasPrefix(strings.ToLower(action), prefix) {
				return policyOutOfScope
			}
		}
	}
	return policySound
}

// A policyFault is what is wrong with a policy.
type policyFault int

const (
	policySound      policyFault = iota
	policyUnreadable             // no policy at all
	policyOutOfScope             // about another service's actions
)

// A policyDocument is an IAM policy of a resource.
type policyDocument struct {
	Version   string
	ID        string `json:"Id"`
	Statement statements
}

// A policyStatement allows or denies.
type policyStatement struct {
	Sid, Effect  string
	Principal    principals
	NotPrincipal json.RawMessage
	Action       words
	NotAction    words
	Resource     words
	Condition    map[string]map[string]words
}

// statements is one statement or a list of them.
type statements []policyStatement

// UnmarshalJSON reads both forms.
func (s *statements) UnmarshalJSON(data []byte) error {
	var many []policyStatement
	if json.Unmarshal(data, &many) == nil {
		*s = many
		return nil
	}
	var single policyStatement
	if err := json.Unmarshal(data, &single); err != nil {
		return err
	}
	*s = statements{single}
	return nil
}

// words is a string or a list of strings.
type words []string

// UnmarshalJSON reads both forms.
func (w *words) UnmarshalJSON(data []byte) error {
	var many []string
	if json.Unmarshal(data, &many) == nil {
		*w = many
		return nil
	}
	var single string
	if err := json.Unmarshal(data, &single); err != nil {
		return err
	}
	*w = words{single}
	return nil
}

// principals are who a statement is about: "*" or AWS and Service lists.
type principals struct {
	Anyone       bool
	AWS, Service words
}

// UnmarshalJSON reads both forms.
func (p *principals) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		p.Anyone = text == "*"
		return nil
	}
	type plain principals
	return json.Unmarshal(data, (*plain)(p))
}

func (p principals) include(r accessRequest) bool {
	if p.Anyone {
		return true
	}
	if r.Service != "" {
		return slices.Contains(p.Service, r.Service) || slices.Contains(p.AWS, "*")
	}
	root := "arn:aws:iam::" + r.Account + ":root"
	return slices.ContainsFunc(p.AWS, func(who string) bool {
		return who == "*" || who == r.Principal || who == root || who == r.Account
	})
}

// about tells whether a statement speaks of a request. A statement with a part
// that this reading does not know (NotPrincipal, NotAction, an operator)
// speaks of nothing.
func (s policyStatement) about(r accessRequest) bool {
	if len(s.NotPrincipal) > 0 || len(s.NotAction) > 0 {
		return false
	}
	return s.Principal.include(r) && s.Action.match(strings.ToLower(r.Action), strings.ToLower) &&
		s.Resource.match(r.Resource, nil) && s.conditionsHold(r)
}

// match tells whether any of the words, with * and ?, fits text. fold is
// applied to the words first.
func (w words) match(text string, fold func(string) string) bool {
	return slices.ContainsFunc(w, func(pattern string) bool {
		if fold != nil {
			pattern = fold(pattern)
		}
		return globMatch(pattern, text)
	})
}

func (s policyStatement) conditionsHold(r accessRequest) bool {
	for operator, keys := range s.Condition {
		for key, values := range keys {
			if !holds(operator, values, r.Context[strings.ToLower(key)]) {
				return false
			}
		}
	}
	return true
}

// holds evaluates one condition (IAM guide, "Condition operators").
func holds(operator string, values words, have string) bool {
	switch operator {
	case "StringEquals":
		return slices.Contains(values, have)
	case "StringNotEquals":
		return !slices.Contains(values, have)
	case "StringEqualsIgnoreCase":
		return slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, have) })
	case "StringLike", "ArnLike", "ArnEquals":
		return have != "" && values.match(have, nil)
	case "StringNotLike", "ArnNotLike", "ArnNotEquals":
		return !values.match(have, nil)
	}
	return false
}
