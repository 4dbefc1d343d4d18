package awssim

import (
	"cmp"
	"strconv"
	"strings"
)

// A healthCheck says how the targets of a group are judged.
type healthCheck struct {
	Protocol  string // TCP, HTTP, HTTPS
	Port      string // a port, or traffic-port
	Path      string // HTTP and HTTPS only
	Matcher   string // HTTP codes; HTTP and HTTPS only
	Interval  int64  // seconds
	Timeout   int64  // seconds
	Healthy   int64  // passes in a row that make healthy
	Unhealthy int64  // failures in a row that make unhealthy
}

// presetHealthCheck is what AWS takes when the caller says nothing
// (CreateTargetGroup in the API reference).
func presetHealthCheck(g *targetGroup) healthCheck {
	check := healthCheck{Protocol: "TCP", Port: "traffic-port", Interval: 30, Healthy: 5, Unhealthy: 2}
	if g.ofApplication() || g.TargetType == "alb" {
		check.Protocol = "HTTP"
	}
	if g.Protocol == "GENEVE" {
		check.Port, check.Interval = "80", 10
	}
	return check
}

// wantedHealthCheck lays the call's HealthCheck members over what is there,
// and refuses what the group cannot have.
func (c *call) wantedHealthCheck(g *targetGroup, have healthCheck) (healthCheck, error) {
	want := have
	want.Protocol = cmp.Or(c.in.str("HealthCheckProtocol"), have.Protocol)
	want.Port = cmp.Or(c.in.str("HealthCheckPort"), have.Port)
	want.Path = cmp.Or(c.in.str("HealthCheckPath"), have.Path)
	want.Matcher = cmp.Or(c.in.sub("Matcher").str("HttpCode"), have.Matcher)
	want.Interval = numElse(c.in, "HealthCheckIntervalSeconds", have.Interval)
	want.Timeout = numElse(c.in, "HealthCheckTimeoutSeconds", have.Timeout)
	want.Healthy = numElse(c.in, "HealthyThresholdCount", have.Healthy)
	want.Unhealthy = numElse(c.in, "UnhealthyThresholdCount", have.Unhealthy)
	if !c.in.flagOr("HealthCheckEnabled", true) {
		return want, refuse("InvalidConfigurationRequest",
			"Health checks cannot be disabled for target groups with target type '%s'", g.TargetType)
	}
	if err := c.settleHTTP(g, &want); err != nil {
		return want, err
	}
	return want, want.check(g)
}

// settleHTTP gives HTTP checks their presets and others none of HTTP's members.
func (c *call) settleHTTP(g *targetGroup, h *healthCheck) error {
	if h.Protocol == "HTTP" || h.Protocol == "HTTPS" {
		codes := "200-399"
		if g.ofApplication() {
			codes = "200"
		}
		h.Path, h.Matcher = cmp.Or(h.Path, "/"), cmp.Or(h.Matcher, codes)
	} else {
		if c.in.has("HealthCheckPath") || c.in.has("Matcher") {
			return refuse("InvalidConfigurationRequest",
				"Health check path and matcher are not supported for health checks with protocol '%s'", h.Protocol)
		}
		h.Path, h.Matcher = "", ""
	}
	if h.Timeout == 0 {
		h.Timeout = presetTimeout(g, h.Protocol)
	}
	return nil
}

// presetTimeout is in seconds, as AWS takes it when the caller says nothing.
func presetTimeout(g *targetGroup, protocol string) int64 {
	switch {
	case g.Protocol == "GENEVE":
		return 5
	case protocol == "HTTP":
		return 6
	}
	return 10
}

// check refuses values that do not fit each other. The ranges of single
// numbers are in the service model; AWS refuses those that miss them with the
// same code.
func (h healthCheck) check(g *targetGroup) error {
	switch {
	case h.Protocol != "TCP" && h.Protocol != "HTTP" && h.Protocol != "HTTPS":
		return refuse("ValidationError", "Health check protocol '%s' is not supported", h.Protocol)
	case h.Protocol == "TCP" && (g.ofApplication() || g.TargetType == "alb"):
		return refuse("InvalidConfigurationRequest",
			"Health check protocol 'TCP' is not supported for this target group")
	case h.Path != "" && !strings.HasPrefix(h.Path, "/"):
		return refuse("ValidationError", "Health check path '%s' must begin with a '/' character", h.Path)
	case h.Interval < 5 || h.Interval > 300:
		return refuse("ValidationError", "Health check interval '%d' must be between 5 and 300", h.Interval)
	case h.Timeout < 2 || h.Timeout > 120:
		return refuse("ValidationError", "Health check timeout '%d' must be between 2 and 120", h.Timeout)
	case h.Timeout > h.Interval || h.Timeout == h.Interval && g.ofApplication():
		return refuse("ValidationError", "Health check timeout '%d' must be smaller than the interval '%d'", h.Timeout, h.Interval)
	case h.Healthy < 2 || h.Healthy > 10:
		return refuse("ValidationError", "Healthy threshold count '%d' must be between 2 and 10", h.Healthy)
	case h.Unhealthy < 2 || h.Unhealthy > 10:
		return refuse("ValidationError", "Unhealthy threshold count '%d' must be between 2 and 10", h.Unhealthy)
	}
	if port, err := strconv.Atoi(h.Port); h.Port != "traffic-port" && (err != nil || port < 1 || port > 65535) {
		return refuse("ValidationError", "Health check port '%s' must be 'traffic-port' or in range 1-65535", h.Port)
	}
	return nil
}

// show puts the check into a target group's reply.
func (h healthCheck) show(m M) {
	m["HealthCheckEnabled"] = true
	m["HealthCheckProtocol"] = h.Protocol
	m["HealthCheckPort"] = h.Port
	m["HealthCheckIntervalSeconds"] = h.Interval
	m["HealthCheckTimeoutSeconds"] = h.Timeout
	m["HealthyThresholdCount"] = h.Healthy
	m["UnhealthyThresholdCount"] = h.Unhealthy
	if h.Path != "" {
		m["HealthCheckPath"] = h.Path
		m["Matcher"] = M{"HttpCode": h.Matcher}
	}
}

// numElse returns a number of the input, or otherwise when it is absent.
func numElse(in M, name string, otherwise int64) int64 {
	if in.has(name) {
		return in.num(name)
	}
	return otherwise
}
