package awssim

import (
	"strings"
	"time"
)

// unheard refuses a call that names something made so lately that not all of
// AWS has heard of it, as the world's idLag says (EC2 developer guide,
// "Eventual consistency"). Filters find what there is.
func (c *call) unheard() *Error {
	lag := c.latency("idLag")
	if lag == 0 {
		return nil
	}
	for _, id := range textsOf(c.in, nil) {
		if created, refusal := c.newcomer(id); refusal != nil && c.now.Sub(created) < lag {
			return refusal
		}
	}
	return nil
}

// textsOf collects the texts of a request that may be ids.
func textsOf(value any, into []string) []string {
	switch value := value.(type) {
	case string:
		return append(into, value)
	case []any:
		for _, v := range value {
			into = textsOf(v, into)
		}
	case M:
		for _, name := range sortedKeys(value) {
			if name != "Filters" && name != "Tags" && name != "TagSpecifications" {
				into = textsOf(value[name], into)
			}
		}
	}
	return into
}

// newcomer tells when something that takes a while to be known by its id was
// made, and how AWS refuses who names it until then. Endpoints are named by the
// owners of their services, too.
func (c *call) newcomer(id string) (time.Time, *Error) {
	l := c.cell()
	switch {
	case strings.HasPrefix(id, "sg-"):
		if g := l.Network.SecurityGroups.get(id); g != nil {
			return g.Created, c.unheardGroup(id)
		}
	case strings.HasPrefix(id, "vpce-svc-"):
		if svc := l.PrivateLink.Services.get(id); svc != nil {
			return svc.Created, noService(id)
		}
	case strings.HasPrefix(id, "vpce-"):
		for _, l := range c.sim.cells() {
			if ep := l.PrivateLink.Endpoints.get(id); ep != nil {
				return ep.Created, noEndpoint(id)
			}
		}
	default:
		if created := l.Balancing.created(id); !created.IsZero() {
			return created, missingResource(id)
		}
	}
	return time.Time{}, nil
}

func (c *call) unheardGroup(id string) *Error {
	if c.service == "elasticloadbalancing" {
		return refuse("InvalidSecurityGroup", "Security group '%s' does not exist", id)
	}
	return missingGroup(id)
}
