package kinds

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/linkfleet/linkfleet/planner"
)

// A topicPolicy is about one topic of one account.
type topicPolicy struct{ topic, account string }

// A statement is one of a policy, as JSON has it.
type statement map[string]any

// owner lets the topic's own account use it. It is the statement that SNS
// gives a new topic.
// https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
func (t topicPolicy) owner() statement {
	return statement{
		"Sid":       "__default_statement_ID",
		"Effect":    "Allow",
		"Principal": map[string]any{"AWS": "*"},
		"Action": []any{
			"SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission", "SNS:RemovePermission",
			"SNS:DeleteTopic", "SNS:Subscribe", "SNS:ListSubscriptionsByTopic", "SNS:Publish",
		},
		"Resource":  t.topic,
		"Condition": map[string]any{"StringEquals": map[string]any{"AWS:SourceOwner": t.account}},
	}
}

// publishers lets PrivateLink publish what happens to the given services, and
// nothing in anybody else's name.
// https://docs.aws.amazon.com/vpc/latest/privatelink/manage-notifications-endpoint-service.html
func (t topicPolicy) publishers(arns []string) statement {
	return statement{
		"Sid":       "LinkfleetConnectionNotifications",
		"Effect":    "Allow",
		"Principal": map[string]any{"Service": "vpce.amazonaws.com"},
		"Action":    "SNS:Publish",
		"Resource":  t.topic,
		"Condition": map[string]any{
			"ArnLike":      map[string]any{"aws:SourceArn": texts(arns)},
			"StringEquals": map[string]any{"aws:SourceAccount": t.account},
		},
	}
}

// write is the policy that lets the services publish.
func (t topicPolicy) write(publishers []string) (string, error) {
	statements := []statement{t.owner()}
	if len(publishers) > 0 {
		statements = append(statements, t.publishers(publishers))
	}
	doc, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	return string(doc), err
}

// read takes a policy apart. A statement that is not exactly one of ours is
// an other one: one more condition, or one less, is another statement.
func (t topicPolicy) read(doc string) topicSpec {
	var spec topicSpec
	for _, st := range statementsOf(doc) {
		arns := sourceARNs(st)
		switch canonical(st) {
		case canonical(t.owner()):
			spec.OwnerAccess = true
		case canonical(t.publishers(arns)):
			spec.Publishers = append(spec.Publishers, values(arns)...)
		default:
			spec.OtherStatements = append(spec.OtherStatements, canonical(st))
		}
	}
	slices.Sort(spec.OtherStatements)
	slices.SortFunc(spec.Publishers, func(a, b planner.Value) int { return cmp.Compare(a.Known, b.Known) })
	return spec
}

// statementsOf reads a policy; AWS takes one statement for a list of one. A
// document that is no policy is as one strange statement.
func statementsOf(doc string) []statement {
	if doc == "" {
		return nil
	}
	var many struct{ Statement []statement }
	if json.Unmarshal([]byte(doc), &many) == nil {
		return many.Statement
	}
	var one struct{ Statement statement }
	if json.Unmarshal([]byte(doc), &one) == nil {
		return []statement{one.Statement}
	}
	return []statement{{"Policy": doc}}
}

// sourceARNs are those of a statement that is perhaps publishers.
func sourceARNs(st statement) []string {
	condition, _ := st["Condition"].(map[string]any)
	like, _ := condition["ArnLike"].(map[string]any)
	var arns []string
	for _, v := range listed(like["aws:SourceArn"]) {
		if s, ok := v.(string); ok {
			arns = append(arns, s)
		}
	}
	return arns
}

// canonical is a statement in one form: keys sorted, single strings as lists,
// lists sorted, and condition keys and actions in lower case, in which IAM
// does not tell cases apart. Statement ids mean nothing.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html
func canonical(st statement) string {
	c := map[string]any{}
	for key, v := range st {
		switch key {
		case "Sid":
		case "Action", "NotAction":
			c[key] = lowerCase(sortedList(v))
		case "Condition":
			c[key] = canonicalCondition(v)
		case "Principal", "NotPrincipal":
			c[key] = canonicalMap(v, func(k string) string { return k })
		case "Effect":
			c[key] = v
		default:
			c[key] = sortedList(v)
		}
	}
	text, err := json.Marshal(c)
	if err != nil { // cannot be: it came from JSON
		return fmt.Sprint(c)
	}
	return string(text)
}

func canonicalCondition(v any) any {
	operators, ok := v.(map[string]any)
	if !ok {
		return v
	}
	c := map[string]any{}
	for operator, keys := range operators {
		c[operator] = canonicalMap(keys, strings.ToLower)
	}
	return c
}

// canonicalMap makes sorted lists of a map's values.
func canonicalMap(v any, key func(string) string) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	c := map[string]any{}
	for k, val := range m {
		c[key(k)] = sortedList(val)
	}
	return c
}

func listed(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}

func sortedList(v any) []any {
	return slices.SortedFunc(slices.Values(listed(v)), func(a, b any) int {
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
	})
}

func lowerCase(vs []any) []any {
	for i, v := range vs {
		if s, ok := v.(string); ok {
			vs[i] = strings.ToLower(s)
		}
	}
	return vs
}

func texts(ss []string) []any {
	vs := make([]any, len(ss))
	for i, s := range ss {
		vs[i] = s
	}
	return vs
}
