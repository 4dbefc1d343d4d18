package awssim

import (
	"bytes"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The aws CLI, which is botocore, reads requests and replies by models of its
// own; what it understands, AWS's other clients do too.
func TestCLI(t *testing.T) {
	program, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("aws CLI not installed")
	}
	if testing.Short() {
		t.Skip("the aws CLI takes a second for each call")
	}
	sim, err := New(Options{World: coreWorld()})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	aws := func(args ...string) string {
		command := exec.Command(program, args...)
		command.Env = append(os.Environ(),
			"AWS_ENDPOINT_URL="+server.URL, "AWS_ACCESS_KEY_ID="+homeAccount, "AWS_SECRET_ACCESS_KEY=x",
			"AWS_DEFAULT_REGION=us-east-1", "AWS_DEFAULT_OUTPUT=text", "AWS_MAX_ATTEMPTS=1",
			"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_PAGER=")
		var out bytes.Buffer
		command.Stdout, command.Stderr = &out, &out
		_ = command.Run() // refusals are part of what is checked
		return out.String()
	}
	group := strings.TrimSpace(aws("ec2", "create-security-group", "--group-name", "cli", "--description", "by hand", "--vpc-id", homeVPC,
		"--tag-specifications", "ResourceType=security-group,Tags=[{Key=a,Value=b}]", "--query", "GroupId"))
	for _, test := range []struct{ command, want string }{
		{"sts assume-role --role-arn arn:aws:iam::555555555555:role/open --role-session-name xy --query AssumedRoleUser.Arn", "arn:aws:sts::555555555555:assumed-role/open/xy"},
		{"sts assume-role --role-arn arn:aws:iam::555555555555:role/nobody --role-session-name xy", "An error occurred (AccessDenied) when calling the AssumeRole operation"},
		{"ec2 authorize-security-group-ingress --group-id " + group + " --protocol tcp --port 443 --cidr 10.0.0.0/8 --query SecurityGroupRules[].CidrIpv4", "10.0.0.0/8"},
		{"ec2 describe-security-groups --filters Name=tag:a,Values=b --page-size 5 --query SecurityGroups[].GroupId", group},
		{"ec2 describe-vpcs --vpc-ids vpc-00000000", "(InvalidVpcID.NotFound)"},
		{"ec2 describe-instances", "(InvalidAction)"},
		{"elbv2 create-load-balancer --name cli --type network --scheme internal --subnets " + homeSubnetA + " --query LoadBalancers[].Type", "network"},
		{"elbv2 describe-load-balancers --names ghost", "(LoadBalancerNotFound)"},
		{"route53 create-hosted-zone --name example.org --caller-reference one --query HostedZone.Name", "example.org."},
		{"route53 get-hosted-zone --id Z0NONE", "(NoSuchHostedZone)"},
		{"sns create-topic --name cli --attributes DisplayName=x --query TopicArn", "arn:aws:sns:us-east-1:" + homeAccount + ":cli"},
		{"dynamodb create-table --table-name leases --billing-mode PAY_PER_REQUEST --key-schema AttributeName=fleet,KeyType=HASH --attribute-definitions AttributeName=fleet,AttributeType=S --query TableDescription.TableStatus", "CREATING"},
		{"dynamodb get-item --table-name ghost --key {\"fleet\":{\"S\":\"x\"}}", "(ResourceNotFoundException)"},
		{"resourcegroupstaggingapi get-resources --tag-filters Key=tier --query ResourceTagMappingList[].ResourceARN", "subnet/" + homeSubnetA},
	} {
		words := strings.Fields(test.command)
		t.Run(words[0]+" "+words[1], func(t *testing.T) {
			t.Parallel()
			if got := aws(words...); !strings.Contains(got, test.want) {
				t.Errorf("aws %s\ngot  %s\nwant %s", test.command, got, test.want)
			}
		})
	}
}
