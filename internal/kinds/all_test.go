package kinds

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/linkfleet/linkfleet/planner"
)

func TestKindsAreWhole(t *testing.T) {
	action := regexp.MustCompile(`^(ec2|elasticloadbalancing|iam|route53|sns|tag):[A-Z][A-Za-z]+$`)
	names := map[string]bool{}
	ranks := map[int]string{}
	types := map[string]string{}
	for _, k := range All() {
		t.Run(k.Name, func(t *testing.T) {
			if names[k.Name] {
				t.Error("another kind has the name")
			}
			if k.Parent != "" && !names[k.Parent] {
				t.Errorf("its parent %q does not come before it", k.Parent)
			}
			names[k.Name] = true
			if other := ranks[k.Trait.Rank]; k.Trait.Rank <= 0 || other != "" {
				t.Errorf("rank %d is none of its own (%s)", k.Trait.Rank, other)
			}
			ranks[k.Trait.Rank] = k.Name
			if other := types[k.Type]; k.Type != "" && other != "" {
				t.Errorf("type %s is that of %s too", k.Type, other)
			}
			types[k.Type] = k.Name
			// A claim in the record's own text says whose a record is.
			if (k.Type == "") == (k.Parent == "") && k.Name != "verification-record" {
				t.Errorf("type %q and parent %q: what takes tags has a type, all else a parent", k.Type, k.Parent)
			}
			if len(k.Reads) == 0 || len(k.Writes) == 0 {
				t.Error("it needs no permission to read, or none to write")
			}
			for _, a := range slices.Concat(k.Reads, k.Writes) {
				if !action.MatchString(a) {
					t.Errorf("%q is no IAM action", a)
				}
			}
			if both := slices.DeleteFunc(slices.Clone(k.Writes), func(a string) bool { return !slices.Contains(k.Reads, a) }); len(both) > 0 {
				t.Errorf("%v are both read and written with", both)
			}
			if spec := SpecOf(k); planner.CheckSpec(spec) != nil {
				t.Error(planner.CheckSpec(spec))
			}
		})
	}
}

// The way up is the order of the ranks: who reads a plan sees what stands on
// what.
func TestRanksAreTheOrderOfKinds(t *testing.T) {
	byRank := func(a, b Kind) int { return a.Trait.Rank - b.Trait.Rank }
	if !slices.IsSortedFunc(All(), byRank) {
		t.Error("All is not in the order of the ranks")
	}
}

// Each kind's letters of its type are those of its objects' ARNs.
func TestTypeOfARN(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:ec2:us-east-1:111111111111:security-group/sg-1":                                "ec2:security-group",
		"arn:aws:ec2:us-east-1:111111111111:vpc-endpoint/vpce-1":                                "ec2:vpc-endpoint",
		"arn:aws:ec2:us-east-1:111111111111:vpc-endpoint-service/vpce-svc-1":                    "ec2:vpc-endpoint-service",
		"arn:aws:elasticloadbalancing:us-east-1:111111111111:loadbalancer/net/fraud/0123":       "elasticloadbalancing:loadbalancer",
		"arn:aws:elasticloadbalancing:us-east-1:111111111111:targetgroup/fraud/0123":            "elasticloadbalancing:targetgroup",
		"arn:aws:elasticloadbalancing:us-east-1:111111111111:listener/net/fraud/0123/4567":      "elasticloadbalancing:listener",
		"arn:aws-us-gov:sns:us-gov-west-1:111111111111:privatelink-events":                      "sns:topic",
		"arn:aws:sns:us-east-1:111111111111:privatelink-events:6b0e71bd-7e97-4d97-80ce-4a0994e": "sns:topic",
		"arn:aws:ec2:us-east-1": "",
		"vpce-1":                "",
		"":                      "",
	} {
		if got := typeOfARN(arn); got != want {
			t.Errorf("typeOfARN(%q) = %q, want %q", arn, got, want)
		}
	}
}

func TestWithChildren(t *testing.T) {
	children := []string{"endpoint-service", "service-permissions", "connection-notification", "private-dns-name", "domain-verification", "connection"}
	for _, c := range []struct{ names, want []string }{
		{nil, nil},
		{[]string{"topic"}, []string{"topic"}},
		{[]string{"endpoint"}, []string{"endpoint", "endpoint-private-dns"}},
		{[]string{"endpoint-service"}, children},
		{[]string{"connection", "endpoint-service", "endpoint-service"}, children},
		// A child whose parent is not there is read all the same if asked for.
		{[]string{"service-permissions"}, []string{"service-permissions"}},
		{[]string{"no such kind"}, nil},
	} {
		var got []string
		for _, k := range withChildren(c.names) {
			got = append(got, k.Name)
		}
		slices.Sort(got)
		want := slices.Sorted(slices.Values(c.want))
		if !slices.Equal(got, want) {
			t.Errorf("withChildren(%v) = %v, want %v", c.names, got, want)
		}
	}
}

// A kind that stands on no side would be in nobody's policy.
func TestEveryKindStandsOnASide(t *testing.T) {
	standing := kindsBySide()
	for _, k := range All() {
		if !slices.ContainsFunc(slices.Collect(maps.Values(standing)), func(names []string) bool { return slices.Contains(names, k.Name) }) {
			t.Errorf("kind %s stands nowhere: no role is allowed what it needs (%s)", k.Name, strings.Join(k.Reads, ", "))
		}
	}
}
