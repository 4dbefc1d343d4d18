package kinds

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// listener is one port of a service.
func listener() Def[listenerSpec] {
	return Def[listenerSpec]{
		Name:  "listener",
		Trait: planner.Trait{Rank: 40},
		Type:  "elasticloadbalancing:listener",
		Marks: elbMarks(),
		Reads: []string{
			"elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeTags",
			"elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeListenerAttributes",
		},
		Writes: []string{
			"elasticloadbalancing:CreateListener", "elasticloadbalancing:AddTags", "elasticloadbalancing:ModifyListener",
			"elasticloadbalancing:ModifyListenerAttributes", "elasticloadbalancing:DeleteListener",
		},
		Want:   wantListeners,
		List:   listListeners,
		Create: createListener,
		Update: updateListener,
		Delete: deleteListener,
	}
}

type listenerSpec struct {
	LoadBalancer planner.Value `json:"loadBalancer" plan:"replace"`
	Port         int           `json:"port"`
	Protocol     string        `json:"protocol"`
	TargetGroup  planner.Value `json:"targetGroup"`
	Certificate  string        `json:"certificate"` // TLS only
	SSLPolicy    string        `json:"sslPolicy"`   // TLS only
	IdleTimeout  int           `json:"idleTimeout"` // seconds; TCP only
}

func wantListeners(f *schema.Fleet, _ planner.State) []Item[listenerSpec] {
	var items []Item[listenerSpec]
	for s := range services(f) {
		for l := range listeners(s) {
			items = append(items, Item[listenerSpec]{
				Resource: planner.Resource{Addr: addrListener(s, l), Group: groupOf(s, nil), Origin: l.Pos.Short()},
				Spec: listenerSpec{
					LoadBalancer: planner.Ref(addrBalancer(s), "arn"),
					Port:         l.Port,
					Protocol:     l.Protocol,
					TargetGroup:  planner.Ref(addrTargetGroup(s, l), "arn"),
					Certificate:  l.Certificate,
					SSLPolicy:    l.SSLPolicy,
					IdleTimeout:  l.IdleTimeout,
				},
			})
		}
	}
	return items
}

// listListeners asks for each load balancer of ours, side by side: AWS has no
// list over balancers.
func listListeners(ctx context.Context, p *Place) ([]Item[listenerSpec], error) {
	balancers, err := p.ourBalancers(ctx)
	if err != nil {
		return nil, err
	}
	answers, err := readEach(ctx, balancers, func(ctx context.Context, lb balancer) ([]elbtypes.Listener, error) {
		return p.listenersOf(ctx, aws.ToString(lb.LoadBalancerArn))
	})
	if err != nil {
		return nil, err
	}
	var all []elbtypes.Listener
	var arns []string
	for _, answer := range answers {
		if answer == nil {
			continue
		}
		for _, l := range *answer {
			all, arns = append(all, l), append(arns, aws.ToString(l.ListenerArn))
		}
	}
	owned, err := p.elbOwned(ctx, "listener", arns)
	if err != nil {
		return nil, err
	}
	return p.readListeners(ctx, owned, all)
}

func (p *Place) listenersOf(ctx context.Context, balancerARN string) ([]elbtypes.Listener, error) {
	var all []elbtypes.Listener
	pages := elb.NewDescribeListenersPaginator(p.ELB, &elb.DescribeListenersInput{
		LoadBalancerArn: aws.String(balancerARN), PageSize: aws.Int32(elbPage),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Listeners...)
	}
	return all, nil
}

func (p *Place) readListeners(ctx context.Context, owned map[string]planner.Addr, all []elbtypes.Listener) ([]Item[listenerSpec], error) {
	ours := slices.DeleteFunc(all, func(l elbtypes.Listener) bool {
		_, ok := owned[aws.ToString(l.ListenerArn)]
		return !ok
	})
	found, err := readEach(ctx, ours, func(ctx context.Context, l elbtypes.Listener) (Item[listenerSpec], error) {
		return p.readListener(ctx, owned[aws.ToString(l.ListenerArn)], l)
	})
	if err != nil {
		return nil, err
	}
	var items []Item[listenerSpec]
	for _, it := range found {
		if it != nil {
			items = append(items, *it)
		}
	}
	return items, nil
}

// attrIdleTimeout is an attribute of TCP listeners alone.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-listeners.html
const attrIdleTimeout = "tcp.idle_timeout.seconds"

// readListener adds the attributes, which AWS tells for one listener at a time.
func (p *Place) readListener(ctx context.Context, addr planner.Addr, l elbtypes.Listener) (Item[listenerSpec], error) {
	it := listenerItem(addr, l)
	if l.Protocol != elbtypes.ProtocolEnumTcp {
		return it, nil
	}
	out, err := p.ELB.DescribeListenerAttributes(ctx, &elb.DescribeListenerAttributesInput{ListenerArn: l.ListenerArn})
	if err != nil {
		return it, err
	}
	it.Spec.IdleTimeout = attributeNumber(listenerAttributes(out.Attributes), attrIdleTimeout)
	return it, nil
}

func listenerItem(addr planner.Addr, l elbtypes.Listener) Item[listenerSpec] {
	arn, balancerARN := aws.ToString(l.ListenerArn), aws.ToString(l.LoadBalancerArn)
	it := Item[listenerSpec]{
		Resource: planner.Resource{
			Addr: addr, Group: groupFromName(addr), ID: arn,
			Outputs: planner.Outputs{"id": arn, "arn": arn},
		},
		Spec: listenerSpec{
			LoadBalancer: planner.Known(balancerARN),
			Port:         int(aws.ToInt32(l.Port)),
			Protocol:     string(l.Protocol),
			TargetGroup:  planner.Known(forwardsTo(l.DefaultActions)),
			SSLPolicy:    aws.ToString(l.SslPolicy),
		},
	}
	if len(l.Certificates) > 0 {
		it.Spec.Certificate = aws.ToString(l.Certificates[0].CertificateArn)
	}
	return it
}

// forwardsTo is the target group's ARN, or, where somebody made the listener
// forward to several, all of them, which is as no wish of ours.
func forwardsTo(actions []elbtypes.Action) string {
	var arns []string
	for _, a := range actions {
		if a.TargetGroupArn != nil {
			arns = append(arns, *a.TargetGroupArn)
		}
		if a.ForwardConfig == nil {
			continue
		}
		for _, g := range a.ForwardConfig.TargetGroups {
			arns = append(arns, aws.ToString(g.TargetGroupArn))
		}
	}
	slices.Sort(arns)
	return strings.Join(slices.Compact(arns), ",")
}

func forwardTo(arn string) []elbtypes.Action {
	return []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: aws.String(arn)}}
}

func certificates(arn string) []elbtypes.Certificate {
	if arn == "" {
		return nil
	}
	return []elbtypes.Certificate{{CertificateArn: aws.String(arn)}}
}

// createListener finds the listener whose creation was not answered, which may
// have another port, or makes it, and goes on from what it finds.
func createListener(ctx context.Context, p *Place, want Item[listenerSpec]) (applier.Made, error) {
	l, found, err := p.listenerAt(ctx, want)
	if err != nil {
		return applier.Made{}, err
	}
	if !found {
		if l, err = p.makeListener(ctx, want); err != nil {
			return applier.Made{}, err
		}
	}
	if err := p.elbClaim(ctx, want.Addr, aws.ToString(l.ListenerArn)); err != nil {
		return applier.Made{}, err
	}
	now, err := p.readListener(ctx, want.Addr, l)
	if err != nil {
		return applier.Made{}, err
	}
	return updateListener(ctx, p, now, want)
}

// listenerAt finds the fleet's listener of an address among those of the load
// balancer. AWS refuses no second one as long as it has another port.
func (p *Place) listenerAt(ctx context.Context, want Item[listenerSpec]) (l elbtypes.Listener, found bool, err error) {
	all, err := p.listenersOf(ctx, want.Spec.LoadBalancer.Known)
	if err != nil {
		return l, false, err
	}
	arns := make([]string, len(all))
	for i, l := range all {
		arns[i] = aws.ToString(l.ListenerArn)
	}
	owned, err := p.elbOwned(ctx, "listener", arns)
	if err != nil {
		return l, false, err
	}
	for _, l := range all {
		if owned[aws.ToString(l.ListenerArn)] == want.Addr {
			return l, true, nil
		}
	}
	return l, false, p.unlessHidden(lagging)
}

func (p *Place) makeListener(ctx context.Context, want Item[listenerSpec]) (elbtypes.Listener, error) {
	out, err := p.ELB.CreateListener(ctx, &elb.CreateListenerInput{
		LoadBalancerArn: aws.String(want.Spec.LoadBalancer.Known),
		Port:            aws.Int32(int32(want.Spec.Port)),
		Protocol:        elbtypes.ProtocolEnum(want.Spec.Protocol),
		DefaultActions:  forwardTo(want.Spec.TargetGroup.Known),
		Certificates:    certificates(want.Spec.Certificate),
		SslPolicy:       optional(want.Spec.SSLPolicy),
		Tags:            p.elbTags(want.Addr),
	})
	switch {
	case awsapi.Code(err) == "DuplicateListener":
		return p.listenerOnPort(ctx, want, err)
	case err != nil:
		return elbtypes.Listener{}, err
	case len(out.Listeners) != 1:
		return elbtypes.Listener{}, fmt.Errorf("AWS answers the creation of a listener with %d listeners", len(out.Listeners))
	}
	return out.Listeners[0], nil
}

// listenerOnPort finds who has the port that a listener of ours should have.
// If it is another listener of ours, it is about to give the port up.
func (p *Place) listenerOnPort(ctx context.Context, want Item[listenerSpec], duplicate error) (elbtypes.Listener, error) {
	all, err := p.listenersOf(ctx, want.Spec.LoadBalancer.Known)
	if err != nil {
		return elbtypes.Listener{}, err
	}
	i := slices.IndexFunc(all, func(l elbtypes.Listener) bool { return int(aws.ToInt32(l.Port)) == want.Spec.Port })
	if i < 0 {
		return elbtypes.Listener{}, applier.Busy{Err: duplicate}
	}
	arn := aws.ToString(all[i].ListenerArn)
	owned, err := p.elbOwned(ctx, "listener", []string{arn})
	if err != nil {
		return elbtypes.Listener{}, err
	}
	if addr, ok := owned[arn]; ok && addr != want.Addr {
		return elbtypes.Listener{}, applier.Busy{Err: fmt.Errorf("port %d is still that of %s: %w", want.Spec.Port, addr, duplicate)}
	}
	return all[i], nil
}

func updateListener(ctx context.Context, p *Place, was, want Item[listenerSpec]) (applier.Made, error) {
	made := applier.Made{ID: was.ID, Outputs: was.Outputs}
	if !was.Spec.sameSettings(want.Spec) {
		_, err := p.ELB.ModifyListener(ctx, &elb.ModifyListenerInput{
			ListenerArn:    aws.String(was.ID),
			Port:           aws.Int32(int32(want.Spec.Port)),
			Protocol:       elbtypes.ProtocolEnum(want.Spec.Protocol),
			DefaultActions: forwardTo(want.Spec.TargetGroup.Known),
			Certificates:   certificates(want.Spec.Certificate),
			SslPolicy:      optional(want.Spec.SSLPolicy),
		})
		if awsapi.Code(err) == "DuplicateListener" {
			err = p.makeWay(ctx, was, want, err)
		}
		if err != nil {
			return made, soonThere(err, "TargetGroupNotFound")
		}
	}
	if want.Spec.IdleTimeout == 0 || want.Spec.IdleTimeout == was.Spec.IdleTimeout {
		return made, nil
	}
	_, err := p.ELB.ModifyListenerAttributes(ctx, &elb.ModifyListenerAttributesInput{
		ListenerArn: aws.String(was.ID),
		Attributes: []elbtypes.ListenerAttribute{
			{Key: aws.String(attrIdleTimeout), Value: aws.String(strconv.Itoa(want.Spec.IdleTimeout))},
		},
	})
	return made, err
}

// parkedPorts are where a listener waits that has to leave its port before
// the port that it shall have is free. No security group of ours opens them.
const parkedPorts, parkedEnd = 64000, 64100

// makeWay leaves the port that a listener has and is to leave anyway, if the
// port's holder is a listener of ours: it may be waiting for just that port,
// as two do that swap.
func (p *Place) makeWay(ctx context.Context, was, want Item[listenerSpec], duplicate error) error {
	all, err := p.listenersOf(ctx, want.Spec.LoadBalancer.Known)
	if err != nil {
		return err
	}
	holder, now, taken := "", 0, map[int]bool{}
	for _, l := range all {
		arn, port := aws.ToString(l.ListenerArn), int(aws.ToInt32(l.Port))
		taken[port] = true
		switch {
		case arn == was.ID:
			now = port
		case port == want.Spec.Port:
			holder = arn
		}
	}
	if holder == "" || now == want.Spec.Port || now >= parkedPorts && now < parkedEnd {
		return applier.Busy{Err: duplicate}
	}
	if owned, err := p.elbOwned(ctx, "listener", []string{holder}); err != nil || len(owned) == 0 {
		return cmp.Or(err, duplicate)
	}
	return cmp.Or(p.park(ctx, was.ID, taken), error(applier.Busy{Err: duplicate, Half: true}))
}

// park moves a listener to a port that nobody has. The other of two that swap
// may be looking for one at the same moment.
func (p *Place) park(ctx context.Context, arn string, taken map[int]bool) error {
	for port := parkedPorts; port < parkedEnd; port++ {
		if taken[port] {
			continue
		}
		_, err := p.ELB.ModifyListener(ctx, &elb.ModifyListenerInput{ListenerArn: aws.String(arn), Port: aws.Int32(int32(port))})
		if awsapi.Code(err) != "DuplicateListener" {
			return err
		}
	}
	return nil
}

// sameSettings compares what ModifyListener sets.
func (a listenerSpec) sameSettings(b listenerSpec) bool {
	return a.Port == b.Port && a.Protocol == b.Protocol && a.TargetGroup.Known == b.TargetGroup.Known &&
		a.Certificate == b.Certificate && a.SSLPolicy == b.SSLPolicy
}

func deleteListener(ctx context.Context, p *Place, was Item[listenerSpec]) error {
	_, err := p.ELB.DeleteListener(ctx, &elb.DeleteListenerInput{ListenerArn: aws.String(was.ID)})
	return unlessGone(err)
}
