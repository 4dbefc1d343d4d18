package awssim

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// graveTime is how long a deleted group is kept for lists that lag.
const graveTime = 15 * time.Minute

// A securityGroup is a set of rules that interfaces carry.
type securityGroup struct {
	ID, Name, Description, VPC string
	Default                    bool
	Rules                      table[*securityGroupRule]
	Created, Deleted           time.Time
	Tags                       tags
}

func securityGroupOperations() map[string]operation {
	return map[string]operation{
		"CreateSecurityGroup":    createSecurityGroup,
		"DescribeSecurityGroups": describeSecurityGroups,
		"DeleteSecurityGroup":    deleteSecurityGroup,
		"AuthorizeSecurityGroupIngress": func(c *call) (M, error) {
			return authorizeRules(c, false)
		},
		"AuthorizeSecurityGroupEgress": func(c *call) (M, error) {
			return authorizeRules(c, true)
		},
		"RevokeSecurityGroupIngress": func(c *call) (M, error) {
			return revokeRules(c, false)
		},
		"RevokeSecurityGroupEgress": func(c *call) (M, error) {
			return revokeRules(c, true)
		},
		"DescribeSecurityGroupRules": describeSecurityGroupRules,
		"ModifySecurityGroupRules":   modifySecurityGroupRules,
	}
}

// securityGroup finds a group, or refuses with InvalidGroup.NotFound.
func (c *call) securityGroup(id string) (*securityGroup, error) {
	if g := c.cell().Network.SecurityGroups.get(id); g != nil {
		return g, nil
	}
	return nil, missingGroup(id)
}

func missingGroup(id string) *Error {
	return notFound("sg", "InvalidGroup", "The security group '%s' does not exist", id)
}

// defaultGroup returns a VPC's default security group.
func (c *call) defaultGroup(vpcID string) *securityGroup {
	for _, g := range c.cell().Network.SecurityGroups.all() {
		if g.VPC == vpcID && g.Default {
			return g
		}
	}
	return nil
}

// namedGroup finds the group a request names by GroupId, or by GroupName in
// the default VPC.
func (c *call) namedGroup() (*securityGroup, error) {
	if c.in.has("GroupId") {
		return c.securityGroup(c.in.str("GroupId"))
	}
	name := c.in.str("GroupName")
	if name == "" {
		return nil, refuse("MissingParameter", "The request must contain the parameter groupName or groupId")
	}
	for _, g := range c.cell().Network.SecurityGroups.all() {
		if v := c.cell().Network.Vpcs.get(g.VPC); g.Name == name && v != nil && v.Default {
			return g, nil
		}
	}
	return nil, refuse("InvalidGroup.NotFound", "The security group '%s' does not exist in default VPC", name)
}

// addDefaultGroup gives a VPC the group every VPC has: everything between its
// members comes in, everything goes out.
func (s *Sim) addDefaultGroup(l *cell, vpcID string) {
	g := s.addGroup(l, &securityGroup{
		ID: s.newID("sg"), Name: "default", Description: "default VPC security group",
		VPC: vpcID, Default: true, Tags: tags{},
	})
	s.addRule(g, &securityGroupRule{Protocol: "-1", From: -1, To: -1, Group: g.ID, GroupOwner: l.Account})
}

// addGroup stores a group with the egress rule that every new one has.
func (s *Sim) addGroup(l *cell, g *securityGroup) *securityGroup {
	s.addRule(g, &securityGroupRule{Egress: true, Protocol: "-1", From: -1, To: -1, CIDR: "0.0.0.0/0"})
	l.Network.SecurityGroups.put(g.ID, g)
	return g
}

func createSecurityGroup(c *call) (M, error) {
	name, description := c.in.str("GroupName"), c.in.str("Description")
	if err := checkGroupText(name, description); err != nil {
		return nil, err
	}
	vpcID := c.in.str("VpcId")
	if vpcID == "" {
		return nil, refuse("VPCIdNotSpecified", "No default VPC for this user")
	}
	if _, err := c.vpc(vpcID); err != nil {
		return nil, err
	}
	groups := c.cell().Network.SecurityGroups.all()
	if slices.ContainsFunc(groups, func(g *securityGroup) bool { return g.VPC == vpcID && g.Name == name }) {
		return nil, refuse("InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", name, vpcID)
	}
	if len(groups) >= c.quota("securityGroupsPerRegion") {
		return nil, refuse("SecurityGroupLimitExceeded", "The maximum number of security groups has been reached.")
	}
	t, err := c.tagSpec("security-group")
	if err != nil {
		return nil, err
	}
	g := c.sim.addGroup(c.cell(), &securityGroup{
		ID: c.newID("sg"), Name: name, Description: description, VPC: vpcID, Created: c.now, Tags: t,
	})
	return M{"GroupId": g.ID, "Tags": tagItems(g.Tags), "SecurityGroupArn": c.groupARN(g)}, nil
}

func (c *call) groupARN(g *securityGroup) string { return c.arn("ec2", "security-group/"+g.ID) }

// groupCharacters are what names and descriptions may hold besides letters and
// digits. (CreateSecurityGroup, EC2 API Reference.)
const groupCharacters = " ._-:/()#,@[]+=&;{}!$*"

func checkGroupText(name, description string) error {
	switch {
	case !groupText(name):
		return refuse("InvalidParameterValue", "Value (%s) for parameter GroupName is invalid. Valid names are up to 255 characters from a-z, A-Z, 0-9 and %s", name, groupCharacters)
	case strings.HasPrefix(name, "sg-"):
		return refuse("InvalidParameterValue", "Value (%s) for parameter GroupName is invalid. Group names may not be in the format sg-*.", name)
	case name == "default":
		return refuse("InvalidParameterValue", "Cannot use reserved security group name: default")
	case !groupText(description):
		return refuse("InvalidParameterValue", "Value (%s) for parameter GroupDescription is invalid. Invalid security group description. Valid descriptions are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*", description)
	}
	return nil
}

func groupText(text string) bool {
	n := utf8.RuneCountInString(text)
	return n > 0 && n <= 255 && !strings.ContainsFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(groupCharacters, r))
	})
}

func describeSecurityGroups(c *call) (M, error) {
	n := &c.cell().Network
	rows := append(n.SecurityGroups.all(), n.Graves...)
	if names := c.in.strs("GroupNames"); len(names) > 0 {
		rows = slices.DeleteFunc(rows, func(g *securityGroup) bool { return !slices.Contains(names, g.Name) })
		if len(rows) == 0 {
			return nil, refuse("InvalidGroup.NotFound", "The security group '%s' does not exist in default VPC", names[0])
		}
	}
	by := listing[*securityGroup]{
		IDs: "GroupIds", Key: groupID, Missing: missingGroup,
		Tags: func(g *securityGroup) tags { return g.Tags },
		Life: func(g *securityGroup) (time.Time, time.Time) { return g.Created, g.Deleted },
		Filters: filterSet[*securityGroup]{
			"description":                   one(func(g *securityGroup) string { return g.Description }),
			"group-id":                      one(groupID),
			"group-name":                    one(func(g *securityGroup) string { return g.Name }),
			"owner-id":                      one(func(*securityGroup) string { return c.account }),
			"vpc-id":                        one(func(g *securityGroup) string { return g.VPC }),
			"ip-permission.cidr":            ruleField(false, func(r *securityGroupRule) string { return r.CIDR }),
			"ip-permission.group-id":        ruleField(false, func(r *securityGroupRule) string { return r.Group }),
			"ip-permission.protocol":        ruleField(false, func(r *securityGroupRule) string { return r.Protocol }),
			"egress.ip-permission.cidr":     ruleField(true, func(r *securityGroupRule) string { return r.CIDR }),
			"egress.ip-permission.group-id": ruleField(true, func(r *securityGroupRule) string { return r.Group }),
			"egress.ip-permission.protocol": ruleField(true, func(r *securityGroupRule) string { return r.Protocol }),
		},
	}
	return by.reply(c, allAsRead(c, rows, groupID), "SecurityGroups", c.securityGroupItem)
}

func groupID(g *securityGroup) string { return g.ID }

// ruleField is a filter on the rules of a group in one direction.
func ruleField(egress bool, field func(*securityGroupRule) string) func(*securityGroup) []string {
	return func(g *securityGroup) []string {
		var values []string
		for _, r := range g.Rules.all() {
			if r.Egress == egress {
				values = append(values, field(r))
			}
		}
		return values
	}
}

func (c *call) securityGroupItem(g *securityGroup) M {
	return M{
		"GroupId": g.ID, "GroupName": g.Name, "Description": g.Description,
		"VpcId": g.VPC, "OwnerId": c.account, "SecurityGroupArn": c.groupARN(g),
		"IpPermissions": permissions(g, false), "IpPermissionsEgress": permissions(g, true),
		"Tags": tagItems(g.Tags),
	}
}

// deleteSecurityGroup is refused while an interface carries the group or a rule
// of another group refers to it.
func deleteSecurityGroup(c *call) (M, error) {
	g, err := c.namedGroup()
	if err != nil {
		return nil, err
	}
	if g.Default {
		return nil, refuse("CannotDelete", "the specified group: \"%s\" name: \"default\" cannot be deleted by a user", g.ID)
	}
	n := &c.cell().Network
	for _, i := range n.Interfaces.all() {
		if slices.Contains(i.Groups, g.ID) {
			return nil, refuse("DependencyViolation", "resource %s has a dependent object", g.ID)
		}
	}
	for _, other := range n.SecurityGroups.all() {
		for _, r := range other.Rules.all() {
			if other.ID != g.ID && r.Group == g.ID {
				return nil, refuse("DependencyViolation", "resource %s has a dependent object", g.ID)
			}
		}
	}
	n.SecurityGroups.drop(g.ID)
	g.Deleted = c.now
	n.Graves = slices.DeleteFunc(n.Graves, func(old *securityGroup) bool { return c.now.Sub(old.Deleted) > graveTime })
	n.Graves = append(n.Graves, g)
	return M{"Return": true, "GroupId": g.ID}, nil
}
