package awssim

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// groupInput is a security group to create in the home VPC, with tags.
func groupInput(name string, pairs ...string) *ec2.CreateSecurityGroupInput {
	in := &ec2.CreateSecurityGroupInput{GroupName: &name, Description: aws.String("of a test"), VpcId: aws.String(homeVPC)}
	if len(pairs) > 0 {
		spec := types.TagSpecification{ResourceType: types.ResourceTypeSecurityGroup}
		for i := 0; i < len(pairs); i += 2 {
			spec.Tags = append(spec.Tags, types.Tag{Key: &pairs[i], Value: &pairs[i+1]})
		}
		in.TagSpecifications = []types.TagSpecification{spec}
	}
	return in
}

func (r *rig) group(name string, pairs ...string) string {
	r.Helper()
	out, err := r.ec2().CreateSecurityGroup(r.Context(), groupInput(name, pairs...))
	r.must(err)
	return *out.GroupId
}

func byFilter(name string, values ...string) []types.Filter {
	return []types.Filter{{Name: &name, Values: values}}
}

func TestVpcsAndAttributes(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		vpcs, err := r.ec2().DescribeVpcs(r.Context(), nil)
		r.must(err)
		if len(vpcs.Vpcs) != 1 || *vpcs.Vpcs[0].VpcId != homeVPC || *vpcs.Vpcs[0].OwnerId != homeAccount {
			t.Errorf("%+v", vpcs.Vpcs)
		}
		read := func(which types.VpcAttributeName) *ec2.DescribeVpcAttributeOutput {
			out, err := r.ec2().DescribeVpcAttribute(r.Context(), &ec2.DescribeVpcAttributeInput{VpcId: aws.String(homeVPC), Attribute: which})
			r.must(err)
			return out
		}
		if !*read("enableDnsSupport").EnableDnsSupport.Value || *read("enableDnsHostnames").EnableDnsHostnames.Value {
			t.Error("a new VPC has DNS support and no DNS hostnames")
		}
		on := &types.AttributeBooleanValue{Value: aws.Bool(true)}
		_, err = r.ec2().ModifyVpcAttribute(r.Context(), &ec2.ModifyVpcAttributeInput{VpcId: aws.String(homeVPC), EnableDnsHostnames: on, EnableDnsSupport: on})
		r.refused(err, "InvalidParameterCombination", "only one attribute")
		_, err = r.ec2().ModifyVpcAttribute(r.Context(), &ec2.ModifyVpcAttributeInput{VpcId: aws.String(homeVPC), EnableDnsHostnames: on})
		r.must(err)
		if !*read("enableDnsHostnames").EnableDnsHostnames.Value {
			t.Error("the attribute did not stay")
		}
		_, err = r.ec2().DescribeVpcs(r.Context(), &ec2.DescribeVpcsInput{VpcIds: []string{"vpc-0123456789abcdef0"}})
		r.refused(err, "InvalidVpcID.NotFound", "does not exist")
		_, err = r.ec2().DescribeVpcs(r.Context(), &ec2.DescribeVpcsInput{VpcIds: []string{"vpc-xyz"}})
		r.refused(err, "InvalidVpcID.Malformed", "expecting")
	})
}

func TestSubnetsAndZones(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		out, err := r.ec2().DescribeSubnets(r.Context(), &ec2.DescribeSubnetsInput{Filters: byFilter("tag:tier", "priv*")})
		r.must(err)
		if s := out.Subnets[0]; len(out.Subnets) != 1 || *s.AvailabilityZone != "us-east-1a" || *s.AvailabilityZoneId != "use1-az4" || *s.AvailableIpAddressCount != 251 {
			t.Errorf("%+v", out.Subnets)
		}
		zones := func(account string) map[string]string {
			out, err := ec2.NewFromConfig(r.as(account)).DescribeAvailabilityZones(r.Context(), nil)
			r.must(err)
			ids := make(map[string]string)
			for _, z := range out.AvailabilityZones {
				ids[*z.ZoneName] = *z.ZoneId
			}
			return ids
		}
		home := zones(homeAccount)
		if len(home) != 6 || home["us-east-1a"] != "use1-az4" || home["us-east-1b"] != "use1-az1" {
			t.Errorf("home zones %v", home)
		}
		seen := make(map[string]bool)
		for _, account := range []string{"222222222222", "333333333333", "444444444444"} {
			theirs := zones(account)
			ids := slices.Sorted(func(yield func(string) bool) {
				for _, id := range theirs {
					if !yield(id) {
						return
					}
				}
			})
			if want := []string{"use1-az1", "use1-az2", "use1-az3", "use1-az4", "use1-az5", "use1-az6"}; !slices.Equal(ids, want) {
				t.Errorf("zone IDs of %s: %v", account, ids)
			}
			seen[theirs["us-east-1a"]] = true
		}
		if len(seen) < 2 {
			t.Error("us-east-1a is the same zone for every account")
		}
	})
}

func TestZonePrefix(t *testing.T) {
	for region, want := range map[string]string{
		"us-east-1": "use1", "ap-southeast-2": "apse2", "eu-central-1": "euc1",
		"ap-northeast-3": "apne3", "us-gov-west-1": "usgw1", "sa-east-1": "sae1",
	} {
		if got := zonePrefix(region); got != want {
			t.Errorf("%s: got %s, want %s", region, got, want)
		}
	}
}

func TestMakingAndUnmakingNetworks(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		v, err := r.ec2().CreateVpc(r.Context(), &ec2.CreateVpcInput{CidrBlock: aws.String("10.9.0.0/16")})
		r.must(err)
		id := v.Vpc.VpcId
		subnetIn := &ec2.CreateSubnetInput{VpcId: id, CidrBlock: aws.String("10.9.1.0/24"), AvailabilityZone: aws.String("us-east-1b")}
		s, err := r.ec2().CreateSubnet(r.Context(), subnetIn)
		r.must(err)
		if *s.Subnet.AvailabilityZoneId != "use1-az1" {
			t.Errorf("%+v", s.Subnet)
		}
		_, err = r.ec2().CreateSubnet(r.Context(), subnetIn)
		r.refused(err, "InvalidSubnet.Conflict", "conflicts")
		_, err = r.ec2().CreateSubnet(r.Context(), &ec2.CreateSubnetInput{VpcId: id, CidrBlock: aws.String("10.8.1.0/24")})
		r.refused(err, "InvalidSubnet.Range", "invalid")
		_, err = r.ec2().DeleteVpc(r.Context(), &ec2.DeleteVpcInput{VpcId: id})
		r.refused(err, "DependencyViolation", "dependencies")
		_, err = r.ec2().DeleteSubnet(r.Context(), &ec2.DeleteSubnetInput{SubnetId: s.Subnet.SubnetId})
		r.must(err)
		_, err = r.ec2().DeleteVpc(r.Context(), &ec2.DeleteVpcInput{VpcId: id})
		r.must(err)
	})
}

func TestInterfaces(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		group := r.group("eni")
		l := r.sim.cellOf(homeAccount, "us-east-1")
		spec := interfaceSpec{Subnet: homeSubnetB, Groups: []string{group}, Type: "vpc_endpoint", Description: "VPC Endpoint Interface vpce-1", RequesterManaged: true}
		first, err := r.sim.newInterface(l, spec)
		r.must(err)
		spec.Address = first.Address
		_, err = r.sim.newInterface(l, spec)
		r.refusedBy(err, "InvalidIPAddress.InUse")
		spec.Address = "10.0.2.1"
		_, err = r.sim.newInterface(l, spec)
		r.refusedBy(err, "InvalidParameterValue")
		spec.Address = "10.0.2.9"
		second, err := r.sim.newInterface(l, spec)
		r.must(err)
		spec.Address = ""
		_, err = r.sim.newInterface(l, spec)
		r.refusedBy(err, "InsufficientFreeAddressesInSubnet")

		out, err := r.ec2().DescribeNetworkInterfaces(r.Context(), &ec2.DescribeNetworkInterfacesInput{Filters: byFilter("group-id", group)})
		r.must(err)
		if len(out.NetworkInterfaces) != 2 || *out.NetworkInterfaces[0].PrivateIpAddress != "10.0.2.4" || *out.NetworkInterfaces[1].PrivateIpAddress != "10.0.2.9" {
			t.Errorf("%+v", out.NetworkInterfaces)
		}
		_, err = r.ec2().DescribeNetworkInterfaces(r.Context(), &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{first.ID}, MaxResults: aws.Int32(5)})
		r.refused(err, "InvalidParameterCombination", "maxResults")
		_, err = r.ec2().DeleteSecurityGroup(r.Context(), &ec2.DeleteSecurityGroupInput{GroupId: &group})
		r.refused(err, "DependencyViolation", group+" has a dependent object")
		r.sim.dropInterface(l, first.ID)
		r.sim.dropInterface(l, second.ID)
		r.sim.dropInterface(l, second.ID)
		if left := l.Network.Subnets.get(homeSubnetB).Available; left != 2 {
			t.Errorf("%d addresses left, want 2", left)
		}
		_, err = r.ec2().DeleteSecurityGroup(r.Context(), &ec2.DeleteSecurityGroupInput{GroupId: &group})
		r.must(err)
	})
}

// refusedBy checks a refusal that has not been over the wire.
func (r *rig) refusedBy(err error, code string) {
	r.Helper()
	if refusal := refusalOf(errOrNone(err)); refusal.Code != code {
		r.Errorf("got %v, want %s", err, code)
	}
}

func errOrNone(err error) error {
	if err == nil {
		return refuse("none", "no refusal")
	}
	return err
}

func TestTags(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		group := r.group("tagged", "a", "1", "b", "2")
		tag := func(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }
		_, err := r.ec2().CreateTags(r.Context(), &ec2.CreateTagsInput{Resources: []string{group, homeSubnetA}, Tags: []types.Tag{tag("b", "3"), tag("c", "")}})
		r.must(err)
		shown := func() string {
			out, err := r.ec2().DescribeTags(r.Context(), &ec2.DescribeTagsInput{Filters: byFilter("resource-id", group)})
			r.must(err)
			text := ""
			for _, tag := range out.Tags {
				text += *tag.Key + "=" + *tag.Value + " "
			}
			return text
		}
		if got := shown(); got != "a=1 b=3 c= " {
			t.Errorf("tags %q", got)
		}
		_, err = r.ec2().DeleteTags(r.Context(), &ec2.DeleteTagsInput{Resources: []string{group}, Tags: []types.Tag{tag("a", "other"), {Key: aws.String("b")}}})
		r.must(err)
		if got := shown(); got != "a=1 c= " {
			t.Errorf("tags %q", got)
		}
		_, err = r.ec2().CreateTags(r.Context(), &ec2.CreateTagsInput{Resources: []string{"sg-0123456789abcdef0"}, Tags: []types.Tag{tag("x", "")}})
		r.refused(err, "InvalidID", "not valid")
		_, err = r.ec2().CreateTags(r.Context(), &ec2.CreateTagsInput{Resources: []string{group}, Tags: []types.Tag{tag("aws:x", "")}})
		r.refused(err, "InvalidParameterValue", "reserved")
		many := &ec2.CreateTagsInput{Resources: []string{group}}
		for i := range 50 {
			many.Tags = append(many.Tags, tag("k"+string(rune('A'+i)), ""))
		}
		_, err = r.ec2().CreateTags(r.Context(), many)
		r.refused(err, "TagLimitExceeded", "maximum")
		wrong := groupInput("wrong", "a", "b")
		wrong.TagSpecifications[0].ResourceType = types.ResourceTypeVpc
		_, err = r.ec2().CreateSecurityGroup(r.Context(), wrong)
		r.refused(err, "InvalidParameterValue", "'vpc' is not a valid taggable resource type")
	})
}

func TestPagesGoOnAtTheRightRow(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		var made []string
		for i := range 12 {
			made = append(made, r.group("g"+string(rune('a'+i)), "page", "yes"))
		}
		in := &ec2.DescribeSecurityGroupsInput{MaxResults: aws.Int32(5), Filters: byFilter("tag-key", "page")}
		first, err := r.ec2().DescribeSecurityGroups(r.Context(), in)
		r.must(err)
		_, err = r.ec2().DeleteSecurityGroup(r.Context(), &ec2.DeleteSecurityGroupInput{GroupId: &made[1]})
		r.must(err)
		seen := len(first.SecurityGroups)
		in.NextToken = first.NextToken
		second, err := r.ec2().DescribeSecurityGroups(r.Context(), in)
		r.must(err)
		if *second.SecurityGroups[0].GroupId != made[5] {
			t.Errorf("the second page begins with %s, want %s", *second.SecurityGroups[0].GroupId, made[5])
		}
		in.NextToken = second.NextToken
		third, err := r.ec2().DescribeSecurityGroups(r.Context(), in)
		r.must(err)
		if seen += len(second.SecurityGroups) + len(third.SecurityGroups); seen != 12 || third.NextToken != nil {
			t.Errorf("%d rows, last token %v", seen, third.NextToken)
		}
		_, err = r.ec2().DescribeVpcs(r.Context(), &ec2.DescribeVpcsInput{NextToken: in.NextToken})
		r.refused(err, "InvalidNextToken", "not valid")
	})
}

func TestListLag(t *testing.T) {
	w := coreWorld()
	w.Knobs.Latencies = map[string]time.Duration{"listLag": 10 * time.Second}
	inBubble(t, Options{World: w}, func(r *rig) {
		group := r.group("young")
		byID := &ec2.DescribeSecurityGroupsInput{GroupIds: []string{group}}
		_, err := r.ec2().DescribeSecurityGroups(r.Context(), byID)
		r.refused(err, "InvalidGroup.NotFound", group)
		time.Sleep(10 * time.Second)
		_, err = r.ec2().DescribeSecurityGroups(r.Context(), byID)
		r.must(err)
		_, err = r.ec2().DeleteSecurityGroup(r.Context(), &ec2.DeleteSecurityGroupInput{GroupId: &group})
		r.must(err)
		_, err = r.ec2().DescribeSecurityGroups(r.Context(), byID)
		r.must(err)
		_, err = r.ec2().DeleteSecurityGroup(r.Context(), &ec2.DeleteSecurityGroupInput{GroupId: &group})
		r.refused(err, "InvalidGroup.NotFound", group)
		time.Sleep(10 * time.Second)
		_, err = r.ec2().DescribeSecurityGroups(r.Context(), byID)
		r.refused(err, "InvalidGroup.NotFound", group)
	})
}

func TestGlob(t *testing.T) {
	for _, test := range []struct {
		glob, text string
		want       bool
	}{
		{"", "", true}, {"*", "", true}, {"a*c", "abbc", true}, {"a*c", "abb", false},
		{"a?c", "abc", true}, {"a?c", "ac", false}, {`\*`, "*", true}, {`\*`, "x", false},
		{"vpc-*", "vpc-1", true}, {"VPC-*", "vpc-1", false}, {"*a*b*", "xaxbx", true},
	} {
		if got := globMatch(test.glob, test.text); got != test.want {
			t.Errorf("%q on %q: %v", test.glob, test.text, got)
		}
	}
}
