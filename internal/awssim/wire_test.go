package awssim

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func newRequest(r *rig, body string) *http.Request {
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, "http://aws.test/", strings.NewReader(body))
	r.must(err)
	return req
}

// What is wrong with a request is told in AWS's words, by each protocol.
func TestRequestsAreChecked(t *testing.T) {
	const (
		ec2v = "2016-11-15"
		elbv = "2015-12-01"
		stsv = "2011-06-15"
	)
	for name, test := range map[string]struct {
		service string
		params  []string
		status  int
		want    string
	}{
		"ec2 missing":        {"ec2", []string{"Action", "CreateVpcEndpoint", "Version", ec2v}, 400, "<Code>MissingParameter</Code><Message>The request must contain the parameter VpcId</Message>"},
		"ec2 unknown":        {"ec2", []string{"Action", "DescribeVpcs", "Version", ec2v, "Colour", "red"}, 400, "<Code>UnknownParameter</Code><Message>The parameter Colour is not recognized</Message>"},
		"ec2 unknown deep":   {"ec2", []string{"Action", "DescribeVpcs", "Version", ec2v, "Filter.1.Nme", "x"}, 400, "The parameter Filter.1.Nme is not recognized"},
		"ec2 not a number":   {"ec2", []string{"Action", "DescribeVpcs", "Version", ec2v, "VpcId.x", "vpc-1"}, 400, "The parameter VpcId.x is not recognized"},
		"ec2 list as scalar": {"ec2", []string{"Action", "DeleteVpc", "Version", ec2v, "VpcId.1", "vpc-1"}, 400, "The parameter VpcId.1 is not recognized"},
		"ec2 enum":           {"ec2", []string{"Action", "CreateVpcEndpoint", "Version", ec2v, "VpcId", "vpc-1", "VpcEndpointType", "Door"}, 400, "<Code>InvalidParameterValue</Code><Message>Value (Door) for parameter VpcEndpointType is invalid."},
		"ec2 boolean":        {"ec2", []string{"Action", "DescribeVpcs", "Version", ec2v, "DryRun", "perhaps"}, 400, "<Code>InvalidParameterValue</Code>"},
		"ec2 action":         {"ec2", []string{"Action", "RunInstances", "Version", ec2v}, 400, "<Response><Errors><Error><Code>InvalidAction</Code><Message>The action RunInstances is not valid for this web service.</Message>"},
		"ec2 no action":      {"ec2", []string{"Version", ec2v}, 400, "<Code>MissingAction</Code>"},
		"ec2 version":        {"ec2", []string{"Action", "DescribeVpcs", "Version", "2010-01-01"}, 400, "<Code>NoSuchVersion</Code>"},
		"ec2 bad page":       {"ec2", []string{"Action", "DescribeVpcs", "Version", ec2v, "MaxResults", "4"}, 400, "Value ( 4 ) for parameter maxResults is invalid. Expecting a value greater than or equal to 5."},
		"ec2 bad token":      {"ec2", []string{"Action", "DescribeVpcs", "Version", ec2v, "NextToken", "abc"}, 400, "<Code>InvalidNextToken</Code>"},
		"ec2 bad filter":     {"ec2", []string{"Action", "DescribeVpcs", "Version", ec2v, "Filter.1.Name", "colour", "Filter.1.Value.1", "x"}, 400, "The filter &#39;colour&#39; is invalid"},
		"elb missing":        {"elasticloadbalancing", []string{"Action", "CreateLoadBalancer", "Version", elbv}, 400, "<ErrorResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\"><Error><Type>Sender</Type><Code>ValidationError</Code><Message>1 validation error detected: Value null at &#39;name&#39; failed to satisfy constraint: Member must not be null"},
		"elb enum":           {"elasticloadbalancing", []string{"Action", "CreateLoadBalancer", "Version", elbv, "Name", "x", "Scheme", "secret"}, 400, "Value &#39;secret&#39; at &#39;scheme&#39; failed to satisfy constraint: Member must satisfy enum value set: [internet-facing, internal]"},
		"elb deep":           {"elasticloadbalancing", []string{"Action", "AddTags", "Version", elbv, "ResourceArns.member.1", "x", "Tags.member.1.Value", "x"}, 400, "Value null at &#39;tags.1.member.key&#39; failed"},
		"elb two":            {"elasticloadbalancing", []string{"Action", "AddTags", "Version", elbv}, 400, "2 validation errors detected: "},
		"elb range":          {"elasticloadbalancing", []string{"Action", "DescribeLoadBalancers", "Version", elbv, "PageSize", "401"}, 400, "Member must have value less than or equal to 400"},
		"elb unknown":        {"elasticloadbalancing", []string{"Action", "DescribeLoadBalancers", "Version", elbv, "Colour", "red"}, 400, "Colour"},
		"elb action":         {"elasticloadbalancing", []string{"Action", "Sing", "Version", elbv}, 400, "<Code>InvalidAction</Code>"},
		"sts short name":     {"sts", []string{"Action", "AssumeRole", "Version", stsv, "RoleArn", "arn:aws:iam::555555555555:role/open", "RoleSessionName", "a"}, 400, "Member must have length greater than or equal to 2"},
		"no such service":    {"polly", []string{"Action", "Speak"}, 501, "no service"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Options{}, func(r *rig) {
				status, body := r.form(test.service, test.params...)
				if status != test.status || !strings.Contains(body, test.want) {
					t.Errorf("%d %s\nwant %d with %s", status, body, test.status, test.want)
				}
			})
		})
	}
}

func TestRestRequestsAreChecked(t *testing.T) {
	for name, test := range map[string]struct {
		method, path, body string
		status             int
		want               string
	}{
		"no such path":  {"GET", "/2013-04-01/healthcheck", "", 404, "UnknownOperationException"},
		"not XML":       {"POST", "/2013-04-01/hostedzone", "<Create", 400, "<Code>MalformedXML</Code>"},
		"unknown":       {"POST", "/2013-04-01/hostedzone", "<CreateHostedZoneRequest><Nme>x</Nme></CreateHostedZoneRequest>", 400, "Invalid content was found starting with element &#39;Nme&#39;"},
		"missing":       {"POST", "/2013-04-01/hostedzone", "<CreateHostedZoneRequest><Name>x.org</Name></CreateHostedZoneRequest>", 400, "Value null at &#39;callerReference&#39; failed"},
		"unknown query": {"GET", "/2013-04-01/hostedzone?colour=red", "", 400, "<Code>InvalidInput</Code>"},
		"bad enum in a list": {"POST", "/2013-04-01/hostedzone/Z1/rrset/", "<ChangeResourceRecordSetsRequest><ChangeBatch><Changes><Change><Action>GROW</Action><ResourceRecordSet><Name>x.org</Name><Type>TXT</Type></ResourceRecordSet></Change></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>", 400,
			"Value &#39;GROW&#39; at &#39;changeBatch.changes.1.member.action&#39; failed to satisfy constraint: Member must satisfy enum value set: [CREATE, DELETE, UPSERT]"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Options{}, func(r *rig) {
				req, err := http.NewRequestWithContext(r.Context(), test.method, "http://aws.test"+test.path, strings.NewReader(test.body))
				r.must(err)
				req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=111111111111/20300101/us-east-1/route53/aws4_request")
				if status, body := r.send(req); status != test.status || !strings.Contains(body, test.want) {
					t.Errorf("%d %s\nwant %d with %s", status, body, test.status, test.want)
				}
			})
		})
	}
}

func TestJSONRequestsAreChecked(t *testing.T) {
	for name, test := range map[string]struct{ target, body, want string }{
		"no such operation": {"ResourceGroupsTaggingAPI_20170126.Sing", "{}", "UnknownOperationException"},
		"not JSON":          {"ResourceGroupsTaggingAPI_20170126.GetResources", "{", "SerializationException"},
		"unknown":           {"ResourceGroupsTaggingAPI_20170126.GetResources", `{"Colour": 1}`, "SerializationException"},
		"wrong type":        {"ResourceGroupsTaggingAPI_20170126.GetResources", `{"TagFilters": "x"}`, "SerializationException"},
		"too long":          {"ResourceGroupsTaggingAPI_20170126.GetResources", `{"PaginationToken": "` + strings.Repeat("x", 3000) + `"}`, "InvalidParameterException"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Options{}, func(r *rig) {
				req := newRequest(r, test.body)
				req.Header.Set("X-Amz-Target", test.target)
				req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=111111111111/20300101/us-east-1/tagging/aws4_request")
				if status, body := r.send(req); status != 400 || !strings.Contains(body, `"__type":"`+test.want+`"`) {
					t.Errorf("%d %s", status, body)
				}
			})
		})
	}
}

// A handler that answers what AWS's model does not have is found out.
func TestRepliesAreChecked(t *testing.T) {
	models, err := loadModels()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		service, op string
		out         M
		want        string
	}{
		"unknown member": {"ec2", "DescribeVpcs", M{"Vpcs": []any{M{"Vpc": "x"}}}, "Vpcs: [0]: the model has no member Vpc"},
		"wrong type":     {"ec2", "DescribeVpcs", M{"Vpcs": []any{M{"VpcId": int64(1)}}}, "VpcId: a int64 where the model has a string"},
		"int":            {"ec2", "DescribeSubnets", M{"Subnets": []any{M{"AvailableIpAddressCount": 1}}}, "a int where the model has a integer"},
		"no reply":       {"ec2", "CreateTags", M{"X": "y"}, "no reply"},
		"list":           {"elasticloadbalancing", "DescribeTags", M{"TagDescriptions": M{}}, "a awssim.M where the model has a list"},
		"rest":           {"route53", "GetChange", M{"Change": M{}}, "no member Change"},
		"json":           {"tagging", "GetResources", M{"Resources": []any{}}, "no member Resources"},
		"map":            {"sns", "GetTopicAttributes", M{"Attributes": M{"a": true}}, "a: a bool where the model has a string"},
	} {
		m := models[test.service]
		if _, err := codecOf(m).encode(m, test.op, test.out, "id"); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

func TestReplyForms(t *testing.T) {
	models, err := loadModels()
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2030, 1, 2, 3, 4, 5, 6e6, time.UTC)
	for _, test := range []struct {
		service, op string
		out         M
		want        string
	}{
		{"ec2", "CreateTags", nil, `<CreateTagsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>id</requestId><return>true</return></CreateTagsResponse>`},
		{"ec2", "DescribeVpcEndpointServiceConfigurations", M{"ServiceConfigurations": []any{M{"PrivateDnsNameConfiguration": M{}, "NetworkLoadBalancerArns": []any{"a", "b"}}}},
			`<serviceConfigurationSet><item><networkLoadBalancerArnSet><item>a</item><item>b</item></networkLoadBalancerArnSet><privateDnsNameConfiguration></privateDnsNameConfiguration></item></serviceConfigurationSet>`},
		{"ec2", "DescribeVpcEndpoints", M{"VpcEndpoints": []any{M{"CreationTimestamp": at}}}, `<creationTimestamp>2030-01-02T03:04:05.006Z</creationTimestamp>`},
		{"elasticloadbalancing", "AddTags", M{}, `<AddTagsResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"><AddTagsResult></AddTagsResult><ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></AddTagsResponse>`},
		{"sns", "SetTopicAttributes", nil, `<SetTopicAttributesResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><ResponseMetadata>`},
		{"sns", "GetTopicAttributes", M{"Attributes": M{"b": "<2>", "a": "1"}}, `<Attributes><entry><key>a</key><value>1</value></entry><entry><key>b</key><value>&lt;2&gt;</value></entry></Attributes>`},
		{"tagging", "GetResources", M{"ResourceTagMappingList": []any{M{"ResourceARN": "x", "Tags": []any{}}}}, `{"ResourceTagMappingList":[{"ResourceARN":"x","Tags":[]}]}`},
	} {
		m := models[test.service]
		answer, err := codecOf(m).encode(m, test.op, test.out, "id")
		if err != nil || !strings.Contains(string(answer.Body), test.want) {
			t.Errorf("%s: %v %s\nwant %s", test.op, err, answer.Body, test.want)
		}
	}
}

// Every operation of the models is served, and nothing else.
func TestEveryOperationIsServed(t *testing.T) {
	sim, err := New(Options{World: coreWorld()})
	if err != nil {
		t.Fatal(err)
	}
	for service, m := range sim.models {
		for op := range m.Operations {
			if sim.ops[service][op] == nil {
				t.Errorf("%s %s has no handler", service, op)
			}
		}
		for op := range sim.ops[service] {
			if _, known := m.Operations[op]; !known {
				t.Errorf("%s %s is in no model", service, op)
			}
		}
	}
}

// Handlers name knobs in text; each must exist.
func TestKnobsExist(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]map[string]bool{"latency": {}, "quota": {}, "choice": {}}
	for name := range defaultLatencies() {
		known["latency"][name] = true
	}
	for name := range defaultQuotas() {
		known["quota"][name] = true
	}
	for name := range defaultChoices() {
		known["choice"][name] = true
	}
	use := regexp.MustCompile(`\.(latency|quota|choice)\("(\w+)"\)`)
	var others strings.Builder // knobs may also be handed on by name
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range use.FindAllStringSubmatch(string(text), -1) {
			if !known[found[1]][found[2]] {
				t.Errorf("%s: there is no %s %q", file, found[1], found[2])
			}
		}
		if file != "knobs.go" && !strings.HasSuffix(file, "_test.go") {
			others.Write(text)
		}
	}
	for _, names := range known {
		for name := range names {
			if !strings.Contains(others.String(), `"`+name+`"`) {
				t.Errorf("nobody asks for the knob %q", name)
			}
		}
	}
}
