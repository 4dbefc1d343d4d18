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
	made := applier.Made{ID: was.ID, Outputs: planner.Outputs{"id": was.ID}}
	in := &ruleSwap{
		difference: differ(was.Spec.Ingress, want.Spec.Ingress), standing: len(was.Spec.Ingress),
		authorize: func(perms []ec2types.IpPermission) error {
			_, err := p.EC2.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: id, IpPermissions: perms})
			return err
		},
		revoke: func(perms []ec2types.IpPermission) error {
			_, err := p.EC2.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: id, IpPermissions: perms})
			return err
		},
	}
	out := &ruleSwap{
		difference: differ(was.Spec.Egress, want.Spec.Egress), standing: len(was.Spec.Egress),
		authorize: func(perms []ec2types.IpPermission) error {
			_, err := p.EC2.AuthorizeSecurityGroupEgress(ctx, &ec2.AuthorizeSecurityGroupEgressInput{GroupId: id, IpPermissions: perms})
			return err
		},
		revoke: func(perms []ec2types.IpPermission) error {
			_, err := p.EC2.RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{GroupId: id, IpPermissions: perms})
			return err
		},
	}
	for _, step := range []func() error{in.open, out.open, in.shut, out.shut} {
		if err := step(); err != nil {
			return made, err
		}
	}
	return made, nil
}

// rulesPerGroup is how many rules a group has room for in each direction, unless
// AWS has raised it for the account.
// https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-security-groups
const rulesPerGroup = 60

// A ruleSwap is the change of a group's rules in one direction.
type ruleSwap struct {
	difference
	standing          int // rules before
	authorize, revoke func([]ec2types.IpPermission) error
}

// open adds what is missing. Where old and new together do not fit, they take
// turns.
func (s *ruleSwap) open() error {
	err := s.add(s.missing)
	wanted := s.standing + len(s.missing) - len(s.extra)
	if !isFull(err) || wanted > max(s.standing, rulesPerGroup) {
		return err
	}
	return s.takeTurns()
}

// rulesPerTurn is how many rules give way at once in a group without any room.
const rulesPerTurn = 10

// takeTurns adds as many of the new rules as fit, takes as many of the old away,
// and so on. Both are in the order of their blocks, so a block's old rule goes
// when its new one is there, or, in a group without any room, just before.
func (s *ruleSwap) takeTurns() error {
	for room := max(rulesPerGroup-s.standing, 0); ; {
		added := min(room, len(s.missing))
		err := s.add(s.missing[:added])
		if isFull(err) { // less room than usual, or rules that count for many
			added, room, err = 0, 0, nil
		}
		s.missing = s.missing[added:]
		if err != nil || len(s.missing) == 0 {
			return err
		}
		removed := min(max(added, rulesPerTurn), len(s.missing), len(s.extra))
		if removed == 0 {
			return s.add(s.missing) // and hear what AWS says
		}
		if err := s.remove(s.extra[:removed]); err != nil {
			return err
		}
		s.extra = s.extra[removed:]
		room += removed - added
	}
}

// shut takes away what is too much.
func (s *ruleSwap) shut() error { return s.remove(s.extra) }

func (s *ruleSwap) add(rules []string) error {
	return ruleChange{rules, "InvalidPermission.Duplicate", s.authorize}.apply()
}

func (s *ruleSwap) remove(rules []string) error {
	return ruleChange{rules, "InvalidPermission.NotFound", s.revoke}.apply()
}

func isFull(err error) bool { return awsapi.Code(err) == "RulesPerSecurityGroupLimitExceeded" }

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
