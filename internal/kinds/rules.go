package kinds

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// A security group's rule is one line of text, "PROTOCOL PORTS PEER":
//
//	tcp 8443 10.0.0.0/8
//	udp 1000-2000 sg-0123456789abcdef0
//	-1 all ::/0
//
// so that rules compare, sort and print as they are. PORTS of ICMP are
// type-code as AWS gives them, in the same two numbers.

// allOut is the egress rule of a new group.
const allOut = "-1 all 0.0.0.0/0"

// isDefaultIPv6Out tells the rule that AWS adds to a new group of a VPC with
// an IPv6 block. Linkfleet's traffic is IPv4; the rule is left as it is.
func isDefaultIPv6Out(rule string) bool { return rule == "-1 all ::/0" }

func tcpRule(port int, cidr string) string { return fmt.Sprintf("tcp %d %s", port, cidr) }

// rulesOf writes AWS's permissions as sorted rules, one for each peer.
func rulesOf(perms []ec2types.IpPermission) []string {
	var rules []string
	for _, perm := range perms {
		head := aws.ToString(perm.IpProtocol) + " " + portsOf(perm) + " "
		for _, r := range perm.IpRanges {
			rules = append(rules, head+aws.ToString(r.CidrIp))
		}
		for _, r := range perm.Ipv6Ranges {
			rules = append(rules, head+aws.ToString(r.CidrIpv6))
		}
		for _, r := range perm.PrefixListIds {
			rules = append(rules, head+aws.ToString(r.PrefixListId))
		}
		for _, r := range perm.UserIdGroupPairs {
			rules = append(rules, head+aws.ToString(r.GroupId))
		}
	}
	slices.Sort(rules)
	return slices.Compact(rules)
}

func portsOf(perm ec2types.IpPermission) string {
	if perm.FromPort == nil || aws.ToString(perm.IpProtocol) == "-1" {
		return "all"
	}
	from, to := aws.ToInt32(perm.FromPort), aws.ToInt32(perm.ToPort)
	if from == to {
		return strconv.Itoa(int(from))
	}
	return fmt.Sprintf("%d-%d", from, to)
}

// permissionsOf reads rules back into AWS's form, one permission for each.
func permissionsOf(rules []string) ([]ec2types.IpPermission, error) {
	var perms []ec2types.IpPermission
	for _, rule := range rules {
		perm, err := permissionOf(rule)
		if err != nil {
			return nil, fmt.Errorf("rule %q: %w", rule, err)
		}
		perms = append(perms, perm)
	}
	return perms, nil
}

func permissionOf(rule string) (ec2types.IpPermission, error) {
	parts := strings.Fields(rule)
	if len(parts) != 3 {
		return ec2types.IpPermission{}, fmt.Errorf("want PROTOCOL PORTS PEER")
	}
	perm := ec2types.IpPermission{IpProtocol: aws.String(parts[0])}
	if parts[1] != "all" {
		from, to, err := parsePorts(parts[1])
		if err != nil {
			return perm, err
		}
		perm.FromPort, perm.ToPort = aws.Int32(from), aws.Int32(to)
	}
	switch peer := parts[2]; {
	case strings.HasPrefix(peer, "sg-"):
		perm.UserIdGroupPairs = []ec2types.UserIdGroupPair{{GroupId: aws.String(peer)}}
	case strings.HasPrefix(peer, "pl-"):
		perm.PrefixListIds = []ec2types.PrefixListId{{PrefixListId: aws.String(peer)}}
	case strings.Contains(peer, ":"):
		perm.Ipv6Ranges = []ec2types.Ipv6Range{{CidrIpv6: aws.String(peer)}}
	default:
		perm.IpRanges = []ec2types.IpRange{{CidrIp: aws.String(peer)}}
	}
	return perm, nil
}

// parsePorts reads "8443", "1000-2000" and ICMP's "3--1".
func parsePorts(s string) (from, to int32, err error) {
	first, last, ranged := s, s, false
	if i := strings.Index(s[1:], "-"); i >= 0 {
		first, last, ranged = s[:i+1], s[i+2:], true
	}
	a, err := strconv.ParseInt(first, 10, 32)
	if err != nil {
		return 0, 0, fmt.Errorf("bad port %q", first)
	}
	if !ranged {
		return int32(a), int32(a), nil
	}
	b, err := strconv.ParseInt(last, 10, 32)
	if err != nil {
		return 0, 0, fmt.Errorf("bad port %q", last)
	}
	return int32(a), int32(b), nil
}
