package awssim

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

func balancingTagOperations() map[string]operation {
	return map[string]operation{
		"AddTags":               addBalancingTags,
		"RemoveTags":            removeBalancingTags,
		"DescribeTags":          describeBalancingTags,
		"DescribeAccountLimits": describeAccountLimits,
	}
}

// tagged lists what takes tags, in the order things were made.
func (b *balancing) tagged(*cell) []taggedResource {
	var all []taggedResource
	for _, lb := range b.LoadBalancers.all() {
		if lb.Deleted.IsZero() {
			all = append(all, balancingResource(lb.ARN, lb.Tags))
		}
	}
	for _, g := range b.TargetGroups.all() {
		if g.Deleted.IsZero() {
			all = append(all, balancingResource(g.ARN, g.Tags))
		}
	}
	for _, l := range b.Listeners.all() {
		all = append(all, balancingResource(l.ARN, l.Tags))
	}
	return all
}

// balancingResource takes the type from the ARN: loadbalancer/net, targetgroup.
func balancingResource(arn string, t tags) taggedResource {
	parts := strings.Split(arn[strings.LastIndex(arn, ":")+1:], "/")
	kind := parts[0]
	if kind != "targetgroup" {
		kind += "/" + parts[1]
	}
	return taggedResource{ID: arn, ARN: arn, Service: "elasticloadbalancing", Type: kind, Tags: t}
}

// balancingTags reads the call's Tags and lays them over what is there (nil
// for nothing). It never returns nil without an error.
func (c *call) balancingTags(have tags) (tags, error) {
	out, seen := make(tags), make(map[string]bool)
	for k, v := range have {
		out[k] = v
	}
	for _, in := range c.in.list("Tags") {
		key := in.str("Key")
		if seen[key] {
			return nil, refuse("DuplicateTagKeys", "Tag keys must be unique, but '%s' was specified more than once", key)
		}
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return nil, refuse("ValidationError", "Tag key '%s' is not valid: the prefix 'aws:' is reserved", key)
		}
		seen[key], out[key] = true, in.str("Value")
	}
	if limit := c.quota("tagsPerResource"); len(out) > limit {
		return nil, refuse("TooManyTags", "The maximum number of tags per resource is '%d'", limit)
	}
	return out, nil
}

// balancingResources finds what the call's ResourceArns name.
func (c *call) balancingResources() ([]taggedResource, error) {
	arns := c.in.strs("ResourceArns")
	if len(arns) == 0 {
		return nil, refuse("ValidationError", "At least one resource ARN must be specified")
	}
	if len(arns) > 20 {
		return nil, refuse("ValidationError", "Up to '20' resource ARNs can be specified in a single call, but '%d' were given", len(arns))
	}
	all := c.cell().Balancing.tagged(c.cell())
	found := make([]taggedResource, 0, len(arns))
	for _, arn := range arns {
		i := slices.IndexFunc(all, func(r taggedResource) bool { return r.ARN == arn })
		if i < 0 {
			return nil, missingResource(arn)
		}
		found = append(found, all[i])
	}
	return found, nil
}

func missingResource(arn string) *Error {
	switch {
	case isBalancingARN(arn, "loadbalancer/"):
		return refuse("LoadBalancerNotFound", "Load balancer '%s' not found", arn)
	case isBalancingARN(arn, "targetgroup/"):
		return refuse("TargetGroupNotFound", "Target groups '[%s]' not found", arn)
	case isBalancingARN(arn, "listener/"):
		return refuse("ListenerNotFound", "One or more listeners not found")
	}
	return refuse("ValidationError", "'%s' is not a valid resource ARN", arn)
}

func addBalancingTags(c *call) (M, error) {
	rows, err := c.balancingResources()
	if err != nil {
		return nil, err
	}
	merged := make([]tags, len(rows))
	for i, row := range rows {
		if merged[i], err = c.balancingTags(row.Tags); err != nil {
			return nil, err
		}
	}
	for i, row := range rows {
		for k, v := range merged[i] {
			row.Tags[k] = v
		}
	}
	return M{}, nil
}

func removeBalancingTags(c *call) (M, error) {
	rows, err := c.balancingResources()
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		for _, key := range c.in.strs("TagKeys") {
			delete(row.Tags, key)
		}
	}
	return M{}, nil
}

func describeBalancingTags(c *call) (M, error) {
	rows, err := c.balancingResources()
	if err != nil {
		return nil, err
	}
	return M{"TagDescriptions": listBy(rows, func(r taggedResource) M {
		if c.now.Sub(c.cell().Balancing.created(r.ARN)) < c.latency("tagLag") {
			return M{"ResourceArn": r.ARN, "Tags": []any{}}
		}
		return M{"ResourceArn": r.ARN, "Tags": tagItems(r.Tags)}
	})}, nil
}

// created is when a load balancer, target group or listener was made.
func (b *balancing) created(arn string) time.Time {
	if lb := b.LoadBalancers.get(arn); lb != nil {
		return lb.Created
	}
	if g := b.TargetGroups.get(arn); g != nil {
		return g.Created
	}
	if l := b.Listeners.get(arn); l != nil {
		return l.Created
	}
	return time.Time{}
}

// describeAccountLimits shows the quotas under AWS's names for them.
func describeAccountLimits(c *call) (M, error) {
	type limit struct{ name, knob string }
	limits := []limit{
		{"network-load-balancers", "loadBalancersPerRegion"},
		{"listeners-per-network-load-balancer", "listenersPerLoadBalancer"},
		{"targets-per-availability-zone-per-network-load-balancer", "targetsPerZone"},
		{"target-groups", "targetGroupsPerRegion"},
	}
	rows, next, err := page(c, limits, func(l limit) string { return l.name }, balancingPaging())
	if err != nil {
		return nil, err
	}
	items := listBy(rows, func(l limit) M { return M{"Name": l.name, "Max": strconv.Itoa(c.quota(l.knob))} })
	return withMarker(M{"Limits": items}, next), nil
}
