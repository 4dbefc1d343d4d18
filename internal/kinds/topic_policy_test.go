package kinds

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/linkfleet/linkfleet/planner"
)

var policyOfEvents = topicPolicy{"arn:aws:sns:us-east-1:111111111111:events", "111111111111"}

const (
	svcOne = "arn:aws:ec2:us-east-1:111111111111:vpc-endpoint-service/vpce-svc-1"
	svcTwo = "arn:aws:ec2:us-east-1:111111111111:vpc-endpoint-service/vpce-svc-2"
)

func TestTopicPolicyReadsBack(t *testing.T) {
	for _, publishers := range [][]string{nil, {svcOne}, {svcOne, svcTwo}} {
		doc, err := policyOfEvents.write(publishers)
		if err != nil {
			t.Fatal(err)
		}
		spec := policyOfEvents.read(doc)
		if !spec.OwnerAccess || len(spec.OtherStatements) > 0 || !slices.Equal(known(spec.Publishers), publishers) {
			t.Errorf("policy for %v reads as %+v", publishers, spec)
		}
	}
}

// The forms that IAM takes for the same thing are the same.
func TestTopicPolicyInOtherWords(t *testing.T) {
	doc := `{"Version":"2008-10-17","Id":"x","Statement":{
		"Sid":"mine","Effect":"Allow","Principal":{"Service":["vpce.amazonaws.com"]},"Action":["sns:Publish"],
		"Resource":["arn:aws:sns:us-east-1:111111111111:events"],
		"Condition":{"StringEquals":{"AWS:SourceAccount":["111111111111"]},"ArnLike":{"aws:SourceArn":"` + svcOne + `"}}}}`
	spec := policyOfEvents.read(doc)
	if spec.OwnerAccess || len(spec.OtherStatements) > 0 || !slices.Equal(known(spec.Publishers), []string{svcOne}) {
		t.Errorf("reads as %+v", spec)
	}
}

func TestTopicPolicyShowsStrangers(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(statement)
	}{
		{"no account", func(s statement) { delete(s["Condition"].(map[string]any), "StringEquals") }},
		{"no condition", func(s statement) { delete(s, "Condition") }},
		{"anyone", func(s statement) { s["Principal"] = "*" }},
		{"more actions", func(s statement) { s["Action"] = []any{"SNS:Publish", "SNS:Subscribe"} }},
		{"another topic", func(s statement) { s["Resource"] = "*" }},
		{"a deny", func(s statement) { s["Effect"] = "Deny" }},
		{"one more condition", func(s statement) {
			s["Condition"].(map[string]any)["Bool"] = map[string]any{"aws:SecureTransport": "true"}
		}},
		{"all but", func(s statement) { s["NotAction"] = s["Action"]; delete(s, "Action") }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			st := policyOfEvents.publishers([]string{svcOne})
			tc.change(st)
			doc, err := json.Marshal(map[string]any{"Statement": []statement{policyOfEvents.owner(), st}})
			if err != nil {
				t.Fatal(err)
			}
			spec := policyOfEvents.read(string(doc))
			if !spec.OwnerAccess || len(spec.OtherStatements) != 1 || len(spec.Publishers) > 0 {
				t.Errorf("reads as %+v", spec)
			}
		})
	}
}

func TestTopicPolicyOwnerWithoutCondition(t *testing.T) {
	st := policyOfEvents.owner()
	delete(st, "Condition")
	doc, err := json.Marshal(map[string]any{"Statement": []statement{st}})
	if err != nil {
		t.Fatal(err)
	}
	if spec := policyOfEvents.read(string(doc)); spec.OwnerAccess || len(spec.OtherStatements) != 1 {
		t.Errorf("a topic open to all reads as %+v", spec)
	}
}

func TestTopicPolicyOfGarbage(t *testing.T) {
	for _, doc := range []string{"garbage", `{"Statement":7}`, `[]`} {
		if spec := policyOfEvents.read(doc); len(spec.OtherStatements) != 1 || !strings.Contains(spec.OtherStatements[0], "Policy") {
			t.Errorf("%s reads as %+v", doc, spec)
		}
	}
	if spec := policyOfEvents.read(""); spec.OwnerAccess || len(spec.OtherStatements)+len(spec.Publishers) > 0 {
		t.Errorf("no policy reads as %+v", spec)
	}
}

func TestSpecsSuitThePlanner(t *testing.T) {
	for _, spec := range []any{
		loadBalancerSpec{}, targetGroupSpec{}, listenerSpec{}, topicSpec{}, notificationSpec{},
		privateNameSpec{}, recordSpec{}, verificationSpec{},
	} {
		if err := planner.CheckSpec(spec); err != nil {
			t.Error(err)
		}
	}
}
