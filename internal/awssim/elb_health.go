package awssim

import (
	"slices"
	"strconv"
	"time"
)

func describeTargetHealth(c *call) (M, error) {
	g, err := c.groupFor(c.in.str("TargetGroupArn"))
	if err != nil {
		return nil, err
	}
	c.dropDrained(g)
	rows := g.Targets
	if asked := c.in.list("Targets"); len(asked) > 0 {
		rows = nil
		for _, in := range asked {
			id, port := in.str("Id"), numElse(in, "Port", g.Port)
			t := g.target(id, port)
			if t == nil {
				t = &target{ID: id, Port: port}
			}
			rows = append(rows, t)
		}
	}
	return M{"TargetHealthDescriptions": listBy(rows, func(t *target) M { return c.healthItem(g, t) })}, nil
}

func (c *call) healthItem(g *targetGroup, t *target) M {
	shown := M{"Id": t.ID, "Port": t.Port}
	if t.Zone != "" {
		shown["AvailabilityZone"] = t.Zone
	}
	port := g.HealthCheck.Port
	if port == "traffic-port" {
		port = strconv.FormatInt(t.Port, 10)
	}
	return M{"Target": shown, "HealthCheckPort": port, "TargetHealth": c.health(g, t).item()}
}

// A health is the state of a target with AWS's reason and description.
type health struct{ state, reason, description string }

func (h health) item() M {
	m := M{"State": h.state}
	if h.reason != "" {
		m["Reason"], m["Description"] = h.reason, h.description
	}
	return m
}

// health judges a target at the call's time. It is a function of the times at
// which things began, so that waiting costs nothing.
func (c *call) health(g *targetGroup, t *target) health {
	switch {
	case t.Registered.IsZero():
		return health{"unused", "Target.NotRegistered", "Target is not registered to the target group"}
	case !t.Deregistered.IsZero():
		return health{"draining", "Target.DeregistrationInProgress", "Target deregistration is in progress"}
	case g.AttachedAt.IsZero():
		return health{"unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"}
	case !c.zoneServed(g, t):
		return health{"unused", "Target.NotInUse", "Target is in an Availability Zone that is not enabled for the load balancer"}
	}
	began := later(t.Registered, g.AttachedAt)
	for _, arn := range c.usersOf(g.ARN) {
		b := c.cell().loadBalancer(arn)
		if b.ActiveSince.IsZero() { // no node checks yet
			return health{"initial", "Elb.RegistrationInProgress", "Target registration is in progress"}
		}
		began = later(began, b.ActiveSince)
	}
	return c.judge(g, t, c.now.Sub(began))
}

// judge gives the state of a target whose checks were asked for so long ago.
// The first passing check makes a new target healthy, whatever the threshold
// (NLB guide, "Health checks"); failing takes the threshold's checks.
func (c *call) judge(g *targetGroup, t *target, age time.Duration) health {
	initial := c.latency("targetInitial")
	if c.sim.unhealthy(t.ID) {
		failing := time.Duration(g.HealthCheck.Interval*(g.HealthCheck.Unhealthy-1)) * time.Second
		if age >= initial+failing {
			return health{"unhealthy", "Target.FailedHealthChecks", "Health checks failed"}
		}
	} else if age >= initial {
		return health{state: "healthy"}
	}
	if age < initial/2 {
		return health{"initial", "Elb.RegistrationInProgress", "Target registration is in progress"}
	}
	return health{"initial", "Elb.InitialHealthChecking", "Initial health checks in progress"}
}

// unhealthy tells whether the world says that an address fails its checks.
func (s *Sim) unhealthy(address string) bool {
	return slices.Contains(s.options.World.Knobs.UnhealthyTargets, address)
}

// zoneServed tells whether the group's load balancer sends to the target's
// zone: it is in that zone or balances across zones.
func (c *call) zoneServed(g *targetGroup, t *target) bool {
	if t.Zone == "" || t.Zone == "all" {
		return true
	}
	for _, arn := range c.usersOf(g.ARN) {
		b := c.cell().loadBalancer(arn)
		if c.crossZone(b, g) || slices.Contains(b.ZoneNames(), t.Zone) {
			return true
		}
	}
	return false
}

// crossZone tells whether every node of a balancer sends to all of a group's
// targets: the group's attribute says so, or leaves it to the balancer's.
func (c *call) crossZone(b *loadBalancer, g *targetGroup) bool {
	switch set := g.Attributes["load_balancing.cross_zone.enabled"]; {
	case set == "true" || set == "false":
		return set == "true"
	case b.Type == "application":
		return true
	}
	return b.Attributes["load_balancing.cross_zone.enabled"] == "true"
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
