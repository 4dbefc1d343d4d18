package awssim

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func tcp(from, to int32, cidrs ...string) types.IpPermission {
	p := types.IpPermission{IpProtocol: aws.String("tcp"), FromPort: &from, ToPort: &to}
	for _, cidr := range cidrs {
		p.IpRanges = append(p.IpRanges, types.IpRange{CidrIp: aws.String(cidr), Description: aws.String("from " + cidr[:2])})
	}
	return p
}

func (r *rig) authorize(group string, permissions ...types.IpPermission) ([]types.SecurityGroupRule, error) {
	r.Helper()
	out, err := r.ec2().AuthorizeSecurityGroupIngress(r.Context(), &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &group, IpPermissions: permissions})
	if err != nil {
		return nil, err
	}
	return out.SecurityGroupRules, nil
}

func (r *rig) shownGroup(id string) types.SecurityGroup {
	r.Helper()
	out, err := r.ec2().DescribeSecurityGroups(r.Context(), &ec2.DescribeSecurityGroupsInput{GroupIds: []string{id}})
	r.must(err)
	return out.SecurityGroups[0]
}

func TestCreateSecurityGroup(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		group := r.shownGroup(r.group("one", "Name", "first"))
		if *group.Description != "of a test" || *group.Tags[0].Value != "first" || len(group.IpPermissions) != 0 {
			t.Errorf("%+v", group)
		}
		if out := group.IpPermissionsEgress; len(out) != 1 || *out[0].IpProtocol != "-1" || *out[0].IpRanges[0].CidrIp != "0.0.0.0/0" || out[0].FromPort != nil {
			t.Errorf("a new group lets everything out: %+v", out)
		}
		for _, test := range []struct {
			in         *ec2.CreateSecurityGroupInput
			code, text string
		}{
			{groupInput("one"), "InvalidGroup.Duplicate", "already exists for VPC"},
			{groupInput("sg-x"), "InvalidParameterValue", "sg-*"},
			{groupInput("default"), "InvalidParameterValue", "reserved"},
			{groupInput("x", "k", "v", "k", "w"), "InvalidParameterValue", "Duplicate tag key"},
			{&ec2.CreateSecurityGroupInput{GroupName: aws.String("y"), Description: aws.String("y")}, "VPCIdNotSpecified", "No default VPC"},
			{&ec2.CreateSecurityGroupInput{GroupName: aws.String("y"), Description: aws.String("it's"), VpcId: aws.String(homeVPC)}, "InvalidParameterValue", "Invalid security group description"},
			{&ec2.CreateSecurityGroupInput{GroupName: aws.String("y"), Description: aws.String("y"), VpcId: aws.String("vpc-00000000")}, "InvalidVpcID.NotFound", "vpc-00000000"},
		} {
			_, err := r.ec2().CreateSecurityGroup(r.Context(), test.in)
			r.refused(err, test.code, test.text)
		}
	})
}

func TestAuthorize(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		group, peer := r.group("one"), r.group("two")
		rules, err := r.authorize(group, tcp(443, 443, "100.68.0.18/18", "10.0.0.0/8"), types.IpPermission{
			IpProtocol: aws.String("6"), FromPort: aws.Int32(443), ToPort: aws.Int32(443),
			Ipv6Ranges:       []types.Ipv6Range{{CidrIpv6: aws.String("2001:db8::1/32")}},
			UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: &peer}},
		})
		r.must(err)
		if len(rules) != 4 || *rules[0].CidrIpv4 != "100.68.0.0/18" || *rules[2].CidrIpv6 != "2001:db8::/32" || *rules[3].ReferencedGroupInfo.GroupId != peer {
			t.Errorf("%+v", rules)
		}
		if in := r.shownGroup(group).IpPermissions; len(in) != 1 || len(in[0].IpRanges) != 2 || len(in[0].Ipv6Ranges) != 1 || len(in[0].UserIdGroupPairs) != 1 || *in[0].IpRanges[1].Description != "from 10" {
			t.Errorf("one protocol and port is one permission: %+v", in)
		}
		_, err = r.ec2().DeleteSecurityGroup(r.Context(), &ec2.DeleteSecurityGroupInput{GroupId: &peer})
		r.refused(err, "DependencyViolation", peer)
		for _, test := range []struct {
			p          types.IpPermission
			code, text string
		}{
			{tcp(443, 443, "10.1.2.3/8"), "InvalidPermission.Duplicate", `"peer: 10.0.0.0/8, TCP, from port: 443, to port: 443, ALLOW" already exists`},
			{tcp(80, 80, "10.0.0.0/8", "10.0.0.0/8"), "InvalidParameterValue", "The same permission must not appear multiple times"},
			{tcp(80, 80, "10.0.0.0"), "InvalidParameterValue", "CIDR block 10.0.0.0 is malformed"},
			{tcp(81, 80, "10.0.0.0/8"), "InvalidParameterValue", "Invalid TCP/UDP port range (81:80)"},
			{tcp(80, 80), "InvalidParameterValue", "at least one"},
			{types.IpPermission{IpProtocol: aws.String("tcp"), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}}, "InvalidParameterValue", "Must specify both from and to ports"},
			{types.IpPermission{IpProtocol: aws.String("carrier-pigeon")}, "InvalidParameterValue", "Unknown protocol"},
			{types.IpPermission{IpProtocol: aws.String("-1"), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: aws.String("sg-00000000")}}}, "InvalidGroup.NotFound", "sg-00000000"},
		} {
			_, err := r.authorize(group, test.p)
			r.refused(err, test.code, test.text)
		}
	})
}

func TestRulesPerGroup(t *testing.T) {
	w := coreWorld()
	w.Knobs.Quotas = map[string]int{"rulesPerSecurityGroup": 2}
	inBubble(t, Options{World: w}, func(r *rig) {
		group := r.group("full")
		_, err := r.authorize(group, tcp(1, 1, "10.0.0.0/8", "11.0.0.0/8"))
		r.must(err)
		_, err = r.authorize(group, tcp(2, 2, "10.0.0.0/8"))
		r.refused(err, "RulesPerSecurityGroupLimitExceeded", "maximum")
	})
}

func TestRevoke(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		group := r.group("one")
		rules, err := r.authorize(group, tcp(443, 443, "10.0.0.0/8", "11.0.0.0/8"))
		r.must(err)
		revoke := func(in *ec2.RevokeSecurityGroupIngressInput) error {
			in.GroupId = &group
			_, err := r.ec2().RevokeSecurityGroupIngress(r.Context(), in)
			return err
		}
		r.must(revoke(&ec2.RevokeSecurityGroupIngressInput{IpPermissions: []types.IpPermission{tcp(443, 443, "10.0.0.0/8")}}))
		r.refused(revoke(&ec2.RevokeSecurityGroupIngressInput{IpPermissions: []types.IpPermission{tcp(443, 443, "10.0.0.0/8")}}), "InvalidPermission.NotFound", "does not exist")
		r.must(revoke(&ec2.RevokeSecurityGroupIngressInput{SecurityGroupRuleIds: []string{*rules[1].SecurityGroupRuleId}}))
		r.refused(revoke(&ec2.RevokeSecurityGroupIngressInput{SecurityGroupRuleIds: []string{*rules[1].SecurityGroupRuleId}}), "InvalidSecurityGroupRuleId.NotFound", "does not exist")
		_, err = r.ec2().RevokeSecurityGroupEgress(r.Context(), &ec2.RevokeSecurityGroupEgressInput{GroupId: &group,
			IpPermissions: []types.IpPermission{{IpProtocol: aws.String("-1"), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}}}})
		r.must(err)
		shown := r.shownGroup(group)
		if len(shown.IpPermissions)+len(shown.IpPermissionsEgress) != 0 {
			t.Errorf("%+v", shown)
		}
	})
}

func TestModifyRules(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		group := r.group("one")
		rules, err := r.authorize(group, tcp(443, 443, "10.0.0.0/8", "11.0.0.0/8"))
		r.must(err)
		modify := func(want types.SecurityGroupRuleRequest) error {
			want.IpProtocol, want.FromPort, want.ToPort = aws.String("tcp"), aws.Int32(443), aws.Int32(443)
			_, err := r.ec2().ModifySecurityGroupRules(r.Context(), &ec2.ModifySecurityGroupRulesInput{GroupId: &group, SecurityGroupRules: []types.SecurityGroupRuleUpdate{
				{SecurityGroupRuleId: rules[0].SecurityGroupRuleId, SecurityGroupRule: &want},
			}})
			return err
		}
		r.refused(modify(types.SecurityGroupRuleRequest{CidrIpv4: aws.String("11.0.0.0/8")}), "InvalidPermission.Duplicate", "already exists")
		r.refused(modify(types.SecurityGroupRuleRequest{}), "InvalidParameterValue", "exactly one")
		r.must(modify(types.SecurityGroupRuleRequest{CidrIpv4: aws.String("12.0.0.0/8"), Description: aws.String("moved")}))
		out, err := r.ec2().DescribeSecurityGroupRules(r.Context(), &ec2.DescribeSecurityGroupRulesInput{SecurityGroupRuleIds: []string{*rules[0].SecurityGroupRuleId}})
		r.must(err)
		if got := out.SecurityGroupRules[0]; *got.CidrIpv4 != "12.0.0.0/8" || *got.Description != "moved" || *got.IsEgress {
			t.Errorf("%+v", got)
		}
	})
}

func TestDefaultGroupStays(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		out, err := r.ec2().DescribeSecurityGroups(r.Context(), &ec2.DescribeSecurityGroupsInput{Filters: byFilter("group-name", "default")})
		r.must(err)
		_, err = r.ec2().DeleteSecurityGroup(r.Context(), &ec2.DeleteSecurityGroupInput{GroupId: out.SecurityGroups[0].GroupId})
		r.refused(err, "CannotDelete", "cannot be deleted by a user")
	})
}
