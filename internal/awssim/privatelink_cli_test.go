package awssim

import (
	"net/http/httptest"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	r53types "github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// A typed command is one that somebody types, and what it then prints. Words
// in capitals stand for ids.
type typed struct{ account, command, want string }

// What the owner of a service and a consumer type to bring a connection up
// and to see that it stands.
var (
	beforeAcceptance = []typed{
		{provider, "describe-vpc-endpoint-connections --filters Name=service-id,Values=SERVICE" +
			" --query 'VpcEndpointConnections[?VpcEndpointState==`pendingAcceptance`].[VpcEndpointId,VpcEndpointOwner]' --output table", `
--------------------------------------------
|      DescribeVpcEndpointConnections      |
+-------------------------+----------------+
|  vpce-0IDIDIDIDIDIDIDID |  222222222222  |
+-------------------------+----------------+
`},
		{provider, "describe-vpc-endpoint-service-configurations --service-ids SERVICE" +
			" --query 'ServiceConfigurations[0].PrivateDnsNameConfiguration'", `
{
    "State": "pendingVerification",
    "Type": "TXT",
    "Value": "vpce:TOKEN",
    "Name": "_LABEL"
}
`},
		{partner, "describe-vpc-endpoint-services --service-names com.amazonaws.vpce.us-east-1.SERVICE", `

An error occurred (InvalidServiceName) when calling the DescribeVpcEndpointServices operation: The Vpc Endpoint Service 'com.amazonaws.vpce.us-east-1.vpce-svc-0IDIDIDIDIDIDIDID' does not exist
`},
	}
	acceptance = []typed{
		{provider, "accept-vpc-endpoint-connections --service-id SERVICE --vpc-endpoint-ids ENDPOINT", `
{
    "Unsuccessful": []
}
`},
		{provider, "start-vpc-endpoint-service-private-dns-verification --service-id SERVICE", `
{
    "ReturnValue": true
}
`},
	}
	afterAcceptance = []typed{
		{provider, "describe-vpc-endpoint-service-configurations --service-ids SERVICE" +
			" --query 'ServiceConfigurations[0].[ServiceState,PrivateDnsNameConfiguration.State,AvailabilityZones]'", `
[
    "Available",
    "verified",
    [
        "us-east-1a",
        "us-east-1b"
    ]
]
`},
		{provider, "describe-vpc-endpoint-connections --filters Name=service-id,Values=SERVICE" +
			" --query 'VpcEndpointConnections[].[VpcEndpointOwner,VpcEndpointState]' --output table", `
--------------------------------
|DescribeVpcEndpointConnections|
+----------------+-------------+
|  222222222222  |  available  |
+----------------+-------------+
`},
		{consumer, "describe-vpc-endpoints --vpc-endpoint-ids ENDPOINT" +
			" --query 'VpcEndpoints[0].[State,NetworkInterfaceIds,DnsEntries[0].DnsName]'", `
[
    "available",
    [
        "eni-0IDIDIDIDIDIDIDID",
        "eni-0IDIDIDIDIDIDIDID"
    ],
    "vpce-0IDIDIDIDIDIDIDID-SUFFIX.vpce-svc-0IDIDIDIDIDIDIDID.us-east-1.vpce.amazonaws.com"
]
`},
	}
)

// The aws command line client works against the simulator, and everyday
// commands print what they print on AWS.
func TestPrivateLinkByCommandLine(t *testing.T) {
	if testing.Short() {
		t.Skip("the aws CLI takes its time")
	}
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip("aws CLI not installed")
	}
	t.Parallel()
	sim, err := New(Options{World: privateLinkWorld(Knobs{})})
	if err != nil {
		t.Fatal(err)
	}
	lt := &linkTest{T: t, sim: sim, wait: sim.Advance}
	server := httptest.NewServer(sim)
	defer server.Close()

	const domain = "payments.internal.example.com"
	service := lt.service(named(domain))
	lt.allow(service, consumer)
	ids := strings.NewReplacer("SERVICE", *service.ServiceId, "ENDPOINT", lt.connect(service))

	typeAll(t, server.URL, ids, beforeAcceptance)
	config := service.PrivateDnsNameConfiguration
	lt.txt(r53types.ChangeActionCreate, *config.Name+"."+domain, *config.Value)
	lt.wait(time.Minute)
	typeAll(t, server.URL, ids, acceptance)
	lt.wait(2 * time.Minute)
	typeAll(t, server.URL, ids, afterAcceptance)
}

// typeAll runs commands side by side, and compares what they print.
func typeAll(t *testing.T, url string, ids *strings.Replacer, commands []typed) {
	var running sync.WaitGroup
	for _, c := range commands {
		running.Go(func() {
			got := hideIDs(awsCLI(t, url, c.account, "ec2 "+ids.Replace(c.command)))
			if want := strings.TrimPrefix(c.want, "\n"); got != want {
				t.Errorf("aws ec2 %s\ngot:\n%s\nwant:\n%s", c.command, got, want)
			}
		})
	}
	running.Wait()
}

// awsCLI runs a command of the aws client as an account's administrator, and
// returns what it prints, standard error included.
func awsCLI(t *testing.T, url, account, command string) string {
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "aws "+command)
	clean := slices.DeleteFunc(cmd.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") })
	cmd.Env = append(clean, "AWS_ENDPOINT_URL="+url, "AWS_ACCESS_KEY_ID="+account, "AWS_SECRET_ACCESS_KEY=secret",
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", "AWS_PAGER=", "AWS_CONFIG_FILE=/dev/null", "AWS_MAX_ATTEMPTS=1")
	out, _ := cmd.CombinedOutput() // a refusal is what it prints
	return string(out)
}

// hideIDs replaces what differs from one world to the next.
func hideIDs(text string) string {
	for _, hide := range []struct{ form, with string }{
		{`-0[0-9a-f]{16}-[0-9a-z]{8}`, "-0IDIDIDIDIDIDIDID-SUFFIX"},
		{`-0[0-9a-f]{16}`, "-0IDIDIDIDIDIDIDID"},
		{`vpce:[0-9A-Za-z]{20}`, "vpce:TOKEN"},
		{`_[0-9a-z]{20}`, "_LABEL"},
	} {
		text = regexp.MustCompile(hide.form).ReplaceAllString(text, hide.with)
	}
	return text
}
