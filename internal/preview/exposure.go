package preview

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/linkfleet/linkfleet/schema"
)

// widest is how few bits the widest private network fixes, 10.0.0.0/8 (RFC
// 1918): what is wider takes a waiver.
const widest = 8

// An opening lets in more than a named role.
type opening struct {
	service, consumer string
	text              string
}

// openings are all of a fleet, each with the service's waiver.
func openings(f *schema.Fleet) map[opening]*schema.Waiver {
	open := map[opening]*schema.Waiver{}
	if f == nil {
		return open
	}
	for _, s := range f.Services {
		for _, o := range openingsOf(s) {
			open[o] = s.Waiver
		}
	}
	return open
}

func openingsOf(s *schema.Service) []opening {
	var open []opening
	add := func(consumer, format string, args ...any) {
		open = append(open, opening{s.Name, consumer, fmt.Sprintf(format, args...)})
	}
	if !s.AcceptanceRequired {
		add("", "whoever is permitted connects without being accepted (acceptanceRequired: false)")
	}
	for _, block := range wide(s.LoadBalancer.SecurityGroup.From) {
		add("", "clients from %s are newly let in to the load balancer", block)
	}
	for _, c := range s.Consumers {
		for _, p := range c.Principals {
			switch account, root := strings.CutSuffix(p, ":root"); {
			case p == "*":
				add(c.Name, "everybody in AWS is newly let in (principal *)")
			case root:
				add(c.Name, "everybody in account %s is newly let in (principal %s)", account[strings.LastIndexByte(account, ':')+1:], p)
			}
		}
		if c.Endpoint != nil {
			for _, block := range wide(c.Endpoint.From) {
				add(c.Name, "clients from %s are newly let in to the endpoint", block)
			}
		}
	}
	return open
}

// wide are the blocks wider than any private network.
func wide(blocks []string) []string {
	var found []string
	for _, b := range blocks {
		if p, err := netip.ParsePrefix(b); err == nil && p.Bits() < widest {
			found = append(found, b)
		}
	}
	return found
}

// exposures are the openings that the merge adds.
func exposures(was, is *schema.Fleet) []entry {
	before, after := openings(was), openings(is)
	var added []opening
	for o := range after {
		if _, stood := before[o]; !stood {
			added = append(added, o)
		}
	}
	slices.SortFunc(added, func(a, b opening) int {
		return cmp.Or(strings.Compare(a.service, b.service), strings.Compare(a.consumer, b.consumer), strings.Compare(a.text, b.text))
	})
	var entries []entry
	for _, o := range added {
		who := o.service
		if o.consumer != "" {
			who += "/" + o.consumer
		}
		entries = append(entries, item(who, o.text+waived(after[o])))
	}
	return entries
}

// waived is the waiver of an opening, as the end of its sentence.
func waived(w *schema.Waiver) string {
	if w == nil {
		return ""
	}
	return fmt.Sprintf("; waived until %s: %s", w.Expires.Format(time.DateOnly), w.Reason)
}
