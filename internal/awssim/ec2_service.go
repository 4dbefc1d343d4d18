package awssim

import (
	"slices"
	"strings"
	"time"
)

// States of an endpoint service. They travel in PascalCase, unlike those of
// endpoints.
const (
	servicePending   = "Pending"
	serviceAvailable = "Available"
	serviceDeleting  = "Deleting"
	serviceDeleted   = "Deleted"
)

// privateLink is what an account has of PrivateLink in one region: the services
// it provides, the endpoints it connects with, and the notifications of either.
type privateLink struct {
	Services      table[*endpointService]
	Endpoints     table[*endpoint]
	Notifications table[*connectionNotification]

	PerVPC      map[string]int         // endpoints that count towards a VPC's quota
	HiddenZones map[string]*hiddenZone // by VPC and name; see hiddenZoneKey
}

// An endpointService is a load balancer published to other accounts (EC2 API
// Reference, ServiceConfiguration).
type endpointService struct {
	ID, Owner, Region  string
	State              string
	AcceptanceRequired bool
	LoadBalancers      []string // ARNs
	IPTypes            []string
	Payer              string // "" or ServiceOwner
	PrivateName        *privateName
	Permissions        table[*permission] // by principal
	Connections        table[*connection] // by endpoint id
	Tags               tags
	Created, Deleted   time.Time

	// ZoneIDs are the zones the service is offered in. A zone that a balancer
	// gains later comes in by ModifyVpcEndpointServiceConfiguration only (the
	// PrivateLink guide, "Configure an endpoint service"): NextZoneIDs then take
	// over at ZonesDue.
	ZoneIDs, NextZoneIDs []string
	ZonesDue             time.Time
}

// name is what consumers ask for.
func (e *endpointService) name() string {
	return "com.amazonaws.vpce." + e.Region + "." + e.ID
}

// baseDNS ends the names of the endpoints that connect to the service.
func (e *endpointService) baseDNS() string {
	return e.ID + "." + e.Region + ".vpce.amazonaws.com"
}

func (e *endpointService) arn() string {
	return "arn:aws:ec2:" + e.Region + ":" + e.Owner + ":vpc-endpoint-service/" + e.ID
}

// privateLinkOperations serves the PrivateLink part of EC2.
func privateLinkOperations() map[string]operation {
	return map[string]operation{
		"CreateVpcEndpointServiceConfiguration":         createEndpointService,
		"ModifyVpcEndpointServiceConfiguration":         modifyEndpointService,
		"DescribeVpcEndpointServiceConfigurations":      describeServiceConfigurations,
		"DeleteVpcEndpointServiceConfigurations":        deleteEndpointServices,
		"DescribeVpcEndpointServices":                   describeEndpointServices,
		"ModifyVpcEndpointServicePayerResponsibility":   modifyPayerResponsibility,
		"ModifyVpcEndpointServicePermissions":           modifyServicePermissions,
		"DescribeVpcEndpointServicePermissions":         describeServicePermissions,
		"StartVpcEndpointServicePrivateDnsVerification": startDomainVerification,

		"DescribeVpcEndpointConnections": describeConnections,
		"AcceptVpcEndpointConnections":   acceptConnections,
		"RejectVpcEndpointConnections":   rejectConnections,

		"CreateVpcEndpoint":    createEndpoint,
		"ModifyVpcEndpoint":    modifyEndpoint,
		"DescribeVpcEndpoints": describeEndpoints,
		"DeleteVpcEndpoints":   deleteEndpoints,

		"CreateVpcEndpointConnectionNotification":    createNotification,
		"ModifyVpcEndpointConnectionNotification":    modifyNotification,
		"DescribeVpcEndpointConnectionNotifications": describeNotifications,
		"DeleteVpcEndpointConnectionNotifications":   deleteNotifications,
	}
}

// Kinds of the events that move services and endpoints on.
const (
	eventServiceReady      = "privatelink.serviceReady"
	eventServiceDeleted    = "privatelink.serviceDeleted"
	eventServiceForgotten  = "privatelink.serviceForgotten"
	eventZonesArrive       = "privatelink.zonesArrive"
	eventDomainChecked     = "privatelink.domainChecked"
	eventDomainRechecked   = "privatelink.domainRechecked"
	eventEndpointReady     = "privatelink.endpointReady"
	eventEndpointExpired   = "privatelink.endpointExpired"
	eventEndpointDeleted   = "privatelink.endpointDeleted"
	eventEndpointForgotten = "privatelink.endpointForgotten"

	eventNotificationForgotten = "privatelink.notificationForgotten"
)

// privateLinkEvents handles them.
func privateLinkEvents() map[string]eventHandler {
	return map[string]eventHandler{
		eventServiceReady:      onService((*Sim).serviceReady),
		eventServiceDeleted:    onService((*Sim).serviceGone),
		eventServiceForgotten:  onService((*Sim).forgetService),
		eventZonesArrive:       onService((*Sim).zonesArrive),
		eventDomainChecked:     onService((*Sim).domainChecked),
		eventDomainRechecked:   onService((*Sim).domainRechecked),
		eventEndpointReady:     onEndpoint(statePending, (*Sim).endpointReady),
		eventEndpointExpired:   onEndpoint(statePendingAcceptance, (*Sim).endpointExpired),
		eventEndpointDeleted:   onEndpoint(stateDeleting, (*Sim).endpointGone),
		eventEndpointForgotten: onEndpoint(stateDeleted, (*Sim).forgetEndpoint),

		eventNotificationForgotten: forgetNotification,
	}
}

// onService makes an event handler of what happens to a service that may be
// gone by then.
func onService(happen func(*Sim, *endpointService, event)) eventHandler {
	return func(s *Sim, e event) {
		if svc := s.cellOf(e.Account, e.Region).PrivateLink.Services.get(e.ID); svc != nil {
			happen(s, svc, e)
		}
	}
}

// due is when something that takes d, and begins now, ends.
func (c *call) due(d time.Duration) time.Time {
	return c.now.Add(d * time.Duration(max(1, c.slow)))
}

// noService refuses a service id. AWS doubles the Id in the code of a malformed
// one (EC2 API Reference, "Error codes").
func noService(id string) *Error {
	e := notFound("vpce-svc", "InvalidVpcEndpointServiceId", "The VpcEndpointService Id '%s' does not exist", id)
	if strings.HasSuffix(e.Code, ".Malformed") {
		e.Code = "InvalidVpcEndpointServiceIdId.Malformed"
	}
	return e
}

// ownService finds a service of the caller's own, or refuses with
// InvalidVpcEndpointServiceId.NotFound; a foreign one is as good as none.
func (c *call) ownService(id string) (*endpointService, error) {
	svc := c.cell().PrivateLink.Services.get(id)
	if svc == nil || svc.State != serviceAvailable && svc.State != servicePending {
		return nil, noService(id)
	}
	return svc, nil
}

// serviceNamed finds the service that consumers in a region know by a name,
// whoever owns it; nil if there is none.
func (s *Sim) serviceNamed(name, region string) *endpointService {
	id, ok := strings.CutPrefix(name, "com.amazonaws.vpce."+region+".")
	if !ok {
		return nil
	}
	for _, l := range s.cells() {
		if svc := l.PrivateLink.Services.get(id); svc != nil && l.Region == region && svc.State == serviceAvailable {
			return svc
		}
	}
	return nil
}

// serviceUsing finds the service that a load balancer serves, nil if none. A
// service lets go of its balancers when its deletion is through.
func (s *Sim) serviceUsing(lbARN string) *endpointService {
	part := strings.SplitN(lbARN, ":", 6)
	if len(part) != 6 {
		return nil
	}
	for _, svc := range s.cellOf(part[4], part[3]).PrivateLink.Services.all() {
		if svc.State != serviceDeleted && slices.Contains(svc.LoadBalancers, lbARN) {
			return svc
		}
	}
	return nil
}

// serviceOf returns the id of the endpoint service that a load balancer serves,
// "" if none.
func (s *Sim) serviceOf(lbARN string) string {
	if svc := s.serviceUsing(lbARN); svc != nil {
		return svc.ID
	}
	return ""
}

// liveConnections counts the connections (waiting, coming or available) that
// come in through a load balancer.
func (s *Sim) liveConnections(lbARN string) int {
	if svc := s.serviceUsing(lbARN); svc != nil {
		return s.liveTo(svc)
	}
	return 0
}

// liveTo counts the connections of a service that hinder its deletion.
func (s *Sim) liveTo(svc *endpointService) int {
	n := 0
	for _, conn := range svc.Connections.all() {
		if isLive(s.endpointOf(conn).State) {
			n++
		}
	}
	return n
}

// offered lists the endpoint services of the world, for outside parties.
func (s *Sim) offered() []offer {
	var offers []offer
	for _, l := range s.cells() {
		for _, svc := range l.PrivateLink.Services.all() {
			if svc.State != serviceAvailable {
				continue
			}
			o := offer{ID: svc.ID, Name: svc.name(), Owner: svc.Owner, Region: svc.Region, Tags: svc.Tags}
			if svc.PrivateName != nil {
				o.PrivateDNSName = svc.PrivateName.Domain
			}
			offers = append(offers, o)
		}
	}
	return offers
}

// tagged lists the services and endpoints, which take tags.
func (p *privateLink) tagged(l *cell) []taggedResource {
	var all []taggedResource
	for _, svc := range p.Services.all() {
		if svc.State != serviceDeleted {
			all = append(all, taggedResource{ID: svc.ID, ARN: svc.arn(), Service: "ec2", Type: "vpc-endpoint-service", Tags: svc.Tags})
		}
	}
	for _, ep := range p.Endpoints.all() {
		if ep.State != stateDeleted {
			all = append(all, taggedResource{ID: ep.ID, ARN: ep.arn(), Service: "ec2", Type: "vpc-endpoint", Tags: ep.Tags})
		}
	}
	return all
}
