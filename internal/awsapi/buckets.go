package awsapi

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"golang.org/x/time/rate"
)

// A bucket is a limit AWS sets to the rate of requests of one account in one
// region: size requests at once, refilled by refill a second.
type bucket struct {
	service string // the prefix of its IAM actions
	// operations are names; a name ending in * is a beginning.
	operations []string
	// each: every operation has such a bucket of its own.
	each bool
	// when, if set, tells whether a call with this input draws from it.
	when func(input any) bool
	// cost, if set, is how many tokens a call with this input takes.
	cost func(input any) int

	size, refill float64
}

// operationBuckets are AWS's figures by operation. A call draws from the
// first that fits.
var operationBuckets = []bucket{
	// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
	{service: "ec2", each: true, size: 4, refill: 0.3, operations: []string{
		"CreateVpcEndpoint", "ModifyVpcEndpoint", "DeleteVpcEndpoints"}},
	{service: "ec2", each: true, size: 10, refill: 1, operations: []string{
		"AcceptVpcEndpointConnections", "RejectVpcEndpointConnections",
		"CreateVpcEndpointServiceConfiguration", "ModifyVpcEndpointServiceConfiguration", "DeleteVpcEndpointServiceConfigurations"}},
	{service: "ec2", each: true, size: 100, refill: 10, operations: []string{"CreateTags", "DeleteTags"}},
	{service: "ec2", each: true, size: 50, refill: 10, when: unbounded, operations: []string{
		"DescribeNetworkInterfaces", "DescribeSecurityGroups"}},
	{service: "ec2", each: true, size: 100, refill: 20, operations: []string{"Describe*", "Get*"}},
	{service: "ec2", each: true, size: 50, refill: 5, operations: []string{"*"}},

	// https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/load-balancer-api-throttling.html
	{service: "elasticloadbalancing", size: 10, refill: 0.2, operations: []string{"CreateLoadBalancer", "SetSubnets"}},
	{service: "elasticloadbalancing", size: 20, refill: 4, operations: []string{"RegisterTargets", "DeregisterTargets"}},
	{service: "elasticloadbalancing", size: 40, refill: 10, operations: []string{"Describe*", "Get*"}},
	{service: "elasticloadbalancing", size: 20, refill: 3, operations: []string{"*"}},

	// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html
	{service: "route53", size: 40, refill: 2, operations: []string{"CreateHostedZone"}},
	{service: "route53", size: 40, refill: 5, operations: []string{"DeleteHostedZone"}},
	{service: "route53", size: 20, refill: 5, operations: []string{"AssociateVPCWithHostedZone"}},
	{service: "route53", size: 10, refill: 5, operations: []string{"DisassociateVPCFromHostedZone"}},
	{service: "route53", each: true, size: 50, refill: 10, operations: []string{"*"}},

	// https://docs.aws.amazon.com/general/latest/gr/sns.html
	// Of the operations it does not list, the slower of its usual figures.
	{service: "sns", each: true, size: 10, refill: 10, operations: []string{"TagResource", "UntagResource", "ListTagsForResource"}},
	{service: "sns", each: true, size: 100, refill: 100, operations: []string{"Subscribe", "Unsubscribe"}},
	{service: "sns", each: true, size: 30, refill: 30, operations: []string{"*"}},

	// AWS sets no limit to a standard queue; this one is against a loop of ours
	// that would ask and ask.
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
	{service: "sqs", each: true, size: 100, refill: 50, operations: []string{"*"}},

	// AWS publishes no figures for these; all are known to bear more.
	{service: "servicequotas", each: true, size: 10, refill: 5, operations: []string{"*"}},
	{service: "tag", each: true, size: 15, refill: 15, operations: []string{"GetResources"}},
	{service: "tag", each: true, size: 5, refill: 5, operations: []string{"*"}},
	{service: "sts", size: 100, refill: 100, operations: []string{"*"}},
}

// sharedBuckets are AWS's figures for all of a service's operations together,
// and what is counted in other units than requests. A call draws from every
// one that fits, besides its operation's. The pages are those above.
var sharedBuckets = []bucket{
	{service: "elasticloadbalancing", size: 40, refill: 10, operations: []string{"*"}},
	{service: "route53", size: 50, refill: 10, operations: []string{"*"}},
	{service: "route53", size: 1500, refill: 100, cost: changeUnits, operations: []string{"ChangeResourceRecordSets"}},
}

// We keep this much under AWS's figures. Requests that leave evenly do not
// arrive evenly, and people use the same accounts.
const (
	sizeShare   = 0.9
	refillShare = 0.98
)

// fits tells whether a call draws from the bucket.
func (b *bucket) fits(service, operation string, input any) bool {
	if b.service != service || b.when != nil && !b.when(input) {
		return false
	}
	return slices.ContainsFunc(b.operations, func(pattern string) bool {
		beginning, cut := strings.CutSuffix(pattern, "*")
		return operation == pattern || cut && strings.HasPrefix(operation, beginning)
	})
}

// limiter is the bucket, kept a little smaller, on a clock so much faster.
func (b *bucket) limiter(speed float64) *rate.Limiter {
	size := max(1, math.Floor(b.size*sizeShare))
	return rate.NewLimiter(rate.Limit(b.refill*refillShare*speed), int(size))
}

// unbounded tells whether a sweep names neither a filter nor a page size; of
// some operations AWS allows fewer of these. Ids it does not count as filters.
func unbounded(input any) bool {
	switch in := input.(type) {
	case *ec2.DescribeNetworkInterfacesInput:
		return in.MaxResults == nil && len(in.Filters) == 0
	case *ec2.DescribeSecurityGroupsInput:
		return in.MaxResults == nil && len(in.Filters) == 0
	}
	return false
}

// changeUnits is what Route 53 counts of a batch: an UPSERT is a delete and a
// create.
func changeUnits(input any) int {
	in, ok := input.(*route53.ChangeResourceRecordSetsInput)
	if !ok || in.ChangeBatch == nil {
		return 0
	}
	units := len(in.ChangeBatch.Changes)
	for _, change := range in.ChangeBatch.Changes {
		if change.Action == types.ChangeActionUpsert {
			units++
		}
	}
	return units
}

// limits are the buckets in use.
type limits struct {
	speed float64

	mu       sync.Mutex
	limiters map[limitKey]*rate.Limiter
}

// limitKey is whose bucket it is.
type limitKey struct {
	bucket          *bucket
	operation       string // where each has its own
	account, region string
}

func newLimits(speed float64) *limits {
	return &limits{speed: speed, limiters: map[limitKey]*rate.Limiter{}}
}

// A draw is the tokens a request takes from one bucket.
type draw struct {
	limiter *rate.Limiter
	tokens  int
}

// draws are the tokens a call takes at each attempt. Its operation's bucket
// comes first: who waits for a slow one must not hold tokens of the bucket
// that all share.
func (l *limits) draws(c caller, service, operation string, input any) []draw {
	var found []draw
	for i := range operationBuckets {
		if b := &operationBuckets[i]; b.fits(service, operation, input) {
			found = append(found, l.draw(b, c, operation, input))
			break
		}
	}
	for i := range sharedBuckets {
		if b := &sharedBuckets[i]; b.fits(service, operation, input) {
			found = append(found, l.draw(b, c, operation, input))
		}
	}
	return found
}

// draw is what a call takes from bucket b.
func (l *limits) draw(b *bucket, c caller, operation string, input any) draw {
	key := limitKey{bucket: b, account: c.bucket, region: c.region}
	if b.each {
		key.operation = operation
	}
	if b.service == "route53" {
		key.region = "" // one endpoint for all regions
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	limiter := l.limiters[key]
	if limiter == nil {
		limiter = b.limiter(l.speed)
		l.limiters[key] = limiter
	}
	tokens := 1
	if b.cost != nil {
		// A batch larger than the bucket waits for a full one.
		tokens = min(b.cost(input), limiter.Burst())
	}
	return draw{limiter, tokens}
}

// wait takes the tokens, and returns when they are there or ctx ends, or
// would end before.
func wait(ctx context.Context, draws []draw) error {
	for _, d := range draws {
		if err := d.limiter.WaitN(ctx, d.tokens); err != nil {
			if ctx.Err() == nil { // x/time/rate foresees the deadline
				err = context.DeadlineExceeded
			}
			return fmt.Errorf("waiting for AWS's request rate: %w", err)
		}
	}
	return nil
}

// drain empties the operation's bucket: AWS says that its own is empty, so
// others drew from it, and what we would still send it would refuse.
func drain(draws []draw) {
	for _, d := range draws[:min(len(draws), 1)] {
		if left := int(d.limiter.Tokens()); left > 0 {
			d.limiter.ReserveN(time.Now(), left)
		}
	}
}
