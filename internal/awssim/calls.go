package awssim

import (
	"cmp"
	"slices"
	"time"
)

// A Call is one request that was served, refused or struck by a fault.
type Call struct {
	N         int       `json:"n"` // counts from 1
	Time      time.Time `json:"time"`
	Service   string    `json:"service"` // the signing name
	Operation string    `json:"operation"`
	Account   string    `json:"account"` // the caller's
	Region    string    `json:"region"`
	Principal string    `json:"principal,omitempty"`
	Session   string    `json:"sessionName,omitempty"` // the role session's name
	Code      string    `json:"code,omitempty"`        // of the refusal; "Fault:…" where a fault left no answer
	Actor     bool      `json:"actor,omitempty"`       // made by an outside party of the world
}

// A CallCount tells how many calls there were of one sort.
type CallCount struct {
	Service   string `json:"service"`
	Operation string `json:"operation"`
	Account   string `json:"account"`
	Region    string `json:"region"`
	Count     int    `json:"count"`
}

// logLength bounds the log: a simulator that runs for weeks forgets its oldest
// calls, but not their counts.
const logLength = 100_000

// A callLog holds the calls since the last reset.
type callLog struct {
	all      []Call
	seen     int               // calls since the reset, also those forgotten
	sums     map[CallCount]int // by everything but Count, without outside parties
	requests int               // since the start: what request ids are made of
}

// clear forgets the calls so far.
func (l *callLog) clear() { l.all, l.seen, l.sums = nil, 0, nil }

func (l *callLog) add(c *call, refusal *Error) {
	l.seen++
	entry := Call{
		N: l.seen, Time: c.now, Service: c.service, Operation: c.op,
		Account: c.account, Region: c.region, Principal: c.principal,
		Session: c.caller.Session, Actor: c.actor,
	}
	if refusal != nil {
		entry.Code = refusal.Code
	}
	if len(l.all) >= logLength {
		l.all = slices.Clone(l.all[logLength/2:])
	}
	l.all = append(l.all, entry)
	if c.actor {
		return
	}
	if l.sums == nil {
		l.sums = make(map[CallCount]int)
	}
	l.sums[CallCount{Service: c.service, Operation: c.op, Account: c.account, Region: c.region}]++
}

// counts sums the calls up, without those of outside parties.
func (l *callLog) counts() (total int, by []CallCount) {
	by = make([]CallCount, 0, len(l.sums))
	for sum, n := range l.sums {
		sum.Count = n
		total += n
		by = append(by, sum)
	}
	slices.SortFunc(by, func(a, b CallCount) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Operation, b.Operation),
			cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region))
	})
	return total, by
}

// Calls returns the calls since the last reset in the order they came,
// including those of outside parties.
func (s *Sim) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls.all)
}

// ResetCalls forgets the calls so far.
func (s *Sim) ResetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls.clear()
}
