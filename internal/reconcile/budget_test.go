package reconcile_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/stage"
)

// callsByAccount counts calls by the account they look at. AWS's log says of
// an AssumeRole only whose credentials asked: a session is one call for the
// account it opens, and none for the account it is asked from.
func callsByAccount(t *testing.T, calls []awssim.Call) map[string]int {
	t.Helper()
	counts := map[string]int{}
	sessions := 0
	for _, c := range calls {
		if c.Operation == "AssumeRole" {
			sessions++
			continue
		}
		counts[c.Account]++
	}
	if sessions != len(counts) {
		t.Fatalf("%d sessions for %d accounts: want one for each", sessions, len(counts))
	}
	for id := range counts {
		counts[id]++
	}
	return counts
}

// byOperation is how many calls there were of each operation, a line each.
func byOperation(calls []awssim.Call) string {
	counts := map[string]int{}
	for _, c := range calls {
		counts[c.Service+" "+c.Operation]++
	}
	var b strings.Builder
	for _, op := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&b, "%6d %s\n", counts[op], op)
	}
	return b.String()
}

// A plan that finds nothing to do, for one service with 123 consumers.
func TestCallBudget(t *testing.T) {
	for _, c := range []struct {
		name                    string
		shared                  bool
		total, each, atProvider int
	}{
		{name: "all consumers in one account", shared: true, total: 40},
		{name: "each consumer in its own account", each: 5, atProvider: 30},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := stage.Grid{Services: 1, Consumers: 123, Shared: c.shared}
				s := stage.OnGrid(t, g)
				s.Converge()
				time.Sleep(time.Minute) // for buckets to fill: what AWS refuses counts twice
				calls := s.Calls(s.WantEmpty)
				if c.total > 0 && len(calls) > c.total {
					t.Errorf("%d calls, want at most %d:\n%s", len(calls), c.total, byOperation(calls))
				}
				for id, n := range callsByAccount(t, calls) {
					most := c.each
					if id == stage.GridProvider {
						most = c.atProvider
					}
					if most > 0 && n > most {
						t.Errorf("%d calls for account %s, want at most %d:\n%s", n, id, most, byOperation(calls))
					}
				}
				if !g.Shared {
					wantForcedCalls(t, g, calls)
				}
			})
		})
	}
}

// pages is how many calls a list of n objects takes. An empty list takes one.
func pages(n, size int) int { return max(1, (n+size-1)/size) }

// batches is how many calls n objects take that are asked for by name.
func batches(n, size int) int { return (n + size - 1) / size }

// forcedCalls is the sum that AWS's page sizes force upon a plan of a grid
// with s services, each with c consumers in accounts of their own, when
// nothing is to be done.
func forcedCalls(s, c int) map[string]int {
	accounts := 2 + c // the provider, DNS and the consumers
	return map[string]int{
		"sts AssumeRole": accounts,
		// What lingers of kinds that a place should not have. A place where
		// nothing should be is asked about everything.
		"tagging GetResources": accounts,

		"ec2 DescribeSecurityGroups":                          pages(s, 1000) + c*pages(s, 1000),
		"ec2 DescribeVpcEndpoints":                            c * pages(s, 1000),
		"ec2 DescribeVpcEndpointServiceConfigurations":        pages(s, 1000),
		"ec2 DescribeVpcEndpointConnections":                  pages(s*c, 1000),
		"ec2 DescribeVpcEndpointConnectionNotifications":      pages(0, 1000),
		"ec2 DescribeVpcEndpointServicePermissions":           s * pages(c, 1000),
		"elasticloadbalancing DescribeLoadBalancers":          pages(s, 400),
		"elasticloadbalancing DescribeTargetGroups":           pages(s, 400),
		"elasticloadbalancing DescribeListeners":              s * pages(1, 400),
		"elasticloadbalancing DescribeTags":                   3 * batches(s, 20), // balancers, groups, listeners
		"elasticloadbalancing DescribeTargetHealth":           s,
		"elasticloadbalancing DescribeListenerAttributes":     s,
		"elasticloadbalancing DescribeLoadBalancerAttributes": s,
		"elasticloadbalancing DescribeTargetGroupAttributes":  s,
		"route53 ListResourceRecordSets":                      pages(s+2, 300), // and NS and SOA
	}
}

// The calls of a plan are the sum that page sizes and facts that AWS tells
// for one object at a time force, and not one more. BenchmarkRead wants the
// same of large fleets.
func TestCallsAreWhatPagesForce(t *testing.T) {
	for _, g := range []stage.Grid{
		{Services: 2, Consumers: 8},
		{Services: 21, Consumers: 3}, // one more than AWS describes the tags of at once
	} {
		t.Run(fmt.Sprintf("%dx%d", g.Services, g.Consumers), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := stage.OnGrid(t, g)
				s.Converge()
				time.Sleep(time.Minute)
				wantForcedCalls(t, g, s.Calls(s.WantEmpty))
			})
		})
	}
}

func wantForcedCalls(t testing.TB, g stage.Grid, calls []awssim.Call) {
	t.Helper()
	got := map[string]int{}
	for _, c := range calls {
		got[c.Service+" "+c.Operation]++
	}
	want := forcedCalls(g.Services, g.Consumers)
	for op := range got {
		want[op] += 0 // none is wanted of what is not in the table
	}
	for _, op := range slices.Sorted(maps.Keys(want)) {
		if got[op] != want[op] {
			t.Errorf("%s: %d calls, want %d", op, got[op], want[op])
		}
	}
}
