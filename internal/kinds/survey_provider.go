package kinds

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// balancer reads the load balancer and all that stands on it.
func (v *survey) balancer(ctx context.Context, at *sighting, c ec2types.ServiceConfiguration, f *Found) error {
	if n := len(c.GatewayLoadBalancerArns); n > 0 {
		f.fault(f.ID, "it is a service for Gateway Load Balancers, which the language has no words for")
		return nil
	}
	if n := len(c.NetworkLoadBalancerArns); n != 1 {
		f.fault(f.ID, "it stands on %d load balancers, and linkfleet's stand on one", n)
		return nil
	}
	arn := c.NetworkLoadBalancerArns[0]
	lb, err := at.describeBalancer(ctx, arn)
	if err != nil {
		return err
	}
	it, err := at.readBalancer(ctx, balancer{lb, addrBalancer(f.Service)})
	if err != nil {
		return err
	}
	f.claim(it.Addr, arn)
	f.Service.LoadBalancer = schema.LoadBalancer{
		VPC: it.Spec.VPC, Subnets: it.Spec.Subnets, CrossZone: it.Spec.CrossZone, DeletionProtection: it.Spec.DeletionProtection,
		SecurityGroup: schema.LoadBalancerSecurityGroup{EnforceOnPrivateLink: it.Spec.EnforceOnPrivateLink},
	}
	if it.Spec.Scheme != string(elbtypes.LoadBalancerSchemeEnumInternal) {
		f.fault(arn, "its scheme is %s: it opens the service to the internet beside PrivateLink", it.Spec.Scheme)
	}
	if it.Spec.IPAddressType != string(elbtypes.IpAddressTypeIpv4) {
		f.fault(arn, "its addresses are %s, and linkfleet's are ipv4", it.Spec.IPAddressType)
	}
	if err := v.listeners(ctx, at, arn, f); err != nil {
		return err
	}
	return v.balancerGroup(ctx, at, arn, known(it.Spec.SecurityGroups), f)
}

// balancerGroup reads who may reach the load balancer.
func (v *survey) balancerGroup(ctx context.Context, at *sighting, arn string, groups []string, f *Found) error {
	switch len(groups) {
	case 0:
		f.fault(arn, "it has no security group, and AWS lets none be added to a load balancer that was made without; a service on a new load balancer can take its place")
		return nil
	case 1:
	default:
		f.fault(arn, "it has %d security groups (%s), and linkfleet's have one", len(groups), strings.Join(groups, ", "))
		return nil
	}
	spec, why, err := at.ownGroup(ctx, groups[0], arn)
	if err != nil {
		return err
	}
	from, odd := clientsOf(spec, portsOfListeners(f.Service))
	for _, text := range append(why, odd...) {
		f.fault(groups[0], "%s", text)
	}
	f.Service.LoadBalancer.SecurityGroup.From = from
	f.claim(addrBalancerGroup(f.Service), groups[0])
	return nil
}

func portsOfListeners(s *schema.Service) []int {
	var ports []int
	for l := range listeners(s) {
		ports = append(ports, l.Port)
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

// clientsOf are the blocks that a group lets in on every one of the ports,
// and what else it does that a group of linkfleet's does not.
func clientsOf(spec securityGroupSpec, ports []int) (from, odd []string) {
	on := map[string][]int{}
	for _, rule := range spec.Ingress {
		cidr, port, ok := clientRule(rule)
		if !ok || !slices.Contains(ports, port) {
			odd = append(odd, fmt.Sprintf("it lets in %q, and linkfleet's rules are of TCP, one listener's port and one IPv4 block each", rule))
			continue
		}
		if !slices.Contains(from, cidr) {
			from = append(from, cidr)
		}
		on[cidr] = append(on[cidr], port)
	}
	for _, cidr := range from {
		for _, port := range ports {
			if !slices.Contains(on[cidr], port) {
				odd = append(odd, fmt.Sprintf("it lets %s in on some listeners' ports but not on %d, and linkfleet's let it in on all", cidr, port))
			}
		}
	}
	if !slices.Equal(spec.Egress, []string{allOut}) {
		odd = append(odd, fmt.Sprintf("it lets out %q, and linkfleet's let everything out", spec.Egress))
	}
	return from, odd
}

// clientRule reads what tcpRule wrote.
func clientRule(rule string) (cidr string, port int, ok bool) {
	parts := strings.Fields(rule)
	if len(parts) != 3 {
		return "", 0, false
	}
	port, err := strconv.Atoi(parts[1])
	return parts[2], port, err == nil && tcpRule(port, parts[2]) == rule && strings.Contains(parts[2], ".")
}

// listeners reads the ports and the targets behind them.
func (v *survey) listeners(ctx context.Context, at *sighting, balancerARN string, f *Found) error {
	all, err := at.listenersOf(ctx, balancerARN)
	if err != nil {
		return err
	}
	behind := map[string]string{} // the listener before a target group
	for _, l := range all {
		arn := aws.ToString(l.ListenerArn)
		name := strings.ToLower(string(l.Protocol)) + "-" + strconv.Itoa(int(aws.ToInt32(l.Port)))
		if l.Protocol != elbtypes.ProtocolEnumTcp && l.Protocol != elbtypes.ProtocolEnumTls {
			f.fault(arn, "its protocol is %s, and linkfleet's listeners are TCP or TLS", l.Protocol)
			continue
		}
		to := forwardsTo(l.DefaultActions)
		switch other := behind[to]; {
		case to == "" || strings.Contains(to, ","):
			f.fault(arn, "it forwards to several target groups, and linkfleet's listeners to one")
			continue
		case other != "":
			f.fault(arn, "it forwards to the target group of %s too, and linkfleet keeps one for each listener", other)
			continue
		}
		behind[to] = arn
		if err := v.listener(ctx, at, l, name, to, f); err != nil {
			return err
		}
	}
	return nil
}

func (v *survey) listener(ctx context.Context, at *sighting, l elbtypes.Listener, name, group string, f *Found) error {
	into := &schema.Listener{Name: name}
	port, err := at.readListener(ctx, addrListener(f.Service, into), l)
	if err != nil {
		return err
	}
	out, err := at.ELB.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{TargetGroupArns: []string{group}})
	if err != nil {
		return err
	}
	if len(out.TargetGroups) != 1 {
		return fmt.Errorf("AWS answers with %d target groups of the ARN %s", len(out.TargetGroups), group)
	}
	targets, err := at.readTargetGroup(ctx, addrTargetGroup(f.Service, into), out.TargetGroups[0])
	if err != nil {
		return err
	}
	into.Port, into.Protocol = port.Spec.Port, port.Spec.Protocol
	into.Certificate, into.SSLPolicy, into.IdleTimeout = port.Spec.Certificate, port.Spec.SSLPolicy, port.Spec.IdleTimeout
	if into.Protocol == string(elbtypes.ProtocolEnumTcp) {
		into.SSLPolicy = ""
	}
	targetsInto(into, targets.Spec, group, f)
	f.Service.Listeners[name] = into
	f.claim(port.Addr, port.ID)
	f.claim(targets.Addr, targets.ID)
	return nil
}

// targetsInto says a target group in the fleet's words.
func targetsInto(l *schema.Listener, spec targetGroupSpec, group string, f *Found) {
	h := spec.HealthCheck
	l.HealthCheck = schema.HealthCheck{
		Protocol: h.Protocol, Port: h.Port, Path: h.Path, Interval: h.Interval, Timeout: h.Timeout,
		HealthyThreshold: h.HealthyThreshold, UnhealthyThreshold: h.UnhealthyThreshold,
	}
	l.Targets = schema.Targets{
		Type: spec.TargetType, Port: spec.Port, Protocol: spec.Protocol, DeregistrationDelay: spec.DeregistrationDelay,
		PreserveClientIP: spec.PreserveClientIP, ProxyProtocolV2: spec.ProxyProtocolV2,
	}
	if !hasAttributes(spec.TargetType) {
		l.Targets.DeregistrationDelay, l.Targets.PreserveClientIP = 300, true // AWS's own, which nobody can set
	}
	for _, t := range spec.Targets {
		id := t[:strings.LastIndex(t, ":")]
		if target(id, spec.Port) != t {
			f.fault(group, "target %s has a port of its own, and linkfleet's have their group's, %d", t, spec.Port)
		}
		l.Targets.Addresses = append(l.Targets.Addresses, id)
	}
}

// privateName reads the private DNS name and the record that proves it.
func (v *survey) privateName(ctx context.Context, _ *sighting, c ec2types.ServiceConfiguration, f *Found) error {
	name := canonicalName(aws.ToString(c.PrivateDnsName))
	if name == "" {
		return nil
	}
	f.Service.PrivateDNS = &schema.PrivateDNS{Name: name}
	var record, token string
	if conf := c.PrivateDnsNameConfiguration; conf != nil {
		record, token = recordName(aws.ToString(conf.Name), name), aws.ToString(conf.Value)
		if !sameState(conf.State, ec2types.DnsNameStateVerified) {
			f.fault(f.ID, "its private DNS name %s is not verified (%s); verify it first, or take it off", name, dnsNameState(conf.State))
		}
	}
	zones := zonesFor(v.zones, name)
	if len(zones) == 0 {
		f.fault(f.ID, "its private DNS name %s lies in no public zone of the accounts looked at; name the zone's account, or the zone with --zone", name)
		return nil
	}
	for _, z := range zones {
		at := planner.Place{Account: z.Account, Region: planner.Global}
		p, err := v.places.Open(ctx, at)
		if err != nil {
			return err
		}
		set, err := p.recordSet(ctx, z.ID, record)
		if err != nil {
			return err
		}
		if set != nil && holds(txtValues(*set), token) {
			f.Zone, f.Service.PrivateDNS.Zone = z, z.Domain
			f.claim(planner.Addr{Kind: verificationRecord().Name, Name: f.Service.Name, Place: at}, recordID(z.ID, record, token))
			return nil
		}
	}
	f.Zone, f.Service.PrivateDNS.Zone = zones[0], zones[0].Domain
	f.fault(f.ID, "no TXT record %s with the value %s proves its private DNS name in zone %s (%s); write it there", record, token, zones[0].Domain, zones[0].ID)
	return nil
}

// zonesFor are the zones that a name lies in, of the longest domain.
func zonesFor(zones []*schema.Zone, name string) []*schema.Zone {
	bare := strings.TrimPrefix(name, "*.")
	var best []*schema.Zone
	for _, z := range zones {
		switch {
		case bare != z.Domain && !strings.HasSuffix(bare, "."+z.Domain):
		case len(best) == 0 || len(z.Domain) > len(best[0].Domain):
			best = []*schema.Zone{z}
		case z.Domain == best[0].Domain:
			best = append(best, z)
		}
	}
	return best
}

// notifications reads where AWS tells of connections. The topic is named by
// its ARN; topics may find that it can be the fleet's own.
func (v *survey) notifications(_ context.Context, at *sighting, _ ec2types.ServiceConfiguration, f *Found) error {
	for _, n := range at.notifications {
		if aws.ToString(n.ServiceId) != f.ID {
			continue
		}
		if f.Topic != "" {
			f.fault(aws.ToString(n.ConnectionNotificationId), "it is a second notification of the service, and linkfleet keeps one")
			continue
		}
		if !sameState(n.ConnectionNotificationState, ec2types.ConnectionNotificationStateEnabled) {
			f.fault(aws.ToString(n.ConnectionNotificationId), "AWS has disabled it because it could not publish; mend the topic's policy and make it anew, or delete it")
		}
		f.Topic = aws.ToString(n.ConnectionNotificationArn)
		f.Service.Notifications = &schema.Notifications{Topic: f.Topic, Events: slices.Sorted(slices.Values(n.ConnectionEvents))}
	}
	return nil
}

// topics finds the topics that can be the fleet's own: those beside their
// services whose policies are already what linkfleet would write.
func (v *survey) topics(ctx context.Context, all []*Found) error {
	users := map[string][]*Found{}
	for _, f := range all {
		if f.Topic != "" {
			users[f.Topic] = append(users[f.Topic], f)
		}
	}
	for arn, fs := range users {
		at := v.sightingOf(placeOf(fs[0].Service))
		prefix := fmt.Sprintf("arn:aws:sns:%s:%s:", at.Region, at.AccountID)
		name, beside := strings.CutPrefix(arn, prefix)
		if !beside {
			continue
		}
		out, err := at.SNS.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: aws.String(arn)})
		if unlessGone(err) != nil {
			return fmt.Errorf("reading topic %s: %w", arn, err)
		}
		if err != nil {
			continue // a notification to nowhere stays one
		}
		spec := topicPolicy{arn, at.AccountID}.read(out.Attributes["Policy"])
		if !ownPolicy(spec, at.Place, fs) {
			remarkTopic(arn, fs)
			continue
		}
		for _, f := range fs {
			f.Service.Notifications.Topic = name
			f.claim(addrTopic(f.Service), arn)
		}
	}
	return nil
}

// ownPolicy tells whether a policy lets those services publish and does
// nothing else.
func ownPolicy(spec topicSpec, p *Place, fs []*Found) bool {
	var arns []string
	for _, f := range fs {
		if len(f.Faults) > 0 || f.Keeper != "" {
			return false
		}
		arns = append(arns, p.serviceOutputs(ec2types.ServiceConfiguration{ServiceId: aws.String(f.ID)})["arn"])
	}
	slices.Sort(arns)
	return spec.OwnerAccess && len(spec.OtherStatements) == 0 && slices.Equal(known(spec.Publishers), arns)
}

func remarkTopic(arn string, fs []*Found) {
	for _, f := range fs {
		f.remark(arn, "the topic stays with whose it is, because its policy is not the one that linkfleet would write")
	}
}

func (v *survey) sightingOf(at planner.Place) *sighting {
	i := slices.IndexFunc(v.sightings, func(s *sighting) bool { return s.Place.Place.Place == at })
	if i < 0 {
		return nil
	}
	return v.sightings[i]
}
