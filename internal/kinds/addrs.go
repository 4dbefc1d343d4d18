package kinds

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// placeOf is where a service lives.
func placeOf(s *schema.Service) planner.Place {
	return planner.Place{Account: s.Account, Region: s.Region}
}

// consumerPlace is where a managed consumer's endpoint lives.
func consumerPlace(c *schema.Consumer) planner.Place {
	return planner.Place{Account: c.Account, Region: c.Endpoint.Region}
}

// The addresses of a service's resources, made in one place because kinds
// point to each other by them.

func serviceAddr(kind string, s *schema.Service) planner.Addr {
	return planner.Addr{Kind: kind, Name: s.Name, Place: placeOf(s)}
}

func listenerAddr(kind string, s *schema.Service, l *schema.Listener) planner.Addr {
	return planner.Addr{Kind: kind, Name: s.Name + "/" + l.Name, Place: placeOf(s)}
}

func consumerAddr(kind string, s *schema.Service, c *schema.Consumer) planner.Addr {
	return planner.Addr{Kind: kind, Name: s.Name + "/" + c.Name, Place: consumerPlace(c)}
}

func addrBalancerGroup(s *schema.Service) planner.Addr { return serviceAddr("security-group", s) }
func addrBalancer(s *schema.Service) planner.Addr      { return serviceAddr("load-balancer", s) }
func addrService(s *schema.Service) planner.Addr       { return serviceAddr("endpoint-service", s) }
func addrPermissions(s *schema.Service) planner.Addr   { return serviceAddr("service-permissions", s) }
func addrPrivateName(s *schema.Service) planner.Addr   { return serviceAddr("private-dns-name", s) }
func addrNotification(s *schema.Service) planner.Addr {
	return serviceAddr("connection-notification", s)
}
func addrVerification(s *schema.Service) planner.Addr { return serviceAddr("domain-verification", s) }

func addrTargetGroup(s *schema.Service, l *schema.Listener) planner.Addr {
	return listenerAddr("target-group", s, l)
}
func addrListener(s *schema.Service, l *schema.Listener) planner.Addr {
	return listenerAddr("listener", s, l)
}

func addrEndpointGroup(s *schema.Service, c *schema.Consumer) planner.Addr {
	return consumerAddr("security-group", s, c)
}
func addrEndpoint(s *schema.Service, c *schema.Consumer) planner.Addr {
	return consumerAddr("endpoint", s, c)
}
func addrEndpointDNS(s *schema.Service, c *schema.Consumer) planner.Addr {
	return consumerAddr("endpoint-private-dns", s, c)
}

// addrConnection is the connection of a managed consumer, at the provider.
func addrConnection(s *schema.Service, c *schema.Consumer) planner.Addr {
	return planner.Addr{Kind: "connection", Name: s.Name + "/" + c.Name, Place: placeOf(s)}
}

// addrRecord is a service's verification record, in its zone's account.
func addrRecord(f *schema.Fleet, s *schema.Service) planner.Addr {
	at := planner.Place{Account: f.Zones[s.PrivateDNS.Zone].Account, Region: planner.Global}
	return planner.Addr{Kind: "verification-record", Name: s.Name, Place: at}
}

// groupOf is where a resource of s, or of s for c, is shown.
func groupOf(s *schema.Service, c *schema.Consumer) planner.Group {
	g := planner.Group{Service: s.Name}
	if c != nil {
		g.Consumer = c.Name
	}
	return g
}

// perListener are the kinds whose names are service/listener; all others
// with two parts are service/consumer.
var perListener = []string{"target-group", "listener"}

// groupFromName tells where a live resource is shown, whose service or
// consumer may be in no file any more.
func groupFromName(a planner.Addr) planner.Group {
	service, rest, _ := strings.Cut(a.Name, "/")
	if slices.Contains(perListener, a.Kind) {
		rest = ""
	}
	consumer, _, _ := strings.Cut(rest, "/")
	return planner.Group{Service: service, Consumer: consumer}
}

// sorted goes through a map by its keys.
func sorted[K cmp.Ordered, V any](m map[K]V) iter.Seq[V] {
	return func(yield func(V) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(m[k]) {
				return
			}
		}
	}
}

func services(f *schema.Fleet) iter.Seq[*schema.Service]     { return sorted(f.Services) }
func listeners(s *schema.Service) iter.Seq[*schema.Listener] { return sorted(s.Listeners) }
func consumers(s *schema.Service) iter.Seq[*schema.Consumer] { return sorted(s.Consumers) }

// managed are the consumers whose endpoints linkfleet runs.
func managed(s *schema.Service) iter.Seq[*schema.Consumer] {
	return func(yield func(*schema.Consumer) bool) {
		for c := range consumers(s) {
			if c.Endpoint != nil && !yield(c) {
				return
			}
		}
	}
}
