package schema

import (
	"cmp"
	"time"
)

// A Fleet is what a repository of CUE files says should be: validated,
// defaults filled in, names resolved. It knows nothing of AWS's API.
type Fleet struct {
	// Name marks everything the fleet owns (tag linkfleet:fleet).
	Name string
	// Regions are the only regions linkfleet works in, sorted. Objects of
	// the fleet are looked for in each of them, so that a service removed
	// from the files is still found.
	Regions []string
	// Accounts by their names in the files.
	Accounts map[string]*Account
	// Zones are the public hosted zones that prove ownership of private
	// DNS names, by domain name (lower case, no trailing dot).
	Zones map[string]*Zone
	// Services by name.
	Services map[string]*Service
	// Lease is where it is kept who may act; nil: in a file of the machine.
	Lease *Lease
	// Removed names what may be deleted although consumers depend on it.
	Removed []Removal
	// Limits bound what one apply may take away.
	Limits Limits
}

// A Lease is a DynamoDB table in which it is kept who may act.
type Lease struct {
	Account string // an account's name
	Region  string // not necessarily one of the fleet's
	Table   string
	Pos     Pos
}

// An Account is one AWS account.
type Account struct {
	Name string
	ID   string // twelve digits
	// Role is the role's name, with its path if it has one ("linkfleet",
	// "team/linkfleet"); empty for an external account.
	Role string
	// ReadOnlyRole is the name of the role for plans, with its path; empty
	// if they have none of their own.
	ReadOnlyRole string
	// ExternalID is sent with AssumeRole when set.
	ExternalID string
	// External accounts belong to somebody else: linkfleet holds no role
	// there and only admits and accepts.
	External bool
	Pos      Pos
}

// RoleARN is the ARN of the role that linkfleet assumes in the account,
// with its path.
func (a *Account) RoleARN() string { return a.arnOf(a.Role) }

// ReadOnlyRoleARN is the ARN of the role for plans: the account's other role
// if it names none for them.
func (a *Account) ReadOnlyRoleARN() string { return a.arnOf(cmp.Or(a.ReadOnlyRole, a.Role)) }

func (a *Account) arnOf(role string) string { return "arn:aws:iam::" + a.ID + ":role/" + role }

// A Zone is a public hosted zone.
type Zone struct {
	Domain  string // "payments.example.com"
	Account string // an account's name
	ID      string // "Z0123456789ABCDEFGHIJ"
	Pos     Pos
}

// A Service is one endpoint service, what it stands on, and who may use it.
type Service struct {
	Name    string
	Account string // an account's name
	Region  string

	LoadBalancer LoadBalancer
	Listeners    map[string]*Listener

	AcceptanceRequired bool
	// UnknownConnections says what becomes of pending connections of
	// nobody the fleet knows.
	UnknownConnections UnknownConnections
	// OnRevoke says what becomes of live connections of consumers that are
	// no longer declared.
	OnRevoke OnRevoke

	PrivateDNS    *PrivateDNS    // nil: none
	Notifications *Notifications // nil: none
	Consumers     map[string]*Consumer
	// Waiver, when set, permits an exposure that the checks refuse.
	Waiver *Waiver
	// PreventDestroy lets nothing of the service be deleted or replaced.
	PreventDestroy bool
	// Limits are the service's own; where it has none, the fleet's hold.
	Limits Limits
	Pos    Pos
}

// UnknownConnections is the fate of a pending connection that no declared
// consumer owns.
type UnknownConnections string

// The fates of unknown connections.
const (
	Leave         UnknownConnections = "leave"
	RejectUnknown UnknownConnections = "reject"
)

// OnRevoke is the fate of a live connection whose consumer was removed.
type OnRevoke string

// The fates of revoked connections.
const (
	Reject OnRevoke = "reject"
	Keep   OnRevoke = "keep"
)

// A LoadBalancer is the internal Network Load Balancer in front of a service.
type LoadBalancer struct {
	VPC                string
	Subnets            []string // sorted
	CrossZone          bool
	DeletionProtection bool
	SecurityGroup      LoadBalancerSecurityGroup
	Pos                Pos
}

// LoadBalancerSecurityGroup is the security group of a load balancer. It is
// always there, because AWS lets none be added later.
type LoadBalancerSecurityGroup struct {
	// From are the client CIDR blocks let in on every listener port:
	// canonical, sorted.
	From []string
	// EnforceOnPrivateLink applies the inbound rules to PrivateLink
	// traffic too, where they see the clients' own addresses.
	EnforceOnPrivateLink bool
}

// A Listener is one port of a service and the targets behind it.
type Listener struct {
	Name     string
	Port     int
	Protocol string // "TCP" or "TLS"
	// Certificate is an ACM certificate's ARN and SSLPolicy a security
	// policy's name; both only with TLS.
	Certificate string
	SSLPolicy   string
	// IdleTimeout in seconds, 60 to 6000; TCP only (0 with TLS).
	IdleTimeout int
	Targets     Targets
	HealthCheck HealthCheck
	Pos         Pos
}

// Targets is a target group's content.
type Targets struct {
	Type string // "ip", "instance" or "alb"
	Port int
	// Protocol of the target group: "TCP" (or "TLS" behind a TLS listener).
	Protocol string
	// Addresses are IP addresses, instance ids, or one ALB's ARN, sorted.
	Addresses []string
	// DeregistrationDelay in seconds, 0 to 3600.
	DeregistrationDelay int
	PreserveClientIP    bool
	ProxyProtocolV2     bool
}

// A HealthCheck is a target group's. Interval and Timeout in seconds.
type HealthCheck struct {
	Protocol           string // "TCP", "HTTP" or "HTTPS"
	Port               string // a number, or "traffic-port"
	Path               string // HTTP and HTTPS only
	Interval           int
	Timeout            int
	HealthyThreshold   int
	UnhealthyThreshold int
}

// A PrivateDNS is a service's private DNS name.
type PrivateDNS struct {
	Name string // lower case, no trailing dot; may begin with "*."
	// Zone is the domain of the declared zone that holds the name: the
	// longest that matches.
	Zone string
	Pos  Pos
}

// Notifications are a service's connection notifications.
type Notifications struct {
	// Topic is the name of a topic that linkfleet keeps beside the service,
	// or the ARN of a topic somebody else keeps.
	Topic  string
	Events []string // "Accept", "Connect", "Delete", "Reject", sorted
	Pos    Pos
}

// A Consumer is one party that may use a service: managed, when it has an
// Endpoint that linkfleet runs, or external.
type Consumer struct {
	Name string
	// Account is an account's name; by default the consumer's own name.
	Account string
	// Principals are canonical IAM ARNs (or "*" under a waiver), sorted. A
	// managed consumer's default is the role that creates its endpoint.
	Principals []string
	Endpoint   *Endpoint // nil: the consumer makes its own
	OnRevoke   OnRevoke  // empty: the service's
	Pos        Pos
}

// An Endpoint is a managed consumer's interface endpoint.
type Endpoint struct {
	Region  string // the service's region
	VPC     string
	Subnets []string // sorted
	// From are the client CIDR blocks let in on every listener port:
	// canonical, sorted.
	From []string
	// PrivateDNS turns the service's private name on in the VPC once it is
	// verified and the connection stands.
	PrivateDNS bool
	// AllowReplace permits a plan to make a new endpoint in place of this
	// one where AWS cannot change it. Clients lose their connection.
	AllowReplace bool
	Pos          Pos
}

// A Waiver lets an exposure stand until it expires.
type Waiver struct {
	Reason  string
	Expires time.Time // the end of the day named, UTC
	Pos     Pos
}
