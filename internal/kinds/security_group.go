package kinds

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// securityGroup is the filter in front of a load balancer or on a managed
// endpoint's network interfaces, with all of its rules.
func securityGroup() Def[securityGroupSpec] {
	return Def[securityGroupSpec]{
		Name:  "security-group",
		Trait: planner.Trait{Rank: 10},
		Type:  "ec2:security-group",
		Marks: ec2Marks(),
		Reads: []string{"ec2:DescribeSecurityGroups"},
		Writes: []string{
			"ec2:CreateSecurityGroup", "ec2:DeleteSecurityGroup", "ec2:CreateTags",
			"ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress",
			"ec2:AuthorizeSecurityGroupEgress", "ec2:RevokeSecurityGroupEgress",
		},
		Want:   wantSecurityGroups,
		List:   listSecurityGroups,
		Create: createSecurityGroup,
		Update: updateSecurityGroup,
		Delete: deleteSecurityGroup,
	}
}

// A securityGroupSpec holds rules as text, see rule.
type securityGroupSpec struct {
	VPC     string   `json:"vpc" plan:"replace"`
	Ingress []string `json:"ingress"`
	Egress  []string `json:"egress"`
}

func wantSecurityGroups(f *schema.Fleet, _ planner.State) []Item[securityGroupSpec] {
	var items []Item[securityGroupSpec]
	for s := range services(f) {
		items = append(items, Item[securityGroupSpec]{
			Resource: planner.Resource{Addr: addrBalancerGroup(s), Group: groupOf(s, nil), Origin: s.LoadBalancer.Pos.Short()},
			Spec:     groupSpec(s.LoadBalancer.VPC, s, s.LoadBalancer.SecurityGroup.From),
		})
		for c := range managed(s) {
			items = append(items, Item[securityGroupSpec]{
				Resource: planner.Resource{Addr: addrEndpointGroup(s, c), Group: groupOf(s, c), Origin: c.Endpoint.Pos.Short()},
				Spec:     groupSpec(c.Endpoint.VPC, s, c.Endpoint.From),
			})
		}
	}
	return items
}

// groupSpec lets the blocks in on every listener port of s. Everything may
// go out, as in a new group of AWS's: answers need no rule, and a load
// balancer must reach its targets and check their health.
func groupSpec(vpc string, s *schema.Service, from []string) securityGroupSpec {
	spec := securityGroupSpec{VPC: vpc, Egress: []string{allOut}}
	for l := range listeners(s) {
		for _, cidr := range from {
			spec.Ingress = append(spec.Ingress, tcpRule(l.Port, cidr))
		}
	}
	slices.Sort(spec.Ingress)
	spec.Ingress = slices.Compact(spec.Ingress)
	return spec
}

func listSecurityGroups(ctx context.Context, p *Place) ([]Item[securityGroupSpec], error) {
	var items []Item[securityGroupSpec]
	for _, filters := range p.candidates("security-group", "group-id") {
		err := p.eachSecurityGroup(ctx, filters, func(g ec2types.SecurityGroup) {
			if it, ok := readSecurityGroup(p, g); ok {
				items = append(items, it)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return items, nil
}

// eachSecurityGroup goes through all pages of a filtered list.
func (p *Place) eachSecurityGroup(ctx context.Context, filters []ec2types.Filter, do func(ec2types.SecurityGroup)) error {
	pages := ec2.NewDescribeSecurityGroupsPaginator(p.EC2, &ec2.DescribeSecurityGroupsInput{Filters: filters, MaxResults: aws.Int32(1000)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, g := range page.SecurityGroups {
			do(g)
		}
	}
	return nil
}

func readSecurityGroup(p *Place, g ec2types.SecurityGroup) (Item[securityGroupSpec], bool) {
	id := aws.ToString(g.GroupId)
	addr, ok := p.whose("security-group", id, ec2Tag(g.Tags))
	if !ok {
		return Item[securityGroupSpec]{}, false
	}
	return Item[securityGroupSpec]{
		Resource: planner.Resource{Addr: addr, Group: groupFromName(addr), ID: id, Outputs: planner.Outputs{"id": id}},
		Spec:     groupAsItIs(g),
	}, true
}

func groupAsItIs(g ec2types.SecurityGroup) securityGroupSpec {
	return securityGroupSpec{
		VPC:     aws.ToString(g.VpcId),
		Ingress: rulesOf(g.IpPermissions),
		Egress:  slices.DeleteFunc(rulesOf(g.IpPermissionsEgress), isDefaultIPv6Out),
	}
}

func createSecurityGroup(ctx context.Context, p *Place, want Item[securityGroupSpec]) (applier.Made, error) {
	name := p.awsName(want.Addr, want.Spec.VPC)
	out, err := p.EC2.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{
		GroupName:         aws.String(name),
		Description:       aws.String(fmt.Sprintf("linkfleet %s: %s", p.Fleet, want.Addr.Name)),
		VpcId:             aws.String(want.Spec.VPC),
		TagSpecifications: p.ec2Tags(ec2types.ResourceTypeSecurityGroup, want.Addr),
	})
	made := Item[securityGroupSpec]{Resource: want.Resource, Spec: securityGroupSpec{VPC: want.Spec.VPC, Egress: []string{allOut}}}
	switch {
	case awsapi.Code(err) == "InvalidGroup.Duplicate":
		if made, err = findSecurityGroup(ctx, p, want, name); err != nil {
			return applier.Made{}, err
		}
	case err != nil:
		return applier.Made{}, err
	default:
		made.ID = aws.ToString(out.GroupId)
	}
	return updateSecurityGroup(ctx, p, made, want)
}

// findSecurityGroup finds the group whose creation was not answered.
// CreateSecurityGroup takes no idempotency token, but names are unique in a
// VPC and ours come from the address: a group of that name without our tags
// is somebody else's.
func findSecurityGroup(ctx context.Context, p *Place, want Item[securityGroupSpec], name string) (Item[securityGroupSpec], error) {
	out, err := p.EC2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: []ec2types.Filter{
		{Name: aws.String("vpc-id"), Values: []string{want.Spec.VPC}},
		{Name: aws.String("group-name"), Values: []string{name}},
	}})
	if err != nil {
		return Item[securityGroupSpec]{}, err
	}
	for _, g := range out.SecurityGroups {
		if it, ok := readSecurityGroup(p, g); ok && it.Addr == want.Addr {
			return it, nil
		}
	}
	if len(out.SecurityGroups) == 0 {
		return Item[securityGroupSpec]{}, applier.Busy{Err: fmt.Errorf("AWS has a security group named %s in %s but does not list it yet", name, want.Spec.VPC)}
	}
	return Item[securityGroupSpec]{}, fmt.Errorf("a security group named %s stands in %s and is not of fleet %s; delete or rename it", name, want.Spec.VPC, p.Fleet)
}

// updateSecurityGroup opens what is missing before it closes what is too
// much, so that a client whose rule is only written another way is not cut.
func updateSecurityGroup(ctx context.Context, p *Place, was, want Item[securityGroupSpec]) (applier.Made, error) {
	id := aws.String(was.ID)
	in, out := differ(was.Spec.Ingress, want.Spec.Ingress), differ(was.Spec.Egress, want.Spec.Egress)
	made := applier.Made{ID: was.ID, Outputs: planner.Outputs{"id": was.ID}}
	for _, change := range []ruleChange{
		{in.missing, "InvalidPermission.Duplicate", func(perms []ec2types.IpPermission) error {
			_, err := p.EC2.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: id, IpPermissions: perms})
			return err
		}},
		{out.missing, "InvalidPermission.Duplicate", func(perms []ec2types.IpPermission) error {
			_, err := p.EC2.AuthorizeSecurityGroupEgress(ctx, &ec2.AuthorizeSecurityGroupEgressInput{GroupId: id, IpPermissions: perms})
			return err
		}},
		{in.extra, "InvalidPermission.NotFound", func(perms []ec2types.IpPermission) error {
			_, err := p.EC2.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: id, IpPermissions: perms})
			return err
		}},
		{out.extra, "InvalidPermission.NotFound", func(perms []ec2types.IpPermission) error {
			_, err := p.EC2.RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{GroupId: id, IpPermissions: perms})
			return err
		}},
	} {
		if err := change.apply(); err != nil {
			return made, err
		}
	}
	return made, nil
}

// A ruleChange adds or removes rules by one call. The code done says that
// AWS already has it so.
type ruleChange struct {
	rules []string
	done  string
	call  func([]ec2types.IpPermission) error
}

// apply makes one call for all rules, or one for each where AWS refuses the
// lot because one of them is already as it should be.
func (c ruleChange) apply() error {
	perms, err := permissionsOf(c.rules)
	if err != nil || len(perms) == 0 {
		return err
	}
	if err := c.call(perms); awsapi.Code(err) != c.done || len(perms) == 1 {
		return c.unlessDone(err)
	}
	for i := range perms {
		if err := c.unlessDone(c.call(perms[i : i+1])); err != nil {
			return err
		}
	}
	return nil
}

func (c ruleChange) unlessDone(err error) error {
	if awsapi.Code(err) == c.done {
		return nil
	}
	return err
}

// deleteSecurityGroup may find the group still on an interface that its
// owner is taking down: AWS then answers DependencyViolation for a while.
func deleteSecurityGroup(ctx context.Context, p *Place, was Item[securityGroupSpec]) error {
	_, err := p.EC2.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: aws.String(was.ID)})
	return unlessGone(err)
}
