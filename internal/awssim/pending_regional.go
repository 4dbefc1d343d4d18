package awssim

// REGIONAL: delete each line here as soon as your own files declare it, and the file in the end.

type balancing struct{}

func (b *balancing) tagged(*cell) []taggedResource { return nil }

type topics struct{}

func (t *topics) tagged(*cell) []taggedResource { return nil }

// hostedZones are an account's Route 53 zones.
type hostedZones struct{}

// Each: operation name -> handler.
func balancingOperations() map[string]operation { return nil }
func route53Operations() map[string]operation   { return nil }
func snsOperations() map[string]operation       { return nil }
func taggingOperations() map[string]operation   { return nil }

// Each: event kind ("balancing.…", "route53.…", "sns.…") -> handler.
func balancingEvents() map[string]eventHandler { return nil }
func route53Events() map[string]eventHandler   { return nil }
func snsEvents() map[string]eventHandler       { return nil }

// addZone puts a hosted zone of the world file into an account.
func (s *Sim) addZone(account, id string, zone WorldZone) error { return nil }

// publicTXT answers a TXT query of the public DNS.
func (s *Sim) publicTXT(name string) []string { return nil }

// publish sends a message to a topic on behalf of vpce.amazonaws.com.
func (s *Sim) publish(topicARN, account, sourceARN, subject, message string) error { return nil }

type loadBalancer struct{}

// loadBalancer returns the load balancer of an ARN, nil if there is none.
func (l *cell) loadBalancer(arn string) *loadBalancer { return nil }
