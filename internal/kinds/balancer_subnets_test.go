package kinds

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/linkfleet/linkfleet/applier"
)

// subnets reads "a1 b1": subnet a1 in zone a, subnet b1 in zone b.
func subnets(s string) map[string]string {
	m := map[string]string{}
	for _, id := range strings.Fields(s) {
		m[id] = id[:1]
	}
	return m
}

func TestSubnetSteps(t *testing.T) {
	for _, tc := range []struct{ name, have, want, steps string }{
		{"nothing to do", "a1 b1", "a1 b1", ""},
		{"a zone more", "a1 b1", "a1 b1 c1", "a1 b1 c1"},
		{"a zone less", "a1 b1 c1", "a1 b1", "a1 b1"},
		{"one zone for another", "a1 b1", "a1 c1", "a1 c1"},
		{"swap in a zone", "a1 b1", "a2 b1", "b1 | a2 b1"},
		{"swap in a zone and add one", "a1 b1", "a2 b1 c1", "b1 c1 | a2 b1 c1"},
		{"swap in all zones", "a1 b1", "a2 b2", "b1 | a2 b1 | a2 | a2 b2"},
		{"swap in the only wanted zone", "a1 c1", "a2", "c1 | a2 c1 | a2"},
		{"all zones other ones", "a1 b1", "c1 d1", "a1 c1 d1 | c1 d1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			steps, err := subnetSteps(subnets(tc.have), subnets(tc.want))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range steps {
				got = append(got, strings.Join(s, " "))
			}
			if s := strings.Join(got, " | "); s != tc.steps {
				t.Errorf("steps are %q, want %q", s, tc.steps)
			}
		})
	}
}

func TestSubnetStepsWithoutWay(t *testing.T) {
	if steps, err := subnetSteps(subnets("a1"), subnets("a2")); err == nil {
		t.Errorf("the only subnet was swapped in its zone by %v; AWS would refuse", steps)
	}
}

// Whatever the sets, no call swaps a zone's subnet and none leaves a balancer
// without subnets.
func TestSubnetStepsAreThoseAWSTakes(t *testing.T) {
	all := []string{"a1", "a2", "b1", "b2", "c1"}
	var sets []map[string]string
	for bits := 1; bits < 1<<len(all); bits++ {
		set, zones := map[string]string{}, map[string]bool{}
		for i, id := range all {
			if bits&(1<<i) != 0 {
				set[id], zones[id[:1]] = id[:1], true
			}
		}
		if len(zones) == len(set) {
			sets = append(sets, set)
		}
	}
	for _, have := range sets {
		for _, want := range sets {
			checkSubnetSteps(t, have, want)
		}
	}
}

func checkSubnetSteps(t *testing.T, have, want map[string]string) {
	t.Helper()
	steps, err := subnetSteps(have, want)
	if err != nil {
		if len(have) > 1 {
			t.Errorf("%v to %v: %v", have, want, err)
		}
		return
	}
	now := slices.Sorted(maps.Keys(have))
	for _, next := range steps {
		zones := map[string]bool{}
		for _, id := range next {
			if zones[id[:1]] {
				t.Fatalf("%v to %v: %v has two subnets in a zone", have, want, next)
			}
			zones[id[:1]] = true
		}
		for _, off := range without(now, next) {
			if len(next) == 0 || slices.ContainsFunc(without(next, now), func(on string) bool { return on[:1] == off[:1] }) {
				t.Fatalf("%v to %v: %v to %v is not to be had", have, want, now, next)
			}
		}
		now = next
	}
	if !slices.Equal(now, slices.Sorted(maps.Keys(want))) {
		t.Fatalf("%v to %v ends at %v", have, want, now)
	}
}

func TestSubnetErrorPassesOnlyWhileAZoneIsLeft(t *testing.T) {
	refusal := &smithy.GenericAPIError{Code: "InvalidConfigurationRequest"}
	var busy applier.Busy
	if errors.As(subnetError(refusal, false, true), &busy) {
		t.Error("a refusal is taken for one that passes by itself")
	}
	if !errors.As(subnetError(refusal, true, true), &busy) || !busy.Half {
		t.Error("a refusal while a zone is being left is not taken for one that passes by itself")
	}
}
