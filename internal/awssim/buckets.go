package awssim

import (
	"math"
	"net/http"
	"strings"
	"time"
)

// A bucket is a token bucket: full at first, refilled steadily.
type bucket struct {
	Tokens float64
	At     time.Time // when Tokens was right
}

// A limit says which bucket a call draws on, and how much.
type limit struct {
	bucket         string
	capacity, rate float64 // tokens; tokens per second
	cost           float64
}

// take draws a call's tokens, from all its buckets or from none.
func (s *Sim) take(c *call) bool {
	if s.options.World.Knobs.NoThrottling {
		return true
	}
	l, limits := c.cell(), limitsOf(c)
	for _, limit := range limits {
		if l.level(limit, c.now) < limit.cost {
			return false
		}
	}
	for _, limit := range limits {
		l.Buckets[limit.bucket].Tokens -= limit.cost
	}
	return true
}

// level refills a bucket and tells what is in it.
func (l *cell) level(by limit, now time.Time) float64 {
	if l.Buckets == nil {
		l.Buckets = make(map[string]*bucket)
	}
	b := l.Buckets[by.bucket]
	if b == nil {
		b = &bucket{Tokens: by.capacity, At: now}
		l.Buckets[by.bucket] = b
	}
	b.Tokens = math.Min(by.capacity, b.Tokens+now.Sub(b.At).Seconds()*by.rate)
	b.At = now
	return b.Tokens
}

func limitsOf(c *call) []limit {
	switch c.service {
	case "dynamodb":
		return dynamoLimits(c)
	case "ec2":
		return []limit{ec2Limit(c)}
	case "elasticloadbalancing":
		return balancingLimits(c.op)
	case "route53":
		return route53Limits(c)
	case "sns":
		return []limit{snsLimit(c.op)}
	case "sqs":
		return []limit{sqsLimit(c.op)}
	case "sts":
		return []limit{{"sts", 600, 600, 1}}
	default:
		return []limit{{c.service + ":" + c.op, 15, 15, 1}}
	}
}

// ec2Limit follows "Request throttling for the Amazon EC2 API": every action
// has a bucket of its own per account and Region.
func ec2Limit(c *call) limit {
	by := limit{bucket: "ec2:" + c.op, capacity: 50, rate: 5, cost: 1}
	switch c.op {
	case "CreateVpcEndpoint", "ModifyVpcEndpoint", "DeleteVpcEndpoints":
		by.capacity, by.rate = 4, 0.3
	case "AcceptVpcEndpointConnections", "RejectVpcEndpointConnections",
		"CreateVpcEndpointServiceConfiguration", "ModifyVpcEndpointServiceConfiguration",
		"DeleteVpcEndpointServiceConfigurations":
		by.capacity, by.rate = 10, 1
	case "CreateTags", "DeleteTags":
		by.capacity, by.rate = 100, 10
	default:
		if !readOnly(c.op) {
			break
		}
		by.capacity, by.rate = 100, 20
		if len(c.in.list("Filters")) == 0 && !c.in.has("MaxResults") && expensiveUnfiltered(c.op) {
			by.bucket, by.capacity, by.rate = by.bucket+" unfiltered", 50, 10
		}
	}
	return by
}

// expensiveUnfiltered tells the Describe operations, of those served here, that
// have a smaller bucket when they are neither filtered nor paged.
func expensiveUnfiltered(op string) bool {
	return op == "DescribeNetworkInterfaces" || op == "DescribeSecurityGroups"
}

// balancingLimits follows "Throttling for the Elastic Load Balancing API": a
// bucket for the account, and one for each class of operations.
func balancingLimits(op string) []limit {
	class := limit{"elb mutating", 20, 3, 1}
	switch {
	case op == "CreateLoadBalancer" || op == "SetSubnets":
		class = limit{"elb balancers", 10, 0.2, 1}
	case op == "RegisterTargets" || op == "DeregisterTargets":
		class = limit{"elb targets", 20, 4, 1}
	case readOnly(op):
		class = limit{"elb describe", 40, 10, 1}
	}
	return []limit{{"elb", 40, 10, 1}, class}
}

// route53Limits follows "Throttling for the Route 53 API". Record changes are
// also counted in units: one for CREATE and DELETE, two for UPSERT.
func route53Limits(c *call) []limit {
	action := limit{"route53:" + c.op, 50, 10, 1}
	switch c.op {
	case "CreateHostedZone":
		action.capacity, action.rate = 40, 2
	case "DeleteHostedZone":
		action.capacity, action.rate = 40, 5
	}
	limits := []limit{{"route53", 50, 10, 1}, action}
	if c.op == "ChangeResourceRecordSets" {
		units := 0.0
		for _, change := range c.in.sub("ChangeBatch").list("Changes") {
			units++
			if change.str("Action") == "UPSERT" {
				units++
			}
		}
		limits = append(limits, limit{"route53 units", 1500, 100, units})
	}
	return limits
}

func snsLimit(op string) limit {
	by := limit{"sns:" + op, 30, 30, 1}
	switch op {
	case "Subscribe":
		by.capacity, by.rate = 100, 100
	case "TagResource", "UntagResource":
		by.capacity, by.rate = 10, 10
	case "Publish":
		by.capacity, by.rate = 3000, 3000
	}
	return by
}

// sqsLimit is generous: of standard queues AWS says that they take nearly any
// number of messages a second, and of the rest it publishes nothing (SQS
// guide, "Amazon SQS message quotas").
func sqsLimit(op string) limit {
	if strings.Contains(op, "Message") {
		return limit{"sqs:" + op, 3000, 3000, 1}
	}
	return limit{"sqs:" + op, 100, 100, 1}
}

// throttled refuses for want of tokens, in the words of each service.
func throttled(c *call) *Error {
	switch c.service {
	case "dynamodb":
		return dynamoThrottled(c)
	case "ec2":
		return &Error{Code: "RequestLimitExceeded", Status: http.StatusServiceUnavailable,
			Message: "Request limit exceeded. Account " + c.account + " has been throttled on ec2:" + c.op}
	case "elasticloadbalancing":
		return refuse("ThrottlingException", "Rate exceeded")
	case "servicequotas":
		return refuse("TooManyRequestsException", "Rate exceeded")
	case "sqs":
		return refuse("RequestThrottled", "Request is throttled.")
	case "tagging":
		return refuse("ThrottledException", "Rate exceeded")
	default:
		return refuse("Throttling", "Rate exceeded")
	}
}
