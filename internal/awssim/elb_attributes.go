package awssim

import (
	"slices"
	"strconv"
	"strings"
)

// An attribute is one key among the attributes of a load balancer, target
// group or listener. The sources are the attribute shapes of AWS's service
// model and the NLB guide.
type attribute struct {
	key    string
	preset string
	// check tells what is wrong with a value, "" if nothing.
	check func(was, value string) string
}

// attributes are what one type of resource has, in the order replies show them.
type attributes []attribute

// items shows every attribute, with its preset where nothing was set.
func (a attributes) items(set map[string]string) []any {
	return listBy(a, func(at attribute) M { return M{"Key": at.key, "Value": at.value(set)} })
}

func (at attribute) value(set map[string]string) string {
	if v, ok := set[at.key]; ok {
		return v
	}
	return at.preset
}

// modify sets what the call's Attributes say: all of it or, when one is
// refused, none. what names the resource in refusals ("Load balancer").
func (a attributes) modify(c *call, what string, set map[string]string) error {
	changes := make(map[string]string)
	for _, in := range c.in.list("Attributes") {
		key, value := in.str("Key"), in.str("Value")
		i := slices.IndexFunc(a, func(at attribute) bool { return at.key == key })
		if i < 0 {
			return refuse("ValidationError", "%s attribute key '%s' is not recognized", what, key)
		}
		if _, twice := changes[key]; twice {
			return refuse("ValidationError", "%s attribute key '%s' was specified more than once", what, key)
		}
		if fault := a[i].check(a[i].value(set), value); fault != "" {
			return refuse("ValidationError", "%s attribute value '%s' for key '%s' is not valid: %s", what, value, key, fault)
		}
		changes[key] = value
	}
	for key, value := range changes {
		set[key] = value
	}
	return nil
}

// oneOf is the check of an attribute with a few values.
func oneOf(values ...string) func(was, value string) string {
	return func(_, value string) string {
		if slices.Contains(values, value) {
			return ""
		}
		return "it must be one of " + strings.Join(values, ", ")
	}
}

// within is the check of a number from low to high, or one of the words.
func within(low, high int, words ...string) func(was, value string) string {
	return func(_, value string) string {
		n, err := strconv.Atoi(value)
		if err == nil && low <= n && n <= high || slices.Contains(words, value) {
			return ""
		}
		return strings.Join(append(words, "it must be between "+strconv.Itoa(low)+" and "+strconv.Itoa(high)), " or ")
	}
}

// neverLower lets a number only rise.
func neverLower(check func(was, value string) string) func(was, value string) string {
	return func(was, value string) string {
		if fault := check(was, value); fault != "" {
			return fault
		}
		before, _ := strconv.Atoi(was)
		if after, _ := strconv.Atoi(value); after < before {
			return "it cannot be decreased from " + was
		}
		return ""
	}
}

func anything(_, _ string) string { return "" }

// fixed is the check of an attribute that this resource cannot change.
func fixed(was, value string) string {
	if was == value {
		return ""
	}
	return "it cannot be changed"
}

// noBucket refuses to turn logs on: there is no S3 in the simulator, hence no
// bucket that would let Elastic Load Balancing write.
func noBucket(_, value string) string {
	if value == "true" {
		return "Access Denied for bucket. Please check S3bucket permission"
	}
	return oneOf("true", "false")("", value)
}

// attributes of a load balancer depend on its type.
func (b *loadBalancer) attributes() attributes {
	truth := oneOf("true", "false")
	internal := strconv.FormatBool(b.Scheme == "internal")
	common := attributes{{"deletion_protection.enabled", "false", truth}}
	logs := attributes{
		{"access_logs.s3.enabled", "false", noBucket},
		{"access_logs.s3.bucket", "", anything},
		{"access_logs.s3.prefix", "", anything},
		{"ipv6.deny_all_igw_traffic", internal, truth},
		{"zonal_shift.config.enabled", "false", truth},
	}
	switch b.Type {
	case "gateway":
		return append(common, attribute{"load_balancing.cross_zone.enabled", "false", truth})
	case "application":
		return slices.Concat(common, logs, attributes{
			{"load_balancing.cross_zone.enabled", "true", fixed},
			{"idle_timeout.timeout_seconds", "60", within(1, 4000)},
			{"client_keep_alive.seconds", "3600", within(60, 604800)},
			{"routing.http2.enabled", "true", truth},
			{"routing.http.drop_invalid_header_fields.enabled", "false", truth},
			{"routing.http.preserve_host_header.enabled", "false", truth},
			{"routing.http.xff_client_port.enabled", "false", truth},
			{"routing.http.xff_header_processing.mode", "append", oneOf("append", "preserve", "remove")},
			{"routing.http.desync_mitigation_mode", "defensive", oneOf("monitor", "defensive", "strictest")},
			{"waf.fail_open.enabled", "false", truth},
		})
	}
	return slices.Concat(common, logs, attributes{
		{"load_balancing.cross_zone.enabled", "false", truth},
		{"dns_record.client_routing_policy", "any_availability_zone", oneOf("any_availability_zone",
			"availability_zone_affinity", "partial_availability_zone_affinity")},
		{"secondary_ips.auto_assigned.per_subnet", "0", neverLower(within(0, 7))},
	})
}

// attributes of a target group depend on its protocol and target type.
func (g *targetGroup) attributes() attributes {
	if g.ofApplication() {
		return g.applicationAttributes()
	}
	truth := oneOf("true", "false")
	change := func(check func(was, value string) string) func(was, value string) string {
		if g.TargetType == "alb" {
			return fixed // NLB guide: "If the target group type is alb, these attributes always use their default values"
		}
		return check
	}
	datagrams := g.Protocol == "UDP" || g.Protocol == "TCP_UDP"
	preserve, preserveCheck := strconv.FormatBool(datagrams || g.TargetType != "ip"), truth
	terminate, terminateCheck := "true", truth
	if datagrams {
		preserveCheck, terminate, terminateCheck = fixed, "false", fixed
	}
	return attributes{
		{"deregistration_delay.timeout_seconds", "300", change(within(0, 3600))},
		{"deregistration_delay.connection_termination.enabled", strconv.FormatBool(datagrams), change(truth)},
		{"proxy_protocol_v2.enabled", "false", change(truth)},
		{"preserve_client_ip.enabled", preserve, change(preserveCheck)},
		{"stickiness.enabled", "false", change(truth)},
		{"stickiness.type", "source_ip", change(oneOf("source_ip"))},
		{"load_balancing.cross_zone.enabled", "use_load_balancer_configuration",
			oneOf("true", "false", "use_load_balancer_configuration")},
		{"target_group_health.dns_failover.minimum_healthy_targets.count", "1", within(1, 1000, "off")},
		{"target_group_health.dns_failover.minimum_healthy_targets.percentage", "off", within(1, 100, "off")},
		{"target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1", within(1, 1000)},
		{"target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off", within(1, 100, "off")},
		{"target_health_state.unhealthy.connection_termination.enabled", terminate, change(terminateCheck)},
		{"target_health_state.unhealthy.draining_interval_seconds", "0", change(within(0, 360000))},
	}
}

func (g *targetGroup) applicationAttributes() attributes {
	truth := oneOf("true", "false")
	return attributes{
		{"deregistration_delay.timeout_seconds", "300", within(0, 3600)},
		{"stickiness.enabled", "false", truth},
		{"stickiness.type", "lb_cookie", oneOf("lb_cookie", "app_cookie")},
		{"stickiness.lb_cookie.duration_seconds", "86400", within(1, 604800)},
		{"load_balancing.algorithm.type", "round_robin", oneOf("round_robin", "least_outstanding_requests", "weighted_random")},
		{"load_balancing.cross_zone.enabled", "use_load_balancer_configuration",
			oneOf("true", "false", "use_load_balancer_configuration")},
		{"slow_start.duration_seconds", "0", within(30, 900, "0")},
	}
}

// attributes of a listener depend on its protocol: only TCP has an idle
// timeout that can be set (NLB guide, "Listener attributes").
func (l *listener) attributes() attributes {
	if l.Protocol != "TCP" {
		return nil
	}
	return attributes{{"tcp.idle_timeout.seconds", "350", within(60, 6000)}}
}

func describeLoadBalancerAttributes(c *call) (M, error) {
	b, err := c.balancerFor(c.in.str("LoadBalancerArn"))
	if err != nil {
		return nil, err
	}
	return M{"Attributes": b.attributes().items(asRead(c, b.ARN, b).Attributes)}, nil
}

func modifyLoadBalancerAttributes(c *call) (M, error) {
	b, err := c.balancerFor(c.in.str("LoadBalancerArn"))
	if err != nil {
		return nil, err
	}
	if err := b.attributes().modify(c, "Load balancer", b.Attributes); err != nil {
		return nil, err
	}
	return M{"Attributes": b.attributes().items(b.Attributes)}, nil
}

func describeTargetGroupAttributes(c *call) (M, error) {
	g, err := c.groupFor(c.in.str("TargetGroupArn"))
	if err != nil {
		return nil, err
	}
	return M{"Attributes": g.attributes().items(asRead(c, g.ARN, g).Attributes)}, nil
}

func modifyTargetGroupAttributes(c *call) (M, error) {
	g, err := c.groupFor(c.in.str("TargetGroupArn"))
	if err != nil {
		return nil, err
	}
	if err := g.attributes().modify(c, "Target group", g.Attributes); err != nil {
		return nil, err
	}
	return M{"Attributes": g.attributes().items(g.Attributes)}, nil
}

func describeListenerAttributes(c *call) (M, error) {
	l, err := c.listenerFor(c.in.str("ListenerArn"))
	if err != nil {
		return nil, err
	}
	return M{"Attributes": l.attributes().items(asRead(c, l.ARN, l).Attributes)}, nil
}

func modifyListenerAttributes(c *call) (M, error) {
	l, err := c.listenerFor(c.in.str("ListenerArn"))
	if err != nil {
		return nil, err
	}
	if err := l.attributes().modify(c, "Listener", l.Attributes); err != nil {
		return nil, err
	}
	return M{"Attributes": l.attributes().items(l.Attributes)}, nil
}
