package awsapi

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// A CallCount is how often one operation was asked for in one place.
type CallCount struct {
	// Service is the prefix of the service's IAM actions, such as "ec2" or
	// "elasticloadbalancing", so that Service:Operation reads as one.
	Service   string `json:"service"`
	Operation string `json:"operation"`
	// Account is the fleet's name; of AssumeRole, the account whose role
	// was assumed.
	Account string `json:"account"`
	Region  string `json:"region"`
	// Calls is the number of requests sent, each retry being one.
	Calls int `json:"calls"`
	// Throttled is how many of these AWS refused for their rate.
	Throttled int `json:"throttled,omitempty"`
	// Errors is how many of these failed in any other way.
	Errors int `json:"errors,omitempty"`
}

// compare orders counts by service, operation, account and region.
func (c CallCount) compare(d CallCount) int {
	return cmp.Or(strings.Compare(c.Service, d.Service), strings.Compare(c.Operation, d.Operation),
		strings.Compare(c.Account, d.Account), strings.Compare(c.Region, d.Region))
}

// Calls gives what was sent so far, sorted by service, operation, account and
// region.
func (a *API) Calls() []CallCount {
	a.counts.mu.Lock()
	defer a.counts.mu.Unlock()
	all := make([]CallCount, 0, len(a.counts.of))
	for _, c := range a.counts.of {
		all = append(all, *c)
	}
	slices.SortFunc(all, CallCount.compare)
	return all
}

// counts are the numbers of requests so far.
type counts struct {
	mu sync.Mutex
	of map[CallCount]*CallCount // the key has no numbers
}

func newCounts() *counts { return &counts{of: map[CallCount]*CallCount{}} }

// add counts one request of what and how it ended.
func (c *counts) add(what CallCount, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.of[what]
	if n == nil {
		n = new(CallCount)
		*n = what
		c.of[what] = n
	}
	n.Calls++
	switch {
	case err == nil:
	case IsThrottle(err):
		n.Throttled++
	default:
		n.Errors++
	}
}
