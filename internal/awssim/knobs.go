package awssim

import (
	"fmt"
	"time"
)

// Knobs set what AWS leaves open or what a test wants otherwise. Each map's
// keys are the names in this file; an unknown name is refused by LoadWorld and
// New.
type Knobs struct {
	Latencies map[string]time.Duration
	Quotas    map[string]int
	Choices   map[string]bool
	// UnhealthyTargets are addresses that fail the health checks of target groups.
	UnhealthyTargets []string
	// NoThrottling lifts the token buckets.
	NoThrottling bool
}

// defaultLatencies tells how long AWS takes, by knob.
func defaultLatencies() map[string]time.Duration {
	return map[string]time.Duration{
		"tagLag":  0, // so long Elastic Load Balancing tells no tags of new things
		"listLag": 0, // new things are missing from lists so long, and deleted ones still there
		"idLag":   0, // calls that name new things by their ids do not find them so long

		"attributeLag": 0, // so long reads show what a Modify has changed as it was

		"endpointProvision":     60 * time.Second, // pending to available
		"endpointModify":        30 * time.Second,
		"endpointDelete":        60 * time.Second,   // deleting to deleted, ENIs gone
		"endpointLinger":        10 * time.Minute,   // deleted endpoints and dead connections stay visible
		"endpointExpire":        7 * 24 * time.Hour, // pendingAcceptance to expired
		"serviceUnavailable":    0,                  // CreateVpcEndpoint answers 503 so long after a service's creation
		"servicePending":        0,                  // Pending to Available, for a new service
		"serviceDelete":         0,                  // Deleting to gone
		"serviceRefresh":        2 * time.Minute,    // a balancer's new zones reach the service
		"domainVerification":    60 * time.Second,   // pendingVerification to verified or failed
		"domainRecheck":         24 * time.Hour,     // AWS looks again whether a verified name's TXT record stands; 0: never
		"privateDNSDetach":      0,                  // a removed private name still conflicts so long
		"loadBalancerProvision": 2 * time.Minute,    // provisioning to active
		"loadBalancerZones":     60 * time.Second,   // SetSubnets takes effect
		"loadBalancerDetach":    2 * time.Minute,    // ENIs of a deleted balancer linger
		"targetGroupRelease":    15 * time.Second,   // a target group stays in use after its listener is gone
		"targetInitial":         30 * time.Second,   // initial to healthy
		"targetDrain":           300 * time.Second,  // draining to gone, unless the group's attribute says
		"taggingLag":            0,                  // how old the tagging API's view of a place may be
		"dnsSync":               30 * time.Second,   // a Route 53 change: PENDING to INSYNC
		"tableCreate":           10 * time.Second,   // a DynamoDB table: CREATING to ACTIVE
		"itemLag":               0,                  // reads of DynamoDB that are not consistent show what was so long ago
		"queueNameRelease":      60 * time.Second,   // a deleted queue's name cannot be used again
		"topicDelivery":         0,                  // from a topic to its queues
		"tokenMemory":           24 * time.Hour,     // idempotency tokens are remembered
	}
}

// defaultQuotas are AWS's quotas for a new account, by knob.
func defaultQuotas() map[string]int {
	return map[string]int{
		"endpointsPerVpc":            50,
		"servicesPerRegion":          200,
		"principalsPerService":       1000,
		"loadBalancersPerRegion":     50,
		"listenersPerLoadBalancer":   50,
		"targetGroupsPerRegion":      3000,
		"targetsPerGroup":            1000,
		"targetsPerZone":             500,
		"securityGroupsPerRegion":    2500,
		"rulesPerSecurityGroup":      60, // each way, IPv4 and IPv6 apart
		"securityGroupsPerInterface": 5,
		"interfacesPerRegion":        5000,
		"vpcsPerRegion":              5,
		"subnetsPerVpc":              200,
		"hostedZonesPerAccount":      500,
		"recordsPerZone":             10000,
		"valuesPerRecord":            400,
		"tagsPerResource":            50,
		"topicsPerRegion":            100000,
		"messagesInFlight":           120000, // of a queue
	}
}

// defaultChoices resolve what AWS does not document, by knob.
func defaultChoices() map[string]bool {
	return map[string]bool{
		"acceptRejected":           true,  // a rejected connection may be accepted
		"interfacesWhilePending":   true,  // an endpoint has its ENIs while it waits for acceptance
		"connectionFilterEndpoint": true,  // DescribeVpcEndpointConnections takes the filter vpc-endpoint-id
		"quotaOfDefault":           false, // GetServiceQuota tells quotas that were never changed
		"deliverTwice":             false, // every message that goes into a queue is there twice
		"removeUsedPrivateName":    false, // a service's private name may go while endpoints are connected
	}
}

// check refuses knobs that do not exist.
func (k Knobs) check() error {
	if err := knownKnobs("latency", k.Latencies, defaultLatencies()); err != nil {
		return err
	}
	if err := knownKnobs("quota", k.Quotas, defaultQuotas()); err != nil {
		return err
	}
	return knownKnobs("choice", k.Choices, defaultChoices())
}

func knownKnobs[V any](what string, set, known map[string]V) error {
	for _, name := range sortedKeys(set) {
		if _, ok := known[name]; !ok {
			return fmt.Errorf("there is no %s %q; there are %q", what, name, sortedKeys(known))
		}
	}
	return nil
}

// latency returns the knob of that name. Asking for one that does not exist is
// a bug, which the tests of this package catch.
func (s *Sim) latency(name string) time.Duration {
	return knob(s.options.World.Knobs.Latencies, s.defaults.latencies, name)
}

// quota returns the quota of that name.
func (s *Sim) quota(name string) int {
	return knob(s.options.World.Knobs.Quotas, s.defaults.quotas, name)
}

// choice returns the choice of that name.
func (s *Sim) choice(name string) bool {
	return knob(s.options.World.Knobs.Choices, s.defaults.choices, name)
}

func knob[V any](set, otherwise map[string]V, name string) V {
	if v, ok := set[name]; ok {
		return v
	}
	return otherwise[name]
}

// A knobTable holds every knob's default.
type knobTable struct {
	latencies map[string]time.Duration
	quotas    map[string]int
	choices   map[string]bool
}

func defaultKnobs() knobTable {
	return knobTable{latencies: defaultLatencies(), quotas: defaultQuotas(), choices: defaultChoices()}
}
