package awssim

import "strings"

// admits tells whether the topic's policy allows a request: some statement
// allows it and none denies it.
func (t *topic) admits(request accessRequest) bool {
	request.Resource = t.ARN
	text, ok := t.Attributes["Policy"]
	if !ok {
		text = defaultPolicy(t.ARN)
	}
	allowed, denied := judge(text, request)
	return allowed && !denied
}

// defaultPolicy is the policy of a new topic: its owner's account may do all.
func defaultPolicy(arn string) string {
	owner := strings.Split(arn, ":")[4]
	return `{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID",` +
		`"Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes",` +
		`"SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic",` +
		`"SNS:Publish"],"Resource":"` + arn + `","Condition":{"StringEquals":{"AWS:SourceOwner":"` + owner + `"}}}]}`
}

// checkTopicPolicy refuses text that is no policy for a topic.
func checkTopicPolicy(text string) error {
	switch checkPolicy(text, "sns:") {
	case policyUnreadable:
		return refuse("InvalidParameter", "Invalid parameter: Policy Error: null")
	case policyOutOfScope:
		return refuse("InvalidParameter", "Invalid parameter: Policy statement action out of service scope!")
	}
	return nil
}
