package awssim

// PRIVATELINK: delete this file as soon as your own files declare these.

type privateLink struct{}

func (p *privateLink) tagged(*cell) []taggedResource { return nil }

// privateLinkOperations: EC2 operation name -> handler.
func privateLinkOperations() map[string]operation { return nil }

// privateLinkEvents: event kind ("privatelink.…") -> handler.
func privateLinkEvents() map[string]eventHandler { return nil }

// serviceOf returns the id of the endpoint service that uses a load balancer, "" if none.
func (s *Sim) serviceOf(lbARN string) string { return "" }

// liveConnections counts the live endpoint connections through a load balancer.
func (s *Sim) liveConnections(lbARN string) int { return 0 }

// standingEndpoint returns the id of an endpoint (not deleted, rejected, expired or failed)
// in the cell for the service name, made by principal; "" if none. Actors ask it.
func (s *Sim) standingEndpoint(account, region, vpc, serviceName string) string { return "" }

// offered lists the endpoint services actors can look for.
func (s *Sim) offered() []offer { return nil }
