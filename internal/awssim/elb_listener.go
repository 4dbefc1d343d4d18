package awssim

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// A listener takes connections of one port and protocol.
type listener struct {
	ARN, LoadBalancer string
	Port              int64
	Protocol          string
	Actions           []forward
	Certificates      []string
	SSLPolicy         string
	ALPN              []string
	Attributes        map[string]string
	Tags              tags
	Created           time.Time
}

// A forward is a listener's default action: forward to target groups.
type forward struct {
	Weighted bool // sent as ForwardConfig rather than as TargetGroupArn
	Groups   []weightedGroup
}

// A weightedGroup is a target group of a forward.
type weightedGroup struct {
	ARN    string
	Weight int64
}

// groups lists the target groups that the listener uses.
func (l *listener) groups() []string {
	var arns []string
	for _, a := range l.Actions {
		for _, g := range a.Groups {
			arns = append(arns, g.ARN)
		}
	}
	return arns
}

func listenerOperations() map[string]operation {
	return map[string]operation{
		"CreateListener":             createListener,
		"DescribeListeners":          describeListeners,
		"ModifyListener":             modifyListener,
		"DeleteListener":             deleteListener,
		"DescribeListenerAttributes": describeListenerAttributes,
		"ModifyListenerAttributes":   modifyListenerAttributes,
	}
}

// listenersOf lists a load balancer's listeners.
func (c *call) listenersOf(balancerARN string) []*listener {
	return slices.DeleteFunc(c.cell().Balancing.Listeners.all(), func(l *listener) bool {
		return l.LoadBalancer != balancerARN
	})
}

// listenerFor finds the listener that an operation names.
func (c *call) listenerFor(arn string) (*listener, error) {
	if !isBalancingARN(arn, "listener/") {
		return nil, refuse("ValidationError", "'%s' is not a valid listener ARN", arn)
	}
	if l := c.cell().Balancing.Listeners.get(arn); l != nil {
		return l, nil
	}
	return nil, refuse("ListenerNotFound", "One or more listeners not found")
}

// createListener is idempotent for the same settings.
func createListener(c *call) (M, error) {
	b, err := c.balancerFor(c.in.str("LoadBalancerArn"))
	if err != nil {
		return nil, err
	}
	want := &listener{LoadBalancer: b.ARN, Attributes: map[string]string{}, Created: c.now}
	if b.Type != "gateway" {
		if !c.in.has("Port") || !c.in.has("Protocol") {
			return nil, refuse("ValidationError", "A port and a protocol must be specified")
		}
	}
	if err := c.settleListener(b, want); err != nil {
		return nil, err
	}
	if want.Tags, err = c.balancingTags(nil); err != nil {
		return nil, err
	}
	others := c.listenersOf(b.ARN)
	if have := onPort(others, want.Port, nil); have != nil {
		if !have.sameSettings(want) {
			return nil, refuse("DuplicateListener", "A listener already exists on this port for this load balancer '%s'", b.ARN)
		}
		return M{"Listeners": []any{have.item()}}, nil
	}
	if len(others) >= c.quota("listenersPerLoadBalancer") {
		return nil, refuse("TooManyListeners", "The maximum number of listeners has been reached for load balancer '%s'", b.ARN)
	}
	want.ARN = c.arn("elasticloadbalancing", "listener/"+b.path()+"/"+c.newHex(16))
	c.cell().Balancing.Listeners.put(want.ARN, want)
	c.noteUse(want.groups())
	return M{"Listeners": []any{want.item()}}, nil
}

// onPort finds a listener of a port other than except.
func onPort(listeners []*listener, port int64, except *listener) *listener {
	for _, l := range listeners {
		if l.Port == port && l != except {
			return l
		}
	}
	return nil
}

func (l *listener) sameSettings(want *listener) bool {
	a, _ := json.Marshal(l.item())
	named := *want
	named.ARN = l.ARN
	b, _ := json.Marshal(named.item())
	return string(a) == string(b)
}

// settleListener lays the call's members over a listener and checks the whole.
func (c *call) settleListener(b *loadBalancer, l *listener) error {
	l.Port = numElse(c.in, "Port", l.Port)
	l.Protocol = cmp.Or(c.in.str("Protocol"), l.Protocol)
	if b.Type != "gateway" && (l.Port < 1 || l.Port > 65535) {
		return refuse("ValidationError", "Listener port '%d' must be between 1 and 65535", l.Port)
	}
	if err := checkProtocol(b, l); err != nil {
		return err
	}
	if err := c.settleTLS(l); err != nil {
		return err
	}
	if c.in.has("DefaultActions") {
		actions, err := c.wantedActions()
		if err != nil {
			return err
		}
		l.Actions = actions
	}
	return c.checkGroupsOf(b, l)
}

func checkProtocol(b *loadBalancer, l *listener) error {
	if b.Type == "gateway" {
		if l.Protocol != "" || l.Port != 0 {
			return refuse("ValidationError", "You cannot specify a port or protocol for a listener of a gateway load balancer")
		}
		return nil
	}
	known := map[string][]string{
		"network":     {"TCP", "TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC"},
		"application": {"HTTP", "HTTPS"},
	}[b.Type]
	if !slices.Contains(known, l.Protocol) {
		return refuse("UnsupportedProtocol", "Protocol '%s' is not supported for load balancers of type '%s'; it must be one of '%s'",
			l.Protocol, b.Type, strings.Join(known, ", "))
	}
	if strings.HasSuffix(l.Protocol, "QUIC") && len(b.SecurityGroups) > 0 {
		return refuse("InvalidConfigurationRequest", "Protocol '%s' is not supported for load balancers with security groups", l.Protocol)
	}
	return nil
}

// settleTLS keeps certificate and policy of TLS and HTTPS listeners; others
// have none.
func (c *call) settleTLS(l *listener) error {
	secure := l.Protocol == "TLS" || l.Protocol == "HTTPS"
	if !secure {
		if len(c.in.list("Certificates")) > 0 || c.in.has("SslPolicy") || c.in.has("AlpnPolicy") {
			return refuse("ValidationError", "Certificates, SSL policies and ALPN policies are not supported for listeners of protocol '%s'", l.Protocol)
		}
		l.Certificates, l.SSLPolicy, l.ALPN = nil, "", nil
		return nil
	}
	if in := c.in.list("Certificates"); len(in) > 0 {
		if len(in) > 1 {
			return refuse("TooManyCertificates", "Exactly one certificate must be specified")
		}
		l.Certificates = []string{in[0].str("CertificateArn")}
	}
	if len(l.Certificates) == 0 {
		return refuse("CertificateNotFound", "A certificate must be specified for %s listeners", l.Protocol)
	}
	if c.in.has("AlpnPolicy") {
		l.ALPN = c.in.strs("AlpnPolicy")
	}
	l.SSLPolicy = cmp.Or(cmp.Or(c.in.str("SslPolicy"), l.SSLPolicy), "ELBSecurityPolicy-2016-08")
	return nil
}

// wantedActions reads DefaultActions. Network load balancers forward, and
// nothing else is simulated for the others.
func (c *call) wantedActions() ([]forward, error) {
	in := c.in.list("DefaultActions")
	if len(in) != 1 {
		return nil, refuse("ValidationError", "Exactly one default action must be specified")
	}
	if kind := in[0].str("Type"); kind != "forward" {
		return nil, refuse("InvalidLoadBalancerAction", "Action type '%s' is not supported", kind)
	}
	var action forward
	for _, g := range in[0].sub("ForwardConfig").list("TargetGroups") {
		action.Groups = append(action.Groups, weightedGroup{g.str("TargetGroupArn"), numElse(g, "Weight", 1)})
	}
	action.Weighted = len(action.Groups) > 0
	if arn := in[0].str("TargetGroupArn"); arn != "" {
		if action.Weighted && (len(action.Groups) > 1 || action.Groups[0].ARN != arn) {
			return nil, refuse("ValidationError", "You cannot specify both a target group ARN and a forward configuration")
		}
		action.Groups = []weightedGroup{{arn, 1}}
	}
	if len(action.Groups) == 0 {
		return nil, refuse("ValidationError", "A target group ARN must be specified")
	}
	return []forward{action}, nil
}

// checkGroupsOf refuses target groups that the listener cannot forward to.
func (c *call) checkGroupsOf(b *loadBalancer, l *listener) error {
	for _, arn := range l.groups() {
		g, err := c.groupFor(arn)
		if err != nil {
			return err
		}
		if !compatible(l.Protocol, g.Protocol) {
			return refuse("IncompatibleProtocols",
				"The target group '%s' with protocol '%s' is incompatible with a listener of protocol '%s'", arn, g.Protocol, l.Protocol)
		}
		if g.VPC != b.VPC {
			return refuse("InvalidConfigurationRequest",
				"The target group '%s' is not in the same VPC as load balancer '%s'", arn, b.ARN)
		}
		for _, user := range c.usersOf(arn) {
			if user != b.ARN {
				return refuse("TargetGroupAssociationLimit",
					"The following target groups cannot be associated with more than one load balancer: %s", arn)
			}
		}
	}
	return nil
}

// compatible tells whether a listener's protocol goes with a target group's
// (NLB guide, "Listeners"; for gateways there is only GENEVE).
func compatible(listener, group string) bool {
	switch listener {
	case "TCP":
		return group == "TCP" || group == "TCP_UDP"
	case "TLS":
		return group == "TCP" || group == "TLS"
	case "UDP":
		return group == "UDP" || group == "TCP_UDP"
	case "HTTP", "HTTPS":
		return group == "HTTP" || group == "HTTPS"
	case "":
		return group == "GENEVE"
	}
	return listener == group
}

// item is the listener as replies show it.
func (l *listener) item() M {
	m := M{"ListenerArn": l.ARN, "LoadBalancerArn": l.LoadBalancer, "DefaultActions": listBy(l.Actions, forward.item)}
	if l.Protocol != "" {
		m["Port"], m["Protocol"] = l.Port, l.Protocol
	}
	if len(l.Certificates) > 0 {
		m["Certificates"] = listBy(l.Certificates, func(arn string) M { return M{"CertificateArn": arn} })
		m["SslPolicy"] = l.SSLPolicy
	}
	if len(l.ALPN) > 0 {
		m["AlpnPolicy"] = list(l.ALPN)
	}
	return m
}

// item shows the action in both of AWS's forms: TargetGroupArn for a single
// group, and ForwardConfig always.
func (f forward) item() M {
	m := M{"Type": "forward", "ForwardConfig": M{
		"TargetGroups": listBy(f.Groups, func(g weightedGroup) M {
			if !f.Weighted {
				return M{"TargetGroupArn": g.ARN}
			}
			return M{"TargetGroupArn": g.ARN, "Weight": g.Weight}
		}),
	}}
	if len(f.Groups) == 1 {
		m["TargetGroupArn"] = f.Groups[0].ARN
	}
	return m
}

func describeListeners(c *call) (M, error) {
	arns, balancer := c.in.strs("ListenerArns"), c.in.str("LoadBalancerArn")
	switch {
	case len(arns) == 0 && balancer == "":
		return nil, refuse("ValidationError", "You must specify either listener ARNs or a load balancer ARN")
	case len(arns) > 0 && balancer != "":
		return nil, refuse("ValidationError", "Listener ARNs and a load balancer ARN cannot be specified at the same time")
	}
	rows := c.cell().Balancing.Listeners.all()
	if balancer != "" {
		b, err := c.balancerFor(balancer)
		if err != nil {
			return nil, err
		}
		rows = c.listenersOf(b.ARN)
	}
	for _, arn := range arns {
		if _, err := c.listenerFor(arn); err != nil {
			return nil, err
		}
	}
	rows, _ = pick(rows, arns, func(l *listener) string { return l.ARN })
	rows = slices.DeleteFunc(rows, func(l *listener) bool { return !c.visible(l.Created, time.Time{}) })
	rows, next, err := page(c, rows, func(l *listener) string { return l.ARN }, balancingPaging())
	if err != nil {
		return nil, err
	}
	return withMarker(M{"Listeners": listBy(allAsRead(c, rows, func(l *listener) string { return l.ARN }), (*listener).item)}, next), nil
}

// modifyListener replaces the properties it is given.
func modifyListener(c *call) (M, error) {
	l, err := c.listenerFor(c.in.str("ListenerArn"))
	if err != nil {
		return nil, err
	}
	b, err := c.balancerFor(l.LoadBalancer)
	if err != nil {
		return nil, err
	}
	want := *l
	if err := c.settleListener(b, &want); err != nil {
		return nil, err
	}
	if onPort(c.listenersOf(b.ARN), want.Port, l) != nil {
		return nil, refuse("DuplicateListener", "A listener already exists on this port for this load balancer '%s'", b.ARN)
	}
	touched := slices.Concat(l.groups(), want.groups())
	*l = want
	c.noteUse(touched)
	return M{"Listeners": []any{l.item()}}, nil
}

func deleteListener(c *call) (M, error) {
	l, err := c.listenerFor(c.in.str("ListenerArn"))
	if err != nil {
		return nil, err
	}
	c.dropListener(l)
	return M{}, nil
}

// dropListener removes a listener and lets go of its target groups.
func (c *call) dropListener(l *listener) {
	c.cell().Balancing.Listeners.drop(l.ARN)
	c.noteUse(l.groups())
}
