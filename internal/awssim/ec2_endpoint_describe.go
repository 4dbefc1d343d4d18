package awssim

import (
	"strings"
	"time"
)

// describeEndpoints serves DescribeVpcEndpoints: the caller's own endpoints,
// deleted ones included until they are forgotten.
func describeEndpoints(c *call) (M, error) {
	by := clippedPaging()
	by.Min = 1 // the EC2 API Reference names no minimum here
	return listing[*endpoint]{
		IDs: "VpcEndpointIds", Key: endpointID, Missing: noEndpoint,
		Filters: filterSet[*endpoint]{
			"ip-address-type":    one(func(ep *endpoint) string { return ep.IPType }),
			"service-name":       one(func(ep *endpoint) string { return ep.Service }),
			"service-region":     one(func(ep *endpoint) string { return ep.Region }),
			"vpc-id":             one(func(ep *endpoint) string { return ep.VPC }),
			"vpc-endpoint-id":    one(endpointID),
			"vpc-endpoint-state": one(func(ep *endpoint) string { return ep.State }),
			"vpc-endpoint-type":  one(func(*endpoint) string { return "Interface" }),
		},
		Tags:   func(ep *endpoint) tags { return ep.Tags },
		Life:   func(ep *endpoint) (created, deleted time.Time) { return ep.Created, time.Time{} },
		Paging: by,
	}.reply(c, allAsRead(c, c.cell().PrivateLink.Endpoints.all(), endpointID), "VpcEndpoints", c.endpointItem)
}

func endpointID(ep *endpoint) string { return ep.ID }

// fullAccess is the policy that every endpoint has unless its owner says
// otherwise.
const fullAccess = `{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}`

// endpointItem renders an endpoint for its owner.
func (c *call) endpointItem(ep *endpoint) M {
	m := M{
		"VpcEndpointId":       ep.ID,
		"VpcEndpointType":     "Interface",
		"VpcId":               ep.VPC,
		"ServiceName":         ep.Service,
		"State":               ep.State,
		"PolicyDocument":      fullAccess,
		"RouteTableIds":       []any{},
		"SubnetIds":           list(ep.subnets()),
		"Groups":              list(c.groupItems(ep.Groups)),
		"IpAddressType":       ep.IPType,
		"DnsOptions":          M{"DnsRecordIpType": ep.DNSRecordType},
		"PrivateDnsEnabled":   ep.PrivateDNS,
		"RequesterManaged":    false,
		"NetworkInterfaceIds": list(ep.interfaces()),
		"DnsEntries":          ep.dnsEntries(),
		"CreationTimestamp":   ep.Created,
		"Tags":                tagItems(ep.Tags),
		"OwnerId":             ep.Owner,
		"ServiceRegion":       ep.Region,
	}
	if ep.FailureReason != "" {
		m["FailureReason"] = ep.FailureReason
	}
	return m
}

func (c *call) groupItems(ids []string) []M {
	var items []M
	for _, id := range ids {
		if g := c.cell().Network.SecurityGroups.get(id); g != nil {
			items = append(items, M{"GroupId": g.ID, "GroupName": g.Name})
		}
	}
	return items
}

// subnets lists the subnets that the endpoint is in.
func (e *endpoint) subnets() []string {
	var ids []string
	for _, a := range e.Attachments {
		ids = append(ids, a.Subnet)
	}
	return ids
}

// interfaces lists the interfaces that the endpoint has.
func (e *endpoint) interfaces() []string {
	var ids []string
	for _, a := range e.Attachments {
		if a.Interface != "" {
			ids = append(ids, a.Interface)
		}
	}
	return ids
}

// dnsEntries lists the names that lead to the endpoint, in AWS's order: its
// regional name, one per zone, and the service's private name.
func (e *endpoint) dnsEntries() []any {
	entries := e.publicEntries()
	if e.PrivateName != "" {
		zone := "Z" + strings.ToUpper(scramble(e.VPC+e.PrivateName, 36, 20))
		entries = append(entries, M{"DnsName": e.PrivateName, "HostedZoneId": zone})
	}
	return entries
}

// publicEntries lists the names in AWS's own public zone, which is all that the
// service's owner sees: vpce-…-abcd1234[-zone].vpce-svc-….region.vpce.amazonaws.com.
func (e *endpoint) publicEntries() []any {
	host := e.ID + "-" + scramble(e.ID, 36, 8)
	domain := "." + e.ServiceID + "." + e.Region + ".vpce.amazonaws.com"
	entries := []any{M{"DnsName": host + domain, "HostedZoneId": vpceZone(e.Region)}}
	for _, a := range e.Attachments {
		entries = append(entries, M{"DnsName": host + "-" + a.Zone + domain, "HostedZoneId": vpceZone(e.Region)})
	}
	return entries
}

// vpceZone returns the id of the public zone of a region's endpoint names. AWS
// publishes no list; those given were seen in replies, others are made up.
func vpceZone(region string) string {
	switch region {
	case "us-east-1":
		return "Z7HUB22UULQXV"
	case "us-east-2":
		return "ZC8PG0KIFKBRI"
	case "us-west-2":
		return "Z1YSA3EXCYUU9Z"
	}
	return "Z" + strings.ToUpper(scramble("vpce."+region, 36, 13))
}
