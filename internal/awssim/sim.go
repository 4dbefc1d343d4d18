// Package awssim is AWS at the wire, as an http.Handler: the operations that a
// fleet of PrivateLink services needs of EC2, Elastic Load Balancing, Route 53,
// SNS, SQS, DynamoDB, STS and the tagging API, for many accounts and regions at once.
// The aws CLI and any SDK work against it.
//
// It is as strict as AWS: requests are checked against AWS's published service
// models, callers are told from their access keys, states change by a clock,
// buckets throttle, quotas hold, and what blocks a delete on AWS blocks it here.
//
// It refuses to know anything of linkfleet, so that it cannot share linkfleet's
// misunderstandings of AWS.
package awssim

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Options say how a simulator behaves. The zero value is an empty AWS whose
// clock runs with the machine's.
type Options struct {
	World      World        // what exists at the start
	StrictAuth bool         // refuse unknown access keys instead of taking them for the default account's
	Logger     *slog.Logger // told of operations that are not simulated; nil: nobody
	Speed      float64      // simulated seconds per second; 0 is 1
	Start      time.Time    // the simulator's time at the start; zero: the machine's
	State      string       // a file that keeps the world between starts, and once it exists goes before World; "": none
}

// A Sim is a simulated AWS. It is safe for concurrent use: requests are served
// one at a time, as if AWS had a single thread.
type Sim struct {
	mu       sync.Mutex
	options  Options
	models   map[string]*model // by signing name
	ops      map[string]map[string]operation
	handlers map[string]eventHandler
	defaults knobTable
	clock    clock
	until    time.Time // while events run: the present they catch up with
	world    *world
	calls    callLog
	faults   []*plannedFault
	storm    *Storm
	held     []string      // kinds of events that do not happen: hold.go
	aside    []event       // those that should have
	waiting  chan struct{} // closed when the world changes; nil: nobody waits for that
}

// A world is everything the simulator remembers, in plain data.
type world struct {
	Seed       string
	Counter    int64 // ids given out so far
	Version    int64 // rises with every change; outside parties look at it
	Now        time.Time
	Accounts   map[string]*account
	Cells      map[place]*cell
	Sessions   map[string]*session // role sessions, by access key id
	AccessKeys map[string]string   // account by access key id
	Events     []event
	Parties    []*party // outside parties: actors.go
}

// New makes a simulator. It fails when the world contradicts itself (a subnet
// in a zone that the region does not have) or the state file cannot be read.
func New(options Options) (*Sim, error) {
	models, err := loadModels()
	if err != nil {
		return nil, err
	}
	s := &Sim{
		options: options,
		models:  models,
		ops: map[string]map[string]operation{
			"ec2": join(networkOperations(), securityGroupOperations(), interfaceOperations(),
				tagOperations(), privateLinkOperations()),
			"dynamodb":             dynamoOperations(),
			"elasticloadbalancing": balancingOperations(),
			"route53":              route53Operations(),
			"servicequotas":        quotaOperations(),
			"sns":                  snsOperations(),
			"sqs":                  sqsOperations(),
			"sts":                  stsOperations(),
			"tagging":              taggingOperations(),
		},
		handlers: join(actorEvents(), privateLinkEvents(), balancingEvents(), route53Events(), snsEvents(), dynamoEvents()),
		defaults: defaultKnobs(),
		clock:    newClock(options.Start, options.Speed),
	}
	if err := s.begin(); err != nil {
		return nil, err
	}
	return s, nil
}

func join[V any](parts ...map[string]V) map[string]V {
	all := make(map[string]V)
	for _, part := range parts {
		for k, v := range part {
			all[k] = v
		}
	}
	return all
}

// now is the simulator's time: the time of the event being run, or of the
// request being served.
func (s *Sim) now() time.Time { return s.world.Now }

// cellOf returns the state of a place, creating it on first use.
func (s *Sim) cellOf(accountID, region string) *cell {
	s.accountOf(accountID)
	at := place{accountID, region}
	l := s.world.Cells[at]
	if l == nil {
		l = &cell{Account: accountID, Region: region}
		s.world.Cells[at] = l
	}
	return l
}

// cells returns every cell there is, by account and region.
func (s *Sim) cells() []*cell {
	return sortedRows(s.world.Cells, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region))
	})
}

// accountOf returns an account, creating it on first use.
func (s *Sim) accountOf(id string) *account {
	a := s.world.Accounts[id]
	if a == nil {
		a = &account{ID: id, Roles: make(map[string]*role)}
		s.world.Accounts[id] = a
	}
	return a
}

// accounts returns every account there is, by id.
func (s *Sim) accounts() []*account {
	return sortedRows(s.world.Accounts, cmp.Compare[string])
}

// newID returns prefix, "-0" and 16 hexadecimal digits.
func (s *Sim) newID(prefix string) string { return prefix + "-0" + s.newHex(16) }

// newHex returns n hexadecimal digits, 64 at most, never the same twice (for n
// large enough).
func (s *Sim) newHex(n int) string {
	s.world.Counter++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", s.world.Seed, s.world.Counter))
	return hex.EncodeToString(sum[:])[:n]
}

// requestID returns the id of the next request.
func (s *Sim) requestID() string {
	s.calls.requests++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/request/%d", s.world.Seed, s.calls.requests))
	hash := hex.EncodeToString(sum[:16])
	return hash[:8] + "-" + hash[8:12] + "-" + hash[12:16] + "-" + hash[16:20] + "-" + hash[20:]
}
