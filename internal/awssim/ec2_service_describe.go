package awssim

import (
	"slices"
	"time"
)

// clippedPaging is how the PrivateLink operations page: 5 to 1000 rows, and a
// MaxResults over 1000 counts as 1000 (EC2 API Reference).
func clippedPaging() paging {
	by := ec2Paging()
	by.Clip = true
	return by
}

// describeServiceConfigurations serves
// DescribeVpcEndpointServiceConfigurations: the caller's own services.
func describeServiceConfigurations(c *call) (M, error) {
	return listing[*endpointService]{
		IDs: "ServiceIds", Key: serviceID, Missing: noService,
		Filters: filterSet[*endpointService]{
			"service-name":               one((*endpointService).name),
			"service-id":                 one(serviceID),
			"service-state":              one(func(svc *endpointService) string { return svc.State }),
			"supported-ip-address-types": func(svc *endpointService) []string { return svc.IPTypes },
		},
		Tags:   func(svc *endpointService) tags { return svc.Tags },
		Life:   func(svc *endpointService) (created, deleted time.Time) { return svc.Created, svc.Deleted },
		Paging: clippedPaging(),
	}.reply(c, allAsRead(c, c.cell().PrivateLink.Services.all(), serviceID), "ServiceConfigurations", c.serviceConfiguration)
}

func serviceID(svc *endpointService) string { return svc.ID }

// serviceConfiguration renders a service for its owner. Without a private name
// PrivateDnsNameConfiguration is an empty element, not an absent one.
func (c *call) serviceConfiguration(svc *endpointService) M {
	m := M{
		"ServiceType":                 []any{M{"ServiceType": "Interface"}},
		"ServiceId":                   svc.ID,
		"ServiceName":                 svc.name(),
		"ServiceState":                svc.State,
		"AvailabilityZoneIds":         list(svc.ZoneIDs),
		"AvailabilityZones":           list(c.zoneNames(svc.ZoneIDs)),
		"AcceptanceRequired":          svc.AcceptanceRequired,
		"ManagesVpcEndpoints":         false,
		"NetworkLoadBalancerArns":     list(svc.LoadBalancers),
		"SupportedIpAddressTypes":     list(svc.IPTypes),
		"BaseEndpointDnsNames":        []any{svc.baseDNS()},
		"PrivateDnsNameConfiguration": M{},
		"Tags":                        tagItems(svc.Tags),
		"SupportedRegions":            []any{M{"Region": svc.Region, "ServiceState": svc.State}},
		"RemoteAccessEnabled":         false,
	}
	if p := svc.PrivateName; p != nil {
		m["PrivateDnsName"] = p.Domain
		m["PrivateDnsNameConfiguration"] = M{"State": p.State, "Type": "TXT", "Value": p.Value, "Name": p.Label}
	}
	if svc.Payer != "" {
		m["PayerResponsibility"] = svc.Payer
	}
	return m
}

// zoneNames returns the caller's own names of zones, in alphabetical order.
func (c *call) zoneNames(ids []string) []string {
	var names []string
	for _, id := range ids {
		if name := c.sim.zoneName(c.account, c.region, id); name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// describeEndpointServices serves DescribeVpcEndpointServices: what the caller
// may connect to. AWS's own services are not simulated. A name the caller is
// not admitted to does not exist for it.
func describeEndpointServices(c *call) (M, error) {
	rows, next, err := listing[*endpointService]{
		IDs: "ServiceNames", Key: (*endpointService).name, Missing: noServiceName,
		Filters: filterSet[*endpointService]{
			"owner":                      one(func(svc *endpointService) string { return svc.Owner }),
			"service-name":               one((*endpointService).name),
			"service-region":             one(func(svc *endpointService) string { return svc.Region }),
			"service-type":               one(func(*endpointService) string { return "Interface" }),
			"supported-ip-address-types": func(svc *endpointService) []string { return svc.IPTypes },
		},
		Tags:   c.tagsShown,
		Paging: clippedPaging(),
	}.rows(c, c.discoverable())
	if err != nil {
		return nil, err
	}
	names := make([]string, len(rows))
	for i, svc := range rows {
		names[i] = svc.name()
	}
	return withToken(M{"ServiceNames": list(names), "ServiceDetails": listBy(rows, c.serviceDetail)}, next), nil
}

// noServiceName refuses a service name, in the same words whether it does not
// exist, belongs to another region or is not for the caller.
func noServiceName(name string) *Error {
	return refuse("InvalidServiceName", "The Vpc Endpoint Service '%s' does not exist", name)
}

// discoverable lists the services that admit the caller, in its region.
func (c *call) discoverable() []*endpointService {
	var rows []*endpointService
	if regions := c.in.strs("ServiceRegions"); len(regions) > 0 && !slices.Contains(regions, c.region) {
		return nil
	}
	for _, l := range c.sim.cells() {
		if l.Region != c.region {
			continue
		}
		for _, svc := range l.PrivateLink.Services.all() {
			if svc.State == serviceAvailable && c.visible(svc.Created, svc.Deleted) && svc.admits(c.account, c.principal) {
				rows = append(rows, svc)
			}
		}
	}
	return rows
}

// tagsShown returns the tags of a service that the caller gets to see: an
// owner's tags are the owner's.
func (c *call) tagsShown(svc *endpointService) tags {
	if svc.Owner != c.account {
		return nil
	}
	return svc.Tags
}

// serviceDetail renders a service for a consumer, with the zones both sides
// have, under the consumer's names for them.
func (c *call) serviceDetail(svc *endpointService) M {
	m := M{
		"ServiceName":                svc.name(),
		"ServiceId":                  svc.ID,
		"ServiceType":                []any{M{"ServiceType": "Interface"}},
		"ServiceRegion":              svc.Region,
		"AvailabilityZoneIds":        list(svc.ZoneIDs),
		"AvailabilityZones":          list(c.zoneNames(svc.ZoneIDs)),
		"Owner":                      svc.Owner,
		"BaseEndpointDnsNames":       []any{svc.baseDNS()},
		"VpcEndpointPolicySupported": false,
		"AcceptanceRequired":         svc.AcceptanceRequired,
		"ManagesVpcEndpoints":        false,
		"SupportedIpAddressTypes":    list(svc.IPTypes),
		"Tags":                       tagItems(c.tagsShown(svc)),
	}
	if p := svc.PrivateName; p != nil {
		m["PrivateDnsName"] = p.Domain
		m["PrivateDnsNames"] = []any{M{"PrivateDnsName": p.Domain}}
		m["PrivateDnsNameVerificationState"] = p.State
	}
	if svc.Payer != "" {
		m["PayerResponsibility"] = svc.Payer
	}
	return m
}
