// Package fuzz_test throws nonsense at the simulator's wire. It stands alone
// because fuzzing builds all that a package's tests import anew, and AWS's SDK
// takes minutes.
package fuzz_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/linkfleet/linkfleet/internal/awssim"
)

// world has something to ask for.
func world() awssim.World {
	return awssim.World{Accounts: map[string]awssim.WorldAccount{
		"111111111111": {
			Name:        "a",
			AccessKeys:  []string{"AKIAFUZZ"},
			Roles:       map[string]awssim.WorldRole{"linkfleet": {Trust: []string{"111111111111"}}},
			HostedZones: map[string]awssim.WorldZone{"Z0FUZZ": {Name: "example.com"}},
			Regions: map[string]awssim.WorldRegion{"us-east-1": {
				VPCs:   map[string]awssim.WorldVPC{"vpc-0f0000000000000a1": {CIDR: "10.0.0.0/16"}},
				Tables: map[string]awssim.WorldTable{"leases": {HashKey: "id"}},
				Queues: map[string]awssim.WorldQueue{"events": {}},
			}},
		},
	}}
}

// send sends a request to a simulator of its own and wants an answer that is
// no failure of the simulator's.
func send(t *testing.T, service, method, path, target, body string) {
	sim, err := awssim.New(awssim.Options{World: world(), Speed: 1e6}) // nobody waits for long polls
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://aws.test/", strings.NewReader(body))
	if err != nil {
		t.Skip(err) // of the method
	}
	req.URL.Path = "/" + path
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIAFUZZ/20300101/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	req.Header["X-Amz-Target"] = []string{target}
	answer, err := sim.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode >= http.StatusInternalServerError && answer.StatusCode != http.StatusNotImplemented {
		t.Errorf("status %d: %s", answer.StatusCode, text)
	}
}

// FuzzForm is of the protocols whose requests are forms.
func FuzzForm(f *testing.F) {
	f.Add("ec2", "Action=DescribeVpcs&Version=2016-11-15&Filter.1.Name=vpc-id&Filter.1.Value.1=x")
	f.Add("ec2", "Action=CreateTags&Version=2016-11-15&ResourceId.1=vpc-0f0000000000000a1&Tag.1.Key=a&Tag.1.Value=b&Tag.x=1")
	f.Add("ec2", "Action=CreateSecurityGroup&Version=2016-11-15&GroupName=a&GroupDescription=b&VpcId=vpc-0f0000000000000a1&TagSpecification.1.Tag.1.Key=k")
	f.Add("sns", "Action=CreateTopic&Version=2010-03-31&Name=x&Attributes.entry.1.key=a&Attributes.entry.1.value=b")
	f.Add("sts", "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A111111111111%3Arole%2Flinkfleet&RoleSessionName=x&DurationSeconds=900")
	f.Add("elasticloadbalancing", "Action=AddTags&Version=2015-12-01&Tags.member.1.Key=x&ResourceArns=")
	f.Add("ec2", "A.B.C=%zz&&=;")
	f.Fuzz(func(t *testing.T, service, body string) { send(t, service, http.MethodPost, "", "", body) })
}

// FuzzJSON is of the protocols whose requests are JSON.
func FuzzJSON(f *testing.F) {
	f.Add("dynamodb", "DynamoDB_20120810.PutItem", `{"TableName": "leases", "Item": {"id": {"S": "x"}, "n": {"N": "1e99"}}, "ConditionExpression": "attribute_not_exists(id) OR n < :n", "ExpressionAttributeValues": {":n": {"N": "2"}}}`)
	f.Add("dynamodb", "DynamoDB_20120810.UpdateItem", `{"TableName": "leases", "Key": {"id": {"S": "x"}}, "UpdateExpression": "SET a = if_not_exists(a, :v) + :v, #b.c[1] = :v REMOVE d", "ExpressionAttributeNames": {"#b": "b"}, "ExpressionAttributeValues": {":v": {"N": "1"}}}`)
	f.Add("tagging", "ResourceGroupsTaggingAPI_20170126.GetResources", `{"TagFilters": [{"Key": "a", "Values": []}], "ResourcesPerPage": 0}`)
	f.Add("sqs", "AmazonSQS.ReceiveMessage", `{"QueueUrl": "https://sqs.us-east-1.amazonaws.com/111111111111/events", "MaxNumberOfMessages": 10, "WaitTimeSeconds": 0}`)
	f.Add("sqs", "AmazonSQS.CreateQueue", `{"QueueName": "x", "Attributes": {"Policy": "{}", "RedrivePolicy": "{\"maxReceiveCount\": \"1\"}"}, "tags": {"a": "b"}}`)
	f.Add("sqs", "AmazonSQS.DeleteMessageBatch", `{"QueueUrl": "/111111111111/events", "Entries": [{"Id": "a", "ReceiptHandle": "e30="}]}`)
	f.Fuzz(func(t *testing.T, service, target, body string) {
		send(t, service, http.MethodPost, "", target, body)
	})
}

// FuzzREST is of Route 53, whose requests are paths and XML.
func FuzzREST(f *testing.F) {
	f.Add("GET", "2013-04-01/hostedzone/Z0FUZZ/rrset", "")
	f.Add("POST", "2013-04-01/hostedzone/Z0FUZZ/rrset/", `<ChangeResourceRecordSetsRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ChangeBatch><Changes><Change><Action>CREATE</Action><ResourceRecordSet><Name>a.example.com</Name><Type>TXT</Type><TTL>60</TTL><ResourceRecords><ResourceRecord><Value>"x"</Value></ResourceRecord></ResourceRecords></ResourceRecordSet></Change></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>`)
	f.Fuzz(func(t *testing.T, method, path, body string) { send(t, "route53", method, path, "", body) })
}
