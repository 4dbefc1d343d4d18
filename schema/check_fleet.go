package schema

import (
	"fmt"
	"maps"
	"slices"
)

// across finds what only all services together show.
func (c *checker) across(f *Fleet) {
	c.checkRemovals(f)
	names := map[string]*Service{}
	for _, name := range slices.Sorted(maps.Keys(f.Services)) {
		s := f.Services[name]
		if s.PrivateDNS == nil || s.PrivateDNS.Name == "" {
			continue
		}
		if other := names[s.PrivateDNS.Name]; other != nil {
			c.add(s.PrivateDNS.Pos, "services."+name+".privateDNS.name",
				fmt.Sprintf("%q is the private DNS name of service %s too (%s)", s.PrivateDNS.Name, other.Name, other.PrivateDNS.Pos), "give each service a name of its own")
		}
		names[s.PrivateDNS.Name] = s
		c.sameVPC(s)
	}
}

// sameVPC finds two endpoints of a service that would both claim its name in
// one VPC, of which AWS refuses the second.
func (c *checker) sameVPC(s *Service) {
	holders := map[string]*Consumer{}
	for _, name := range slices.Sorted(maps.Keys(s.Consumers)) {
		k := s.Consumers[name]
		if k.Endpoint == nil || !k.Endpoint.PrivateDNS || k.Endpoint.VPC == "" {
			continue
		}
		if other := holders[k.Endpoint.VPC]; other != nil {
			c.add(k.Endpoint.Pos, fmt.Sprintf("services.%s.consumers.%s.endpoint.privateDNS", s.Name, name),
				fmt.Sprintf("consumer %s already has %q in %s (%s)", other.Name, s.PrivateDNS.Name, k.Endpoint.VPC, other.Endpoint.Pos), "leave privateDNS on at one endpoint of a VPC")
			continue
		}
		holders[k.Endpoint.VPC] = k
	}
}
