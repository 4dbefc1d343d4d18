package awssim

import "time"

// A World says what exists before the first request. LoadWorld reads one from
// CUE; tests write it as a literal. Keys are ids of AWS's form.
type World struct {
	Seed           string
	DefaultAccount string // acts for unknown access keys; "": 123456789012
	Knobs          Knobs
	Accounts       map[string]WorldAccount // by account id
	Actors         []WorldActor
}

// A WorldAccount is an AWS account.
type WorldAccount struct {
	Name        string
	AccessKeys  []string // access key ids of an administrator of the account
	Roles       map[string]WorldRole
	Zones       map[string]string // zone name -> zone ID, where it matters; otherwise shuffled per account
	Regions     map[string]WorldRegion
	HostedZones map[string]WorldZone // by zone id
}

// A WorldRole is an IAM role.
type WorldRole struct {
	Path       string   // "/" unless said
	Trust      []string // account ids, principal ARNs, or *
	ExternalID string
	Actions    []string // what it may do, with *; empty: everything
	MaxSession time.Duration
}

// A WorldRegion is what an account has in a region.
type WorldRegion struct {
	VPCs   map[string]WorldVPC
	Tables map[string]WorldTable // of DynamoDB, by name
	Queues map[string]WorldQueue // of SQS, by name
}

// A WorldTable is an empty DynamoDB table, on demand. Its keys are strings.
type WorldTable struct {
	HashKey, RangeKey string // RangeKey may be empty
}

// A WorldQueue is an empty SQS queue. Attributes are those of CreateQueue.
type WorldQueue struct {
	Attributes map[string]string
	Tags       map[string]string
}

// A WorldVPC is a VPC with its subnets. Its default security group exists of
// itself. AWS's defaults hold: DNS support on, DNS hostnames off.
type WorldVPC struct {
	CIDR               string
	EnableDNSSupport   *bool
	EnableDNSHostnames *bool
	Subnets            map[string]WorldSubnet
	SecurityGroups     map[string]WorldSecurityGroup
	Tags               map[string]string
}

// A WorldSubnet is a subnet; either Zone or ZoneID says where.
type WorldSubnet struct {
	CIDR         string
	Zone, ZoneID string
	AvailableIPs *int
	Tags         map[string]string
}

// A WorldSecurityGroup is a security group without rules but AWS's default egress.
type WorldSecurityGroup struct {
	Name, Description string
	Tags              map[string]string
}

// A WorldZone is a Route 53 hosted zone.
type WorldZone struct {
	Name    string
	Private bool
	Records []WorldRecord
}

// A WorldRecord is a record set of a zone besides NS and SOA.
type WorldRecord struct {
	Name, Type string
	TTL        int64
	Values     []string
}

// A WorldActor is an outside party that acts by the clock; see actors.go.
type WorldActor struct {
	Name           string
	Account        string
	Principal      string // IAM ARN it connects as
	Region         string
	VPC            string
	Subnets        []string
	SecurityGroups []string
	Service        WorldTarget
	Behaviour      string        // until-let-in, never, while-open
	Every          time.Duration // between tries; 0: 5 s
}

// A WorldTarget tells which endpoint service an actor wants: every field that
// is set must match.
type WorldTarget struct {
	Owner          string            // account id
	Tags           map[string]string // the service's
	PrivateDNSName string
}
