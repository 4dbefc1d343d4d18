package awssim

import (
	"cmp"
	"fmt"
	"strings"
)

// A securityGroupRule admits one peer: a CIDR, an IPv6 CIDR, a prefix list or
// a group.
type securityGroupRule struct {
	ID                string
	Egress            bool
	Protocol          string // tcp, udp, icmp, icmpv6, a number, or -1 for all
	From, To          int64  // ports, or ICMP type and code; -1 for all
	CIDR, CIDR6       string
	PrefixList        string
	Group, GroupOwner string
	Description       string
	Tags              tags
}

// peer is what a rule admits.
func (r *securityGroupRule) peer() string {
	return cmp.Or(r.CIDR, r.CIDR6, r.PrefixList, r.Group)
}

// same tells whether two rules admit the same; descriptions do not count.
func (r *securityGroupRule) same(other *securityGroupRule) bool {
	return r.Egress == other.Egress && r.Protocol == other.Protocol &&
		r.From == other.From && r.To == other.To && r.peer() == other.peer()
}

// addRule stores a rule under an id of its own.
func (s *Sim) addRule(g *securityGroup, r *securityGroupRule) {
	r.ID = s.newID("sgr")
	if r.Tags == nil {
		r.Tags = tags{}
	}
	g.Rules.put(r.ID, r)
}

// authorizeRules adds rules, all or none.
func authorizeRules(c *call, egress bool) (M, error) {
	g, err := c.namedGroup()
	if err != nil {
		return nil, err
	}
	rules, err := c.rulesOf(g, egress)
	if err != nil {
		return nil, err
	}
	t, err := c.tagSpec("security-group-rule")
	if err != nil {
		return nil, err
	}
	for _, r := range rules {
		if g.find(r) != nil {
			return nil, refuse("InvalidPermission.Duplicate", "the specified rule \"%s\" already exists", r)
		}
	}
	if err := c.checkRuleQuota(g, rules, egress); err != nil {
		return nil, err
	}
	for _, r := range rules {
		r.Tags = make(tags, len(t))
		for k, v := range t {
			r.Tags[k] = v
		}
		c.sim.addRule(g, r)
	}
	return M{"Return": true, "SecurityGroupRules": listBy(rules, func(r *securityGroupRule) M { return c.ruleItem(g, r) })}, nil
}

// String describes a rule as EC2's messages do.
func (r *securityGroupRule) String() string {
	protocol := strings.ToUpper(r.Protocol)
	if r.Protocol == "-1" {
		return fmt.Sprintf("peer: %s, ALL, ALLOW", r.peer())
	}
	return fmt.Sprintf("peer: %s, %s, from port: %d, to port: %d, ALLOW", r.peer(), protocol, r.From, r.To)
}

// find returns the rule that admits the same, nil if there is none.
func (g *securityGroup) find(like *securityGroupRule) *securityGroupRule {
	for _, r := range g.Rules.all() {
		if r.same(like) {
			return r
		}
	}
	return nil
}

// checkRuleQuota counts each direction by itself, and IPv4 and IPv6 apart; a
// rule on a group or prefix list counts for both.
func (c *call) checkRuleQuota(g *securityGroup, more []*securityGroupRule, egress bool) error {
	four, six := 0, 0
	for _, r := range append(g.Rules.all(), more...) {
		if r.Egress != egress {
			continue
		}
		if r.CIDR6 == "" {
			four++
		}
		if r.CIDR == "" {
			six++
		}
	}
	if max(four, six) > c.quota("rulesPerSecurityGroup") {
		return refuse("RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached.")
	}
	return nil
}

// revokeRules takes rules off, by id or by what they admit; all or none.
func revokeRules(c *call, egress bool) (M, error) {
	g, err := c.namedGroup()
	if err != nil {
		return nil, err
	}
	gone, err := c.revoked(g, egress)
	if err != nil {
		return nil, err
	}
	for _, r := range gone {
		g.Rules.drop(r.ID)
	}
	return M{"Return": true, "UnknownIpPermissions": []any{}, "RevokedSecurityGroupRules": listBy(gone, func(r *securityGroupRule) M {
		item := c.ruleItem(g, r)
		delete(item, "Tags")
		delete(item, "GroupOwnerId")
		delete(item, "SecurityGroupRuleArn")
		delete(item, "ReferencedGroupInfo")
		if r.Group != "" {
			item["ReferencedGroupId"] = r.Group
		}
		return item
	})}, nil
}

// revoked finds the rules a request means to revoke.
func (c *call) revoked(g *securityGroup, egress bool) ([]*securityGroupRule, error) {
	var gone []*securityGroupRule
	for _, id := range c.in.strs("SecurityGroupRuleIds") {
		r := g.Rules.get(id)
		if r == nil || r.Egress != egress {
			return nil, missingRule(id)
		}
		gone = append(gone, r)
	}
	if len(gone) > 0 {
		return gone, nil
	}
	wanted, err := c.rulesOf(g, egress)
	if err != nil {
		return nil, err
	}
	for _, like := range wanted {
		r := g.find(like)
		if r == nil {
			return nil, refuse("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
		}
		gone = append(gone, r)
	}
	return gone, nil
}

func missingRule(id string) *Error {
	return notFound("sgr", "InvalidSecurityGroupRuleId", "The security group rule ID '%s' does not exist", id)
}

// A groupRule is a rule with the group it belongs to.
type groupRule struct {
	*securityGroupRule
	group *securityGroup
}

func describeSecurityGroupRules(c *call) (M, error) {
	var rows []groupRule
	for _, g := range c.cell().Network.SecurityGroups.all() {
		if !c.visible(g.Created, g.Deleted) {
			continue
		}
		for _, r := range asRead(c, g.ID, g).Rules.all() {
			rows = append(rows, groupRule{r, g})
		}
	}
	by := listing[groupRule]{
		IDs: "SecurityGroupRuleIds", Key: func(r groupRule) string { return r.ID }, Missing: missingRule,
		Tags: func(r groupRule) tags { return r.Tags },
		Filters: filterSet[groupRule]{
			"group-id":               one(func(r groupRule) string { return r.group.ID }),
			"security-group-rule-id": one(func(r groupRule) string { return r.ID }),
		},
	}
	return by.reply(c, rows, "SecurityGroupRules", func(r groupRule) M { return c.ruleItem(r.group, r.securityGroupRule) })
}

func (c *call) ruleItem(g *securityGroup, r *securityGroupRule) M {
	item := M{
		"SecurityGroupRuleId": r.ID, "GroupId": g.ID, "GroupOwnerId": c.account, "IsEgress": r.Egress,
		"IpProtocol": r.Protocol, "FromPort": r.From, "ToPort": r.To,
		"SecurityGroupRuleArn": c.arn("ec2", "security-group-rule/"+r.ID), "Tags": tagItems(r.Tags),
	}
	for name, value := range map[string]string{
		"CidrIpv4": r.CIDR, "CidrIpv6": r.CIDR6, "PrefixListId": r.PrefixList, "Description": r.Description,
	} {
		if value != "" {
			item[name] = value
		}
	}
	if r.Group != "" {
		item["ReferencedGroupInfo"] = M{"GroupId": r.Group, "UserId": r.GroupOwner}
	}
	return item
}

// modifySecurityGroupRules rewrites rules in place; they keep their ids.
func modifySecurityGroupRules(c *call) (M, error) {
	g, err := c.namedGroup()
	if err != nil {
		return nil, err
	}
	changed := make(map[string]*securityGroupRule)
	for _, update := range c.in.list("SecurityGroupRules") {
		old := g.Rules.get(update.str("SecurityGroupRuleId"))
		if old == nil {
			return nil, missingRule(update.str("SecurityGroupRuleId"))
		}
		r, err := c.rewritten(g, old, update.sub("SecurityGroupRule"))
		if err != nil {
			return nil, err
		}
		if twin := g.find(r); twin != nil && twin.ID != r.ID {
			return nil, refuse("InvalidPermission.Duplicate", "the specified rule \"%s\" already exists", r)
		}
		changed[r.ID] = r
	}
	for id, r := range changed {
		g.Rules.put(id, r)
	}
	return M{"Return": true}, nil
}

// rewritten is a rule as a SecurityGroupRuleRequest wants it, which must be
// complete.
func (c *call) rewritten(g *securityGroup, old *securityGroupRule, want M) (*securityGroupRule, error) {
	r := &securityGroupRule{ID: old.ID, Egress: old.Egress, Description: want.str("Description"), Tags: old.Tags}
	if err := readPorts(r, want); err != nil {
		return nil, err
	}
	peers := 0
	for _, name := range []string{"CidrIpv4", "CidrIpv6", "PrefixListId", "ReferencedGroupId"} {
		if want.str(name) != "" {
			peers++
		}
	}
	if peers != 1 {
		return nil, refuse("InvalidParameterValue", "Specify exactly one of CidrIpv4, CidrIpv6, PrefixListId and ReferencedGroupId")
	}
	var err error
	switch {
	case want.has("CidrIpv4"):
		r.CIDR, err = cidr(want.str("CidrIpv4"), true)
	case want.has("CidrIpv6"):
		r.CIDR6, err = cidr(want.str("CidrIpv6"), false)
	case want.has("PrefixListId"):
		r.PrefixList = want.str("PrefixListId")
	default:
		err = c.readGroupPair(g, r, M{"GroupId": want.str("ReferencedGroupId")})
	}
	return r, err
}
