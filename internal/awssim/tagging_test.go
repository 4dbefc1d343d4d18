package awssim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	tagging "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
)

// found gives the kinds of resources of an answer: "loadbalancer/net", "sns".
func found(out *tagging.GetResourcesOutput) []string {
	var kinds []string
	for _, r := range out.ResourceTagMappingList {
		parts := strings.SplitN(*r.ResourceARN, ":", 6)
		kind, rest, _ := strings.Cut(parts[5], "/")
		if net, _, ok := strings.Cut(rest, "/"); ok && kind == "loadbalancer" {
			kind += "/" + net
		}
		if parts[2] == "sns" {
			kind = "sns"
		}
		kinds = append(kinds, kind)
	}
	return kinds
}

func (s *stage) resources(in *tagging.GetResourcesInput) []string {
	s.Helper()
	out, err := s.tagging(provider).GetResources(s.Context(), in)
	return found(must(s, out, err))
}

func tagFilter(key string, values ...string) []types.TagFilter {
	return []types.TagFilter{{Key: &key, Values: values}}
}

// furnish makes a balancer, a target group and a topic of team risk, and one
// untagged target group.
func (s *stage) furnish() string {
	s.Helper()
	team := []elbtypes.Tag{{Key: aws.String("team"), Value: aws.String("risk")}}
	b := nlb("fraud", subnet1)
	b.Tags = append(team, elbtypes.Tag{Key: aws.String("name"), Value: aws.String("fraud")})
	g := tcpGroup("fraud")
	g.Tags = team
	arn := *s.balancer(b).LoadBalancerArn
	s.group(g)
	s.group(tcpGroup("untagged"))
	s.topic(&sns.CreateTopicInput{Name: aws.String("events"), Tags: []snstypes.Tag{{Key: aws.String("team"), Value: aws.String("dns")}}})
	return arn
}

func TestGetResources(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		arn := s.furnish()
		all := []string{"loadbalancer/net", "targetgroup", "sns"}
		tests := []struct {
			name string
			in   tagging.GetResourcesInput
			want []string
		}{
			{"everything that has tags", tagging.GetResourcesInput{}, all},
			{"key", tagging.GetResourcesInput{TagFilters: tagFilter("team")}, all},
			{"key and value", tagging.GetResourcesInput{TagFilters: tagFilter("team", "risk")}, all[:2]},
			{"one of several values", tagging.GetResourcesInput{TagFilters: tagFilter("team", "x", "dns")}, all[2:]},
			{"all filters", tagging.GetResourcesInput{TagFilters: append(tagFilter("team"), tagFilter("name", "fraud")...)}, all[:1]},
			{"service", tagging.GetResourcesInput{ResourceTypeFilters: []string{"elasticloadbalancing"}}, all[:2]},
			{"type", tagging.GetResourcesInput{ResourceTypeFilters: []string{"elasticloadbalancing:loadbalancer"}}, all[:1]},
			{"subtype", tagging.GetResourcesInput{ResourceTypeFilters: []string{"elasticloadbalancing:loadbalancer/net", "sns"}}, []string{"loadbalancer/net", "sns"}},
			{"nothing", tagging.GetResourcesInput{ResourceTypeFilters: []string{"elasticloadbalancing:loadbalancer/app"}}, nil},
			{"ARNs", tagging.GetResourcesInput{ResourceARNList: []string{arn, arn + "x"}}, all[:1]},
		}
		for _, test := range tests {
			if got := s.resources(&test.in); !slices.Equal(got, test.want) {
				t.Errorf("%s: %v, want %v", test.name, got, test.want)
			}
		}
		_, err := s.tagging(provider).GetResources(s.Context(), &tagging.GetResourcesInput{ResourceARNList: []string{arn}, TagFilters: tagFilter("team")})
		s.refused(err, "InvalidParameterException", "ResourceARNList")
		out, err := s.tagging(consumer).GetResources(s.Context(), nil)
		if got := found(must(s, out, err)); len(got) != 0 {
			t.Errorf("another account sees %v", got)
		}
	})
}

func TestGetResourcesPages(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		for i := range 101 {
			g := tcpGroup(fmt.Sprintf("tg-%d", i))
			g.Tags = []elbtypes.Tag{{Key: aws.String("n"), Value: aws.String(fmt.Sprint(i))}}
			s.group(g)
		}
		var sizes []int
		pages := tagging.NewGetResourcesPaginator(s.tagging(provider), nil)
		for pages.HasMorePages() {
			out, err := pages.NextPage(s.Context())
			sizes = append(sizes, len(must(s, out, err).ResourceTagMappingList))
		}
		if !slices.Equal(sizes, []int{100, 1}) {
			t.Errorf("pages of %v", sizes)
		}
		_, err := s.tagging(provider).GetResources(s.Context(), &tagging.GetResourcesInput{ResourcesPerPage: aws.Int32(101)})
		s.refused(err, "InvalidParameterException", "")
	})
}

// With a lag the tagging API misses what is new and shows what is gone.
func TestTaggingLag(t *testing.T) {
	lag := func(w *World) { w.Knobs.Latencies = map[string]time.Duration{"taggingLag": 30 * time.Second} }
	onStage(t, lag, func(s *stage) {
		s.resources(nil)
		arn := s.furnish()
		if got := s.resources(nil); got != nil {
			t.Errorf("new resources show at once: %v", got)
		}
		s.pass(30 * time.Second)
		if got := s.resources(nil); len(got) != 3 {
			t.Errorf("after the lag: %v", got)
		}
		must(s, 0, s.dropBalancer(&arn))
		if got := s.resources(nil); len(got) != 3 {
			t.Errorf("the deleted balancer is gone at once: %v", got)
		}
		s.pass(30 * time.Second)
		if got := s.resources(nil); len(got) != 2 {
			t.Errorf("after the lag: %v", got)
		}
	})
}
