package kinds

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// targetGroup is what stands behind a listener: the targets and how their
// health is judged.
func targetGroup() Def[targetGroupSpec] {
	return Def[targetGroupSpec]{
		Name:  "target-group",
		Trait: planner.Trait{Rank: 30},
		Type:  "elasticloadbalancing:targetgroup",
		Marks: elbMarks(),
		Reads: []string{
			"elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTags",
			"elasticloadbalancing:DescribeTargetGroupAttributes", "elasticloadbalancing:DescribeTargetHealth",
		},
		Writes: []string{
			"elasticloadbalancing:CreateTargetGroup", "elasticloadbalancing:AddTags", "elasticloadbalancing:DeleteTargetGroup",
			"elasticloadbalancing:ModifyTargetGroup", "elasticloadbalancing:ModifyTargetGroupAttributes",
			"elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets",
			// See load-balancer.
			"ec2:DescribeInstances", "ec2:DescribeInternetGateways", "ec2:DescribeSubnets", "ec2:DescribeVpcs",
			"iam:CreateServiceLinkedRole",
		},
		Want:   wantTargetGroups,
		List:   listTargetGroups,
		Create: createTargetGroup,
		Update: updateTargetGroup,
		Delete: deleteTargetGroup,
	}
}

type targetGroupSpec struct {
	VPC         string          `json:"vpc" plan:"replace"`
	Protocol    string          `json:"protocol" plan:"replace"`
	Port        int             `json:"port" plan:"replace"`
	TargetType  string          `json:"targetType" plan:"replace"`
	HealthCheck healthCheckSpec `json:"healthCheck"`
	// Targets are "id:port", see target.
	Targets []string `json:"targets"`
	// The attributes are AWS's own affair with target type "alb", and then
	// zero here on both sides.
	DeregistrationDelay int  `json:"deregistrationDelay"`
	PreserveClientIP    bool `json:"preserveClientIP"`
	ProxyProtocolV2     bool `json:"proxyProtocolV2"`
}

type healthCheckSpec struct {
	Protocol           string `json:"protocol"`
	Port               string `json:"port"`
	Path               string `json:"path"` // HTTP and HTTPS only
	Interval           int    `json:"interval"`
	Timeout            int    `json:"timeout"`
	HealthyThreshold   int    `json:"healthyThreshold"`
	UnhealthyThreshold int    `json:"unhealthyThreshold"`
}

func wantTargetGroups(f *schema.Fleet, _ planner.State) []Item[targetGroupSpec] {
	var items []Item[targetGroupSpec]
	for s := range services(f) {
		for l := range listeners(s) {
			items = append(items, Item[targetGroupSpec]{
				Resource: planner.Resource{Addr: addrTargetGroup(s, l), Group: groupOf(s, nil), Origin: l.Pos.Short()},
				Spec:     targetGroupWish(s.LoadBalancer.VPC, l),
			})
		}
	}
	return items
}

func targetGroupWish(vpc string, l *schema.Listener) targetGroupSpec {
	h := l.HealthCheck
	spec := targetGroupSpec{
		VPC: vpc, Protocol: l.Targets.Protocol, Port: l.Targets.Port, TargetType: l.Targets.Type,
		HealthCheck: healthCheckSpec{
			Protocol: h.Protocol, Port: h.Port, Path: h.Path, Interval: h.Interval, Timeout: h.Timeout,
			HealthyThreshold: h.HealthyThreshold, UnhealthyThreshold: h.UnhealthyThreshold,
		},
	}
	for _, id := range l.Targets.Addresses {
		spec.Targets = append(spec.Targets, target(id, l.Targets.Port))
	}
	slices.Sort(spec.Targets)
	if hasAttributes(spec.TargetType) {
		spec.DeregistrationDelay = l.Targets.DeregistrationDelay
		spec.PreserveClientIP = l.Targets.PreserveClientIP
		spec.ProxyProtocolV2 = l.Targets.ProxyProtocolV2
	}
	return spec
}

// hasAttributes tells whether a group's attributes can be set: those of a
// group for a load balancer always have AWS's defaults.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/edit-target-group-attributes.html
func hasAttributes(targetType string) bool {
	return targetType != string(elbtypes.TargetTypeEnumAlb)
}

func listTargetGroups(ctx context.Context, p *Place) ([]Item[targetGroupSpec], error) {
	var groups []elbtypes.TargetGroup
	var arns []string
	pages := elb.NewDescribeTargetGroupsPaginator(p.ELB, &elb.DescribeTargetGroupsInput{PageSize: aws.Int32(elbPage)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, g := range page.TargetGroups {
			groups, arns = append(groups, g), append(arns, aws.ToString(g.TargetGroupArn))
		}
	}
	owned, err := p.elbOwned(ctx, "target-group", arns)
	if err != nil {
		return nil, err
	}
	groups = slices.DeleteFunc(groups, func(g elbtypes.TargetGroup) bool {
		_, ok := owned[aws.ToString(g.TargetGroupArn)]
		return !ok
	})
	found, err := readEach(ctx, groups, func(ctx context.Context, g elbtypes.TargetGroup) (Item[targetGroupSpec], error) {
		return p.readTargetGroup(ctx, owned[aws.ToString(g.TargetGroupArn)], g)
	})
	if err != nil {
		return nil, err
	}
	var items []Item[targetGroupSpec]
	for _, it := range found {
		if it != nil {
			items = append(items, *it)
		}
	}
	return items, nil
}

// readTargetGroup adds targets and attributes, which AWS tells for one group
// at a time.
func (p *Place) readTargetGroup(ctx context.Context, addr planner.Addr, g elbtypes.TargetGroup) (Item[targetGroupSpec], error) {
	health, err := p.ELB.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: g.TargetGroupArn})
	if err != nil {
		return Item[targetGroupSpec]{}, err
	}
	it := targetGroupItem(addr, g)
	it.Spec.Targets = registeredTargets(health.TargetHealthDescriptions)
	if !hasAttributes(it.Spec.TargetType) {
		return it, nil
	}
	out, err := p.ELB.DescribeTargetGroupAttributes(ctx, &elb.DescribeTargetGroupAttributesInput{TargetGroupArn: g.TargetGroupArn})
	if err != nil {
		return Item[targetGroupSpec]{}, err
	}
	attrs := groupAttributes(out.Attributes)
	it.Spec.DeregistrationDelay = attributeNumber(attrs, attrDeregistrationDelay)
	it.Spec.PreserveClientIP = attributeTrue(attrs, attrPreserveClientIP)
	it.Spec.ProxyProtocolV2 = attributeTrue(attrs, attrProxyProtocol)
	return it, nil
}

// The attributes of a target group that linkfleet keeps.
const (
	attrDeregistrationDelay = "deregistration_delay.timeout_seconds"
	attrPreserveClientIP    = "preserve_client_ip.enabled"
	attrProxyProtocol       = "proxy_protocol_v2.enabled"
)

func targetGroupItem(addr planner.Addr, g elbtypes.TargetGroup) Item[targetGroupSpec] {
	arn := aws.ToString(g.TargetGroupArn)
	return Item[targetGroupSpec]{
		Resource: planner.Resource{Addr: addr, Group: groupFromName(addr), ID: arn, Outputs: planner.Outputs{"id": arn, "arn": arn}},
		Spec: targetGroupSpec{
			VPC: aws.ToString(g.VpcId), Protocol: string(g.Protocol),
			Port: int(aws.ToInt32(g.Port)), TargetType: string(g.TargetType),
			HealthCheck: healthCheckSpec{
				Protocol:           string(g.HealthCheckProtocol),
				Port:               aws.ToString(g.HealthCheckPort),
				Path:               aws.ToString(g.HealthCheckPath),
				Interval:           int(aws.ToInt32(g.HealthCheckIntervalSeconds)),
				Timeout:            int(aws.ToInt32(g.HealthCheckTimeoutSeconds)),
				HealthyThreshold:   int(aws.ToInt32(g.HealthyThresholdCount)),
				UnhealthyThreshold: int(aws.ToInt32(g.UnhealthyThresholdCount)),
			},
		},
	}
}

// createTargetGroup makes the group or finds the one whose creation was not
// answered, and goes on from what it finds.
func createTargetGroup(ctx context.Context, p *Place, want Item[targetGroupSpec]) (applier.Made, error) {
	g, err := p.makeTargetGroup(ctx, want)
	if err != nil {
		return applier.Made{}, err
	}
	if err := p.elbClaim(ctx, want.Addr, aws.ToString(g.TargetGroupArn)); err != nil {
		return applier.Made{}, err
	}
	now, err := p.readTargetGroup(ctx, want.Addr, g)
	if err != nil {
		return applier.Made{}, err
	}
	return updateTargetGroup(ctx, p, now, want)
}

func (p *Place) makeTargetGroup(ctx context.Context, want Item[targetGroupSpec]) (elbtypes.TargetGroup, error) {
	spec := want.Spec
	name := p.awsName(want.Addr, spec.VPC, spec.Protocol, strconv.Itoa(spec.Port), spec.TargetType)
	h := spec.HealthCheck
	out, err := p.ELB.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{
		Name:                       aws.String(name),
		VpcId:                      aws.String(spec.VPC),
		Protocol:                   elbtypes.ProtocolEnum(spec.Protocol),
		Port:                       aws.Int32(int32(spec.Port)),
		TargetType:                 elbtypes.TargetTypeEnum(spec.TargetType),
		HealthCheckEnabled:         aws.Bool(true),
		HealthCheckProtocol:        elbtypes.ProtocolEnum(h.Protocol),
		HealthCheckPort:            aws.String(h.Port),
		HealthCheckPath:            optional(h.Path),
		HealthCheckIntervalSeconds: aws.Int32(int32(h.Interval)),
		HealthCheckTimeoutSeconds:  aws.Int32(int32(h.Timeout)),
		HealthyThresholdCount:      aws.Int32(int32(h.HealthyThreshold)),
		UnhealthyThresholdCount:    aws.Int32(int32(h.UnhealthyThreshold)),
		Tags:                       p.elbTags(want.Addr),
	})
	var all []elbtypes.TargetGroup
	switch {
	case awsapi.Code(err) == "DuplicateTargetGroupName":
		found, err := p.ELB.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{Names: []string{name}})
		if err != nil {
			return elbtypes.TargetGroup{}, err
		}
		all = found.TargetGroups
	case err != nil:
		return elbtypes.TargetGroup{}, err
	default:
		all = out.TargetGroups
	}
	if len(all) != 1 {
		return elbtypes.TargetGroup{}, fmt.Errorf("AWS answers with %d target groups of the name %s", len(all), name)
	}
	return all[0], nil
}

// optional leaves an empty text out of a request.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// updateTargetGroup registers new targets before it takes old ones off, so
// that a listener is never left without any.
func updateTargetGroup(ctx context.Context, p *Place, was, want Item[targetGroupSpec]) (applier.Made, error) {
	made := applier.Made{ID: was.ID, Outputs: was.Outputs}
	if was.Spec.HealthCheck != want.Spec.HealthCheck {
		if err := p.changeHealthCheck(ctx, was.ID, want.Spec.HealthCheck); err != nil {
			return made, err
		}
	}
	if err := p.changeGroupAttributes(ctx, was, want); err != nil {
		return made, err
	}
	d := differ(was.Spec.Targets, want.Spec.Targets)
	if err := p.registerTargets(ctx, was.ID, want.Spec.TargetType, d.missing); err != nil {
		return made, err
	}
	return made, p.deregisterTargets(ctx, was.ID, d.extra)
}

func (p *Place) changeHealthCheck(ctx context.Context, arn string, h healthCheckSpec) error {
	_, err := p.ELB.ModifyTargetGroup(ctx, &elb.ModifyTargetGroupInput{
		TargetGroupArn:             aws.String(arn),
		HealthCheckProtocol:        elbtypes.ProtocolEnum(h.Protocol),
		HealthCheckPort:            aws.String(h.Port),
		HealthCheckPath:            optional(h.Path),
		HealthCheckIntervalSeconds: aws.Int32(int32(h.Interval)),
		HealthCheckTimeoutSeconds:  aws.Int32(int32(h.Timeout)),
		HealthyThresholdCount:      aws.Int32(int32(h.HealthyThreshold)),
		UnhealthyThresholdCount:    aws.Int32(int32(h.UnhealthyThreshold)),
	})
	return err
}

func (p *Place) changeGroupAttributes(ctx context.Context, was, want Item[targetGroupSpec]) error {
	if was.Spec.DeregistrationDelay == want.Spec.DeregistrationDelay &&
		was.Spec.PreserveClientIP == want.Spec.PreserveClientIP &&
		was.Spec.ProxyProtocolV2 == want.Spec.ProxyProtocolV2 {
		return nil
	}
	_, err := p.ELB.ModifyTargetGroupAttributes(ctx, &elb.ModifyTargetGroupAttributesInput{
		TargetGroupArn: aws.String(was.ID),
		Attributes: []elbtypes.TargetGroupAttribute{
			{Key: aws.String(attrDeregistrationDelay), Value: aws.String(strconv.Itoa(want.Spec.DeregistrationDelay))},
			{Key: aws.String(attrPreserveClientIP), Value: aws.String(strconv.FormatBool(want.Spec.PreserveClientIP))},
			{Key: aws.String(attrProxyProtocol), Value: aws.String(strconv.FormatBool(want.Spec.ProxyProtocolV2))},
		},
	})
	return err
}

// deleteTargetGroup is refused with ResourceInUse for a while after the
// listener has let go of the group.
func deleteTargetGroup(ctx context.Context, p *Place, was Item[targetGroupSpec]) error {
	_, err := p.ELB.DeleteTargetGroup(ctx, &elb.DeleteTargetGroupInput{TargetGroupArn: aws.String(was.ID)})
	return unlessGone(err)
}
