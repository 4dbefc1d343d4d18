package awssim

import (
	"cmp"
	"slices"
	"time"
)

// A targetGroup is a set of targets with the health check that judges them.
type targetGroup struct {
	ARN, Name       string
	Protocol        string
	ProtocolVersion string // HTTP1 and so on, for application load balancers
	Port            int64
	VPC             string
	TargetType      string // instance, ip, alb
	IPAddressType   string
	HealthCheck     healthCheck
	Targets         []*target
	Attributes      map[string]string
	Tags            tags
	Created         time.Time
	Deleted         time.Time // zero while it stands
	AttachedAt      time.Time // when the first listener began to use it; zero: none does
	ReleasedAt      time.Time // when the last listener ceased to use it
}

// ofApplication tells whether the group belongs behind an application load
// balancer, by its protocol.
func (g *targetGroup) ofApplication() bool { return g.Protocol == "HTTP" || g.Protocol == "HTTPS" }

func targetGroupOperations() map[string]operation {
	return map[string]operation{
		"CreateTargetGroup":             createTargetGroup,
		"DescribeTargetGroups":          describeTargetGroups,
		"ModifyTargetGroup":             modifyTargetGroup,
		"DeleteTargetGroup":             deleteTargetGroup,
		"DescribeTargetGroupAttributes": describeTargetGroupAttributes,
		"ModifyTargetGroupAttributes":   modifyTargetGroupAttributes,
	}
}

// targetGroup returns the target group of an ARN, nil if there is none.
func (l *cell) targetGroup(arn string) *targetGroup {
	if g := l.Balancing.TargetGroups.get(arn); g != nil && g.Deleted.IsZero() {
		return g
	}
	return nil
}

// groupFor finds the standing target group that an operation names.
func (c *call) groupFor(arn string) (*targetGroup, error) {
	if !isBalancingARN(arn, "targetgroup/") {
		return nil, refuse("ValidationError", "'%s' is not a valid target group ARN", arn)
	}
	if g := c.cell().targetGroup(arn); g != nil {
		return g, nil
	}
	return nil, refuse("TargetGroupNotFound", "Target groups '[%s]' not found", arn)
}

// createTargetGroup is idempotent as createLoadBalancer is.
func createTargetGroup(c *call) (M, error) {
	want, err := c.wantedTargetGroup()
	if err != nil {
		return nil, err
	}
	standing := slices.DeleteFunc(c.cell().Balancing.TargetGroups.all(), func(g *targetGroup) bool { return !g.Deleted.IsZero() })
	for _, have := range standing {
		if have.Name != want.Name {
			continue
		}
		if !have.sameSettings(want) {
			return nil, refuse("DuplicateTargetGroupName",
				"A target group with the same name '%s' exists, but with different settings", want.Name)
		}
		return M{"TargetGroups": []any{c.groupItem(have)}}, nil
	}
	if len(standing) >= c.quota("targetGroupsPerRegion") {
		return nil, refuse("TooManyTargetGroups", "The maximum number of target groups has been reached")
	}
	want.ARN = c.arn("elasticloadbalancing", "targetgroup/"+want.Name+"/"+c.newHex(16))
	want.Created = c.now
	c.cell().Balancing.TargetGroups.put(want.ARN, want)
	return M{"TargetGroups": []any{c.groupItem(want)}}, nil
}

func (g *targetGroup) sameSettings(want *targetGroup) bool {
	return g.Protocol == want.Protocol && g.ProtocolVersion == want.ProtocolVersion && g.Port == want.Port &&
		g.VPC == want.VPC && g.TargetType == want.TargetType && g.IPAddressType == want.IPAddressType &&
		g.HealthCheck == want.HealthCheck
}

// wantedTargetGroup checks the input of CreateTargetGroup and gives the group
// it asks for, without ARN.
func (c *call) wantedTargetGroup() (*targetGroup, error) {
	g := &targetGroup{
		Name:          c.in.str("Name"),
		Protocol:      c.in.str("Protocol"),
		Port:          c.in.num("Port"),
		VPC:           c.in.str("VpcId"),
		TargetType:    cmp.Or(c.in.str("TargetType"), "instance"),
		IPAddressType: cmp.Or(c.in.str("IpAddressType"), "ipv4"),
		Attributes:    map[string]string{},
	}
	if err := checkBalancerName("target group", g.Name); err != nil {
		return nil, err
	}
	if err := c.checkTargetGroup(g); err != nil {
		return nil, err
	}
	if g.ofApplication() {
		g.ProtocolVersion = cmp.Or(c.in.str("ProtocolVersion"), "HTTP1")
	}
	var err error
	if g.HealthCheck, err = c.wantedHealthCheck(g, presetHealthCheck(g)); err != nil {
		return nil, err
	}
	g.Tags, err = c.balancingTags(nil)
	return g, err
}

func (c *call) checkTargetGroup(g *targetGroup) error {
	switch {
	case g.TargetType == "lambda":
		return refuse("ValidationError", "Target type 'lambda' is not simulated")
	case g.Protocol == "":
		return refuse("ValidationError", "A protocol must be specified")
	case !c.in.has("Port"):
		return refuse("ValidationError", "A port must be specified")
	case g.VPC == "":
		return refuse("ValidationError", "A VPC ID must be specified")
	case c.cell().Network.Vpcs.get(g.VPC) == nil:
		return refuse("ValidationError", "The VPC ID '%s' is not found", g.VPC)
	case g.TargetType == "alb" && g.Protocol != "TCP":
		return refuse("InvalidConfigurationRequest", "Protocol '%s' is not supported for target groups with target type 'alb'", g.Protocol)
	case g.Protocol == "GENEVE" && g.Port != 6081:
		return refuse("ValidationError", "The port of a GENEVE target group must be 6081")
	case c.in.has("ProtocolVersion") && !g.ofApplication():
		return refuse("ValidationError", "Protocol version is not supported for target groups with protocol '%s'", g.Protocol)
	}
	return nil
}

// groupItem is the target group as replies show it.
func (c *call) groupItem(g *targetGroup) M {
	m := M{
		"TargetGroupArn":   g.ARN,
		"TargetGroupName":  g.Name,
		"Protocol":         g.Protocol,
		"Port":             g.Port,
		"VpcId":            g.VPC,
		"TargetType":       g.TargetType,
		"IpAddressType":    g.IPAddressType,
		"LoadBalancerArns": list(c.usersOf(g.ARN)),
	}
	if g.ProtocolVersion != "" {
		m["ProtocolVersion"] = g.ProtocolVersion
	}
	g.HealthCheck.show(m)
	return m
}

func describeTargetGroups(c *call) (M, error) {
	arns, names, balancer := c.in.strs("TargetGroupArns"), c.in.strs("Names"), c.in.str("LoadBalancerArn")
	if given := min(len(arns), 1) + min(len(names), 1) + min(len(balancer), 1); given > 1 {
		return nil, refuse("ValidationError",
			"Target group names, target group ARNs and a load balancer ARN cannot be specified at the same time")
	}
	rows := slices.DeleteFunc(c.cell().Balancing.TargetGroups.all(), func(g *targetGroup) bool {
		return !c.visible(g.Created, g.Deleted)
	})
	if balancer != "" {
		b, err := c.balancerFor(balancer)
		if err != nil {
			return nil, err
		}
		rows = slices.DeleteFunc(rows, func(g *targetGroup) bool { return !slices.Contains(c.usersOf(g.ARN), b.ARN) })
	}
	for _, arn := range arns {
		if !isBalancingARN(arn, "targetgroup/") {
			return nil, refuse("ValidationError", "'%s' is not a valid target group ARN", arn)
		}
	}
	rows, missing := pick(rows, arns, func(g *targetGroup) string { return g.ARN })
	if len(missing) == 0 {
		rows, missing = pick(rows, names, func(g *targetGroup) string { return g.Name })
	}
	if len(missing) > 0 {
		return nil, refuse("TargetGroupNotFound", "One or more target groups not found")
	}
	rows, next, err := page(c, rows, func(g *targetGroup) string { return g.ARN }, balancingPaging())
	if err != nil {
		return nil, err
	}
	return withMarker(M{"TargetGroups": listBy(allAsRead(c, rows, func(g *targetGroup) string { return g.ARN }), c.groupItem)}, next), nil
}

// modifyTargetGroup changes the health check; nothing else of a target group
// can change.
func modifyTargetGroup(c *call) (M, error) {
	g, err := c.groupFor(c.in.str("TargetGroupArn"))
	if err != nil {
		return nil, err
	}
	check, err := c.wantedHealthCheck(g, g.HealthCheck)
	if err != nil {
		return nil, err
	}
	g.HealthCheck = check
	return M{"TargetGroups": []any{c.groupItem(g)}}, nil
}

// deleteTargetGroup refuses while a listener uses the group, and for a while
// after the listener has gone.
func deleteTargetGroup(c *call) (M, error) {
	arn := c.in.str("TargetGroupArn")
	if !isBalancingARN(arn, "targetgroup/") {
		return nil, refuse("ValidationError", "'%s' is not a valid target group ARN", arn)
	}
	g := c.cell().targetGroup(arn)
	if g == nil {
		return M{}, nil
	}
	lingers := !g.ReleasedAt.IsZero() && c.now.Sub(g.ReleasedAt) < c.latency("targetGroupRelease")
	if !g.AttachedAt.IsZero() || lingers {
		return nil, refuse("ResourceInUse", "Target group '%s' is currently in use by a listener or a rule", g.ARN)
	}
	g.Deleted = c.now
	c.forget(g.ARN)
	return M{}, nil
}

// usersOf lists the load balancers whose listeners use a target group; a group
// has one at most.
func (c *call) usersOf(groupARN string) []string {
	arns := []string{}
	for _, l := range c.cell().Balancing.Listeners.all() {
		if slices.Contains(l.groups(), groupARN) && !slices.Contains(arns, l.LoadBalancer) {
			arns = append(arns, l.LoadBalancer)
		}
	}
	return arns
}

// noteUse keeps AttachedAt and ReleasedAt of the groups right after listeners
// have changed.
func (c *call) noteUse(groupARNs []string) {
	for _, arn := range groupARNs {
		g := c.cell().targetGroup(arn)
		if g == nil {
			continue
		}
		used := len(c.usersOf(arn)) > 0
		switch {
		case used && g.AttachedAt.IsZero():
			g.AttachedAt, g.ReleasedAt = c.now, time.Time{}
		case !used && !g.AttachedAt.IsZero():
			g.AttachedAt, g.ReleasedAt = time.Time{}, c.now
		}
	}
}
