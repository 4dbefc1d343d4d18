package awssim

import (
	"slices"
	"time"
)

// createEndpointService serves CreateVpcEndpointServiceConfiguration. Without
// AcceptanceRequired, connections must be accepted.
func createEndpointService(c *call) (M, error) {
	if c.in.has("NetworkLoadBalancerArns") == c.in.has("GatewayLoadBalancerArns") {
		return nil, refuse("InvalidParameter",
			"exactly one of network_load_balancer_arn or gateway_load_balancer_arn is a required member")
	}
	balancers := c.in.strs("NetworkLoadBalancerArns")
	if err := c.checkBalancers(append(balancers, c.in.strs("GatewayLoadBalancerArns")...)); err != nil {
		return nil, err
	}
	ipTypes, err := editIPTypes([]string{"ipv4"}, c.in.strs("SupportedIpAddressTypes"), nil)
	if err != nil {
		return nil, err
	}
	if err := c.checkRegions(c.in.strs("SupportedRegions")); err != nil {
		return nil, err
	}
	domain := c.in.str("PrivateDnsName")
	if err := checkDomain(domain); err != nil {
		return nil, err
	}
	marks, err := c.tagSpec("vpc-endpoint-service")
	if err != nil {
		return nil, err
	}
	if len(c.cell().PrivateLink.Services.Order) >= c.quota("servicesPerRegion") {
		return nil, refuse("VpcEndpointServiceLimitExceeded", "The maximum number of VPC endpoint services has been reached.")
	}
	svc := &endpointService{
		ID: c.newID("vpce-svc"), Owner: c.account, Region: c.region, State: serviceAvailable,
		AcceptanceRequired: c.in.flagOr("AcceptanceRequired", true),
		LoadBalancers:      balancers, ZoneIDs: c.zonesOf(balancers), IPTypes: ipTypes,
		Tags: marks, Created: c.now,
	}
	if domain != "" {
		svc.PrivateName = c.newPrivateName(domain)
	}
	if wait := c.latency("servicePending"); wait > 0 {
		svc.State = servicePending
		c.at(wait, eventServiceReady, svc.Owner, svc.Region, svc.ID)
	}
	c.cell().PrivateLink.Services.put(svc.ID, svc)
	return c.echoToken(M{"ServiceConfiguration": c.serviceConfiguration(svc)}), nil
}

// echoToken adds the caller's idempotency token to a reply, as AWS does.
func (c *call) echoToken(reply M) M {
	if token := c.in.str("ClientToken"); token != "" {
		reply["ClientToken"] = token
	}
	return reply
}

// checkBalancers refuses load balancers that cannot serve a new service: each
// must be an active Network Load Balancer of the caller's in the region, and
// serve no service yet.
func (c *call) checkBalancers(arns []string) error {
	if len(arns) == 0 {
		return refuse("InvalidParameter", "At least one load balancer must be associated with the VPC endpoint service.")
	}
	for i, arn := range arns {
		lb := c.cell().loadBalancer(arn)
		switch {
		case slices.Contains(arns[:i], arn):
			return refuse("InvalidParameter", "The load balancer %s is given twice.", arn)
		case lb == nil || lb.Type != "network":
			return refuse("InvalidParameter", "The Network Load Balancer %s does not exist in this account and Region.", arn)
		case lb.State != "active":
			return refuse("InvalidParameter", "LBs are not active: [%s]", arn)
		case c.sim.serviceUsing(arn) != nil:
			return refuse("InvalidParameter", "LBs are already associated with another VPC Endpoint Service Configuration: [%s]", arn)
		}
	}
	return nil
}

// zonesOf returns the IDs of the zones that balancers stand in, in order.
func (c *call) zonesOf(arns []string) []string {
	var ids []string
	for _, arn := range arns {
		if lb := c.cell().loadBalancer(arn); lb != nil {
			ids = append(ids, lb.ZoneIDs()...)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// checkRegions refuses regions other than the host's own: access from other
// regions is not simulated, and saying so is better than looking as if it were.
func (c *call) checkRegions(regions []string) error {
	for _, region := range regions {
		if region != c.region {
			return refuse("UnsupportedOperation", "The simulator does not offer services to other Regions (%s).", region)
		}
	}
	return nil
}

// editIPTypes applies additions and removals to a service's address types.
// Load balancers are IPv4 here, so nothing else can be supported.
func editIPTypes(have, add, remove []string) ([]string, error) {
	for _, kind := range add {
		if kind != "ipv4" {
			return nil, refuse("InvalidParameter", "The load balancers do not support the IP address type %s.", kind)
		}
	}
	if slices.Contains(remove, "ipv4") {
		return nil, refuse("InvalidParameter", "At least one supported IP address type must remain.")
	}
	return have, nil
}

// modifyEndpointService serves ModifyVpcEndpointServiceConfiguration. Whatever
// it changes, it also brings the balancers' present zones to the service.
func modifyEndpointService(c *call) (M, error) {
	svc, err := c.ownService(c.in.str("ServiceId"))
	if err != nil {
		return nil, err
	}
	if len(c.in.strs("AddGatewayLoadBalancerArns"))+len(c.in.strs("RemoveGatewayLoadBalancerArns")) > 0 {
		return nil, refuse("InvalidParameter", "The VPC endpoint service %s is backed by Network Load Balancers.", svc.ID)
	}
	balancers, err := c.editBalancers(svc)
	if err != nil {
		return nil, err
	}
	ipTypes, err := editIPTypes(svc.IPTypes, c.in.strs("AddSupportedIpAddressTypes"), c.in.strs("RemoveSupportedIpAddressTypes"))
	if err != nil {
		return nil, err
	}
	if err := c.checkRegions(c.in.strs("AddSupportedRegions")); err != nil {
		return nil, err
	}
	if len(c.in.strs("RemoveSupportedRegions")) > 0 {
		return nil, refuse("InvalidParameter", "The Region that hosts the service cannot be removed.")
	}
	private, err := c.editPrivateName(svc)
	if err != nil {
		return nil, err
	}
	svc.LoadBalancers, svc.IPTypes, svc.PrivateName = balancers, ipTypes, private
	svc.AcceptanceRequired = c.in.flagOr("AcceptanceRequired", svc.AcceptanceRequired)
	c.refreshZones(svc)
	return M{"Return": true}, nil
}

// editBalancers returns the service's load balancers as the request wants them.
// None may leave while endpoints are connected, and one must remain.
func (c *call) editBalancers(svc *endpointService) ([]string, error) {
	add, remove := c.in.strs("AddNetworkLoadBalancerArns"), c.in.strs("RemoveNetworkLoadBalancerArns")
	for _, arn := range remove {
		if !slices.Contains(svc.LoadBalancers, arn) {
			return nil, refuse("InvalidParameter", "The load balancer %s is not associated with the VPC endpoint service %s.", arn, svc.ID)
		}
	}
	if len(remove) > 0 && c.sim.liveTo(svc) > 0 {
		return nil, refuse("ExistingVpcEndpointConnections", "Service has existing active VPC Endpoint connections!")
	}
	if len(add) > 0 {
		if err := c.checkBalancers(add); err != nil {
			return nil, err
		}
	}
	left := slices.DeleteFunc(slices.Concat(svc.LoadBalancers, add), func(arn string) bool { return slices.Contains(remove, arn) })
	if len(left) == 0 {
		return nil, refuse("InvalidParameter", "At least one load balancer must be associated with the VPC endpoint service.")
	}
	return left, nil
}

// refreshZones lets the balancers' present zones reach the service in a while.
func (c *call) refreshZones(svc *endpointService) {
	svc.NextZoneIDs = c.zonesOf(svc.LoadBalancers)
	svc.ZonesDue = c.due(c.latency("serviceRefresh"))
	c.sim.at(svc.ZonesDue, eventZonesArrive, svc.Owner, svc.Region, svc.ID)
}

// zonesArrive ends the latest refresh; earlier ones have been overtaken.
func (s *Sim) zonesArrive(svc *endpointService, e event) {
	if e.At.Equal(svc.ZonesDue) {
		svc.ZoneIDs, svc.NextZoneIDs, svc.ZonesDue = svc.NextZoneIDs, nil, time.Time{}
	}
}

// modifyPayerResponsibility serves ModifyVpcEndpointServicePayerResponsibility.
// There is no way back from ServiceOwner, which is also the only value.
func modifyPayerResponsibility(c *call) (M, error) {
	svc, err := c.ownService(c.in.str("ServiceId"))
	if err != nil {
		return nil, err
	}
	svc.Payer = c.in.str("PayerResponsibility")
	return M{"ReturnValue": true}, nil
}

// deleteEndpointServices serves DeleteVpcEndpointServiceConfigurations: what
// cannot be deleted comes back as unsuccessful, with status 200.
func deleteEndpointServices(c *call) (M, error) {
	var failed []M
	for _, id := range c.in.strs("ServiceIds") {
		if err := noService(id); err.Code == "InvalidVpcEndpointServiceIdId.Malformed" {
			return nil, err
		}
	}
	for _, id := range c.in.strs("ServiceIds") {
		svc, err := c.ownService(id)
		switch {
		case err != nil:
			failed = append(failed, unsuccessful(id, refuse("InvalidVpcEndpointService.NotFound",
				"The VpcEndpointService Id '%s' does not exist", id)))
		case c.sim.liveTo(svc) > 0:
			failed = append(failed, unsuccessful(id, refuse("ExistingVpcEndpointConnections",
				"Service has existing active VPC Endpoint connections!")))
		default:
			svc.State = serviceDeleting
			c.at(c.latency("serviceDelete"), eventServiceDeleted, svc.Owner, svc.Region, svc.ID)
		}
	}
	return M{"Unsuccessful": list(failed)}, nil
}

// serviceReady opens a new service to consumers.
func (s *Sim) serviceReady(svc *endpointService, _ event) {
	if svc.State == servicePending {
		svc.State = serviceAvailable
	}
}

// serviceGone ends the deletion of a service. Lagging lists go on showing it.
func (s *Sim) serviceGone(svc *endpointService, e event) {
	svc.State, svc.Deleted = serviceDeleted, e.At
	s.dropNotificationsOf(svc)
	s.after(s.latency("listLag"), eventServiceForgotten, svc.Owner, svc.Region, svc.ID)
}

func (s *Sim) forgetService(svc *endpointService, _ event) {
	s.cellOf(svc.Owner, svc.Region).PrivateLink.Services.drop(svc.ID)
}
