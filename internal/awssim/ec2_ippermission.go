package awssim

import (
	"net/netip"
	"strings"
)

// rulesOf reads the rules that a request's IpPermissions mean, or its older
// single-rule parameters.
func (c *call) rulesOf(g *securityGroup, egress bool) ([]*securityGroupRule, error) {
	wanted := c.in.list("IpPermissions")
	if len(wanted) == 0 && c.in.has("IpProtocol") {
		wanted = []M{c.singlePermission()}
	}
	if len(wanted) == 0 {
		return nil, refuse("MissingParameter", "The request must contain the parameter ipPermissions")
	}
	var rules []*securityGroupRule
	for _, p := range wanted {
		more, err := c.permissionRules(g, p, egress)
		if err != nil {
			return nil, err
		}
		rules = append(rules, more...)
	}
	for i, r := range rules {
		for _, other := range rules[:i] {
			if r.same(other) {
				return nil, refuse("InvalidParameterValue", "The same permission must not appear multiple times")
			}
		}
	}
	return rules, nil
}

// singlePermission makes an IpPermission of IpProtocol, FromPort, ToPort and CidrIp.
func (c *call) singlePermission() M {
	p := M{"IpProtocol": c.in.str("IpProtocol")}
	for _, port := range []string{"FromPort", "ToPort"} {
		if c.in.has(port) {
			p[port] = c.in.num(port)
		}
	}
	if cidr := c.in.str("CidrIp"); cidr != "" {
		p["IpRanges"] = []any{M{"CidrIp": cidr}}
	}
	return p
}

// permissionRules reads one IpPermission, which is a rule for each of its peers.
func (c *call) permissionRules(g *securityGroup, p M, egress bool) ([]*securityGroupRule, error) {
	base := securityGroupRule{Egress: egress}
	if err := readPorts(&base, p); err != nil {
		return nil, err
	}
	var rules []*securityGroupRule
	add := func(item M, set func(*securityGroupRule) error) error {
		r := base
		r.Description = item.str("Description")
		rules = append(rules, &r)
		return set(&r)
	}
	for _, item := range p.list("IpRanges") {
		if err := add(item, func(r *securityGroupRule) (err error) { r.CIDR, err = cidr(item.str("CidrIp"), true); return }); err != nil {
			return nil, err
		}
	}
	for _, item := range p.list("Ipv6Ranges") {
		if err := add(item, func(r *securityGroupRule) (err error) { r.CIDR6, err = cidr(item.str("CidrIpv6"), false); return }); err != nil {
			return nil, err
		}
	}
	for _, item := range p.list("PrefixListIds") {
		_ = add(item, func(r *securityGroupRule) error { r.PrefixList = item.str("PrefixListId"); return nil })
	}
	for _, item := range p.list("UserIdGroupPairs") {
		if err := add(item, func(r *securityGroupRule) error { return c.readGroupPair(g, r, item) }); err != nil {
			return nil, err
		}
	}
	if len(rules) == 0 {
		return nil, refuse("InvalidParameterValue", "A permission must name at least one IP range, prefix list or security group")
	}
	return rules, nil
}

// readGroupPair reads a reference to another group of the same VPC.
func (c *call) readGroupPair(g *securityGroup, r *securityGroupRule, pair M) error {
	peer, err := c.securityGroup(pair.str("GroupId"))
	if err != nil {
		return err
	}
	if peer.VPC != g.VPC {
		return refuse("InvalidGroup.NotFound", "You have specified two resources that belong to different networks.")
	}
	r.Group, r.GroupOwner = peer.ID, c.account
	return nil
}

// readPorts reads IpProtocol, FromPort and ToPort. Only TCP, UDP and ICMP have
// ports (ICMP: type and code); other protocols admit all.
func readPorts(r *securityGroupRule, p M) error {
	switch name := strings.ToLower(p.str("IpProtocol")); name {
	case "":
		return refuse("MissingParameter", "The request must contain the parameter ipProtocol")
	case "tcp", "6":
		r.Protocol = "tcp"
	case "udp", "17":
		r.Protocol = "udp"
	case "icmp", "1":
		r.Protocol = "icmp"
	case "icmpv6", "58":
		r.Protocol = "icmpv6"
	case "-1", "all":
		r.Protocol, r.From, r.To = "-1", -1, -1
		return nil
	default:
		if strings.Trim(name, "0123456789") != "" || len(name) > 3 {
			return refuse("InvalidParameterValue", "Invalid value '%s' for IP protocol. Unknown protocol.", name)
		}
		r.Protocol, r.From, r.To = name, -1, -1
		return nil
	}
	return readPortRange(r, p)
}

func readPortRange(r *securityGroupRule, p M) error {
	r.From, r.To = p.num("FromPort"), p.num("ToPort")
	icmp := strings.HasPrefix(r.Protocol, "icmp")
	switch {
	case icmp && !p.has("FromPort"):
		r.From, r.To = -1, -1
	case icmp && !p.has("ToPort"):
		r.To = -1
	case icmp:
	case !p.has("FromPort") || !p.has("ToPort"):
		return refuse("InvalidParameterValue", "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.")
	case r.From < 0 || r.To > 65535 || r.From > r.To:
		return refuse("InvalidParameterValue", "Invalid TCP/UDP port range (%d:%d)", r.From, r.To)
	}
	return nil
}

// cidr brings a block into canonical form: 100.68.0.18/18 is 100.68.0.0/18.
func cidr(text string, four bool) (string, error) {
	block, err := netip.ParsePrefix(text)
	if err != nil || block.Addr().Is4() != four {
		return "", refuse("InvalidParameterValue", "CIDR block %s is malformed", text)
	}
	return block.Masked().String(), nil
}

// permissions renders a group's rules as IpPermissions: one for each protocol
// and range of ports, with all its peers.
func permissions(g *securityGroup, egress bool) []any {
	type key struct {
		protocol string
		from, to int64
	}
	out, byKey := []any{}, make(map[key]M)
	for _, r := range g.Rules.all() {
		if r.Egress != egress {
			continue
		}
		p := byKey[key{r.Protocol, r.From, r.To}]
		if p == nil {
			p = M{"IpProtocol": r.Protocol, "UserIdGroupPairs": []any{}, "IpRanges": []any{}, "Ipv6Ranges": []any{}, "PrefixListIds": []any{}}
			if r.Protocol == "tcp" || r.Protocol == "udp" || strings.HasPrefix(r.Protocol, "icmp") {
				p["FromPort"], p["ToPort"] = r.From, r.To
			}
			byKey[key{r.Protocol, r.From, r.To}] = p
			out = append(out, p)
		}
		set, item := r.peerItem()
		p[set] = append(p[set].([]any), item)
	}
	return out
}

// peerItem is a rule's peer as an IpPermission holds it, and in which list.
func (r *securityGroupRule) peerItem() (set string, item M) {
	switch {
	case r.CIDR != "":
		set, item = "IpRanges", M{"CidrIp": r.CIDR}
	case r.CIDR6 != "":
		set, item = "Ipv6Ranges", M{"CidrIpv6": r.CIDR6}
	case r.PrefixList != "":
		set, item = "PrefixListIds", M{"PrefixListId": r.PrefixList}
	default:
		set, item = "UserIdGroupPairs", M{"GroupId": r.Group, "UserId": r.GroupOwner}
	}
	if r.Description != "" {
		item["Description"] = r.Description
	}
	return set, item
}
