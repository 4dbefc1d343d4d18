package kinds

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
)

func TestRulesReadBack(t *testing.T) {
	for _, rule := range []string{
		"tcp 8443 10.0.0.0/8",
		"tcp 0-65535 10.0.0.0/8",
		"udp 1000-2000 sg-0123456789abcdef0",
		"tcp 443 pl-63a5400a",
		"-1 all ::/0",
		"-1 all 0.0.0.0/0",
		"icmp 3--1 10.0.0.0/8",
		"icmp -1 0.0.0.0/0",
		"icmpv6 128-0 2001:db8::/32",
		"50 all 10.0.0.0/8",
	} {
		perms, err := permissionsOf([]string{rule})
		if err != nil {
			t.Errorf("%q: %v", rule, err)
			continue
		}
		if got := rulesOf(perms); !slices.Equal(got, []string{rule}) {
			t.Errorf("%q reads back as %q", rule, got)
		}
	}
}

func TestRulesOfOnePermission(t *testing.T) {
	perm := ec2types.IpPermission{
		IpProtocol: aws.String("tcp"), FromPort: aws.Int32(443), ToPort: aws.Int32(443),
		IpRanges:         []ec2types.IpRange{{CidrIp: aws.String("10.1.0.0/16")}, {CidrIp: aws.String("10.0.0.0/16")}, {CidrIp: aws.String("10.0.0.0/16")}},
		Ipv6Ranges:       []ec2types.Ipv6Range{{CidrIpv6: aws.String("2001:db8::/32")}},
		PrefixListIds:    []ec2types.PrefixListId{{PrefixListId: aws.String("pl-1")}},
		UserIdGroupPairs: []ec2types.UserIdGroupPair{{GroupId: aws.String("sg-1"), UserId: aws.String("111111111111")}},
	}
	want := []string{"tcp 443 10.0.0.0/16", "tcp 443 10.1.0.0/16", "tcp 443 2001:db8::/32", "tcp 443 pl-1", "tcp 443 sg-1"}
	if got := rulesOf([]ec2types.IpPermission{perm}); !slices.Equal(got, want) {
		t.Errorf("rules are %q, want %q", got, want)
	}
}

func TestWhatIsNoRule(t *testing.T) {
	for _, text := range []string{"", "tcp", "tcp 443", "tcp 443 10.0.0.0/8 more", "tcp x 10.0.0.0/8", "tcp 1-x 10.0.0.0/8", "tcp 99999999999 10.0.0.0/8", "tcp - 10.0.0.0/8"} {
		if perms, err := permissionsOf([]string{text}); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q is %+v, %v; want an error that names it", text, perms, err)
		}
	}
}

func TestDefaultIPv6Rule(t *testing.T) {
	if isDefaultIPv6Out("-1 all 0.0.0.0/0") || !isDefaultIPv6Out("-1 all ::/0") {
		t.Error("the default IPv6 rule is another one")
	}
}

// AWS refuses a whole lot of rules if one of them is as it should be already.
func TestRuleChangeGoesOneByOne(t *testing.T) {
	duplicate := &smithy.GenericAPIError{Code: "InvalidPermission.Duplicate", Message: "there already"}
	var calls []int
	there := "10.0.0.0/8"
	c := ruleChange{[]string{"tcp 1 10.0.0.0/8", "tcp 1 10.1.0.0/16"}, "InvalidPermission.Duplicate", func(perms []ec2types.IpPermission) error {
		calls = append(calls, len(perms))
		if aws.ToString(perms[0].IpRanges[0].CidrIp) == there {
			return duplicate
		}
		return nil
	}}
	if err := c.apply(); err != nil || !slices.Equal(calls, []int{2, 1, 1}) {
		t.Errorf("calls of %v rules, %v; want the lot and then one by one", calls, err)
	}
	c.call = func([]ec2types.IpPermission) error { return errors.New("refused") }
	if err := c.apply(); err == nil {
		t.Error("another refusal is no success")
	}
}

// FuzzRules: what is read as rules can be written, and reads back the same.
func FuzzRules(f *testing.F) {
	f.Add("tcp 8443 10.0.0.0/8")
	f.Add("icmp 3--1 0.0.0.0/0")
	f.Add("-1 all sg-1")
	f.Fuzz(func(t *testing.T, text string) {
		perms, err := permissionsOf([]string{text})
		if err != nil {
			return
		}
		rules := rulesOf(perms)
		again, err := permissionsOf(rules)
		if err != nil || !slices.Equal(rulesOf(again), rules) {
			t.Errorf("%q is %q, which is %q: %v", text, rules, rulesOf(again), err)
		}
	})
}
