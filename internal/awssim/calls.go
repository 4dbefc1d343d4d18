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

// A callLog holds the calls since the last reset.
type callLog struct {
	all      []Call
	requests int // since the start: what request ids are made of
}

func (l *callLog) add(c *call, refusal *Error) {
	entry := Call{
		N: len(l.all) + 1, Time: c.now, Service: c.service, Operation: c.op,
		Account: c.account, Region: c.region, Principal: c.principal,
		Session: c.caller.Session, Actor: c.actor,
	}
	if refusal != nil {
		entry.Code = refusal.Code
	}
	l.all = append(l.all, entry)
}

// counts sums the calls up, without those of outside parties.
func (l *callLog) counts() (total int, by []CallCount) {
	sums := make(map[CallCount]int)
	for _, c := range l.all {
		if c.Actor {
			continue
		}
		total++
		sums[CallCount{Service: c.Service, Operation: c.Operation, Account: c.Account, Region: c.Region}]++
	}
	by = make([]CallCount, 0, len(sums))
	for sum, n := range sums {
		sum.Count = n
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
	s.calls.all = nil
}
