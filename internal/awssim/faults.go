package awssim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// An Effect is what a fault does.
type Effect string

// The effects there are.
const (
	FaultThrottle Effect = "throttle" // refused as if the bucket were empty
	FaultError    Effect = "error"    // refused with the fault's Status, Code and Message
	FaultReset    Effect = "reset"    // the connection drops before the effect
	FaultLost     Effect = "lost"     // the effect happens; the connection drops before the answer
	FaultGarbage  Effect = "garbage"  // no effect, and status 200 with a body that is not AWS's
	FaultSlow     Effect = "slow"     // what the call begins takes Factor times as long
	FaultStale    Effect = "stale"    // the answer leaves out what was made in the last Lag, and shows what was deleted in it
	FaultTwice    Effect = "twice"    // the messages that the call receives are delivered once more, even if they are deleted
	FaultExpired  Effect = "expired"  // refused because the credentials have expired
	FaultBusy     Effect = "busy"     // refused as AWS refuses the operation while a neighbour is not done; of storms

	// FaultThrottleAll throttles every account at once for up to 20 s, as AWS
	// does with an organisation; of storms.
	FaultThrottleAll Effect = "throttle-all"
)

func effects() []Effect {
	return append([]Effect{FaultGarbage, FaultTwice}, stormEffects()...)
}

// A Fault strikes calls. Empty fields match everything.
type Fault struct {
	Service   string `json:"service,omitempty"` // the signing name: dynamodb, ec2, elasticloadbalancing, route53, sns, sqs, sts, tagging
	Operation string `json:"operation,omitempty"`
	Account   string `json:"account,omitempty"`
	Region    string `json:"region,omitempty"`
	Nth       int    `json:"nth,omitempty"`   // strikes the Nth matching call from now, counting from 1; 0: every one
	Times     int    `json:"times,omitempty"` // strikes so often at most; 0: once with Nth, always without

	Effect  Effect        `json:"effect"`
	Status  int           `json:"status,omitempty"`
	Code    string        `json:"code,omitempty"`
	Message string        `json:"message,omitempty"`
	Factor  int           `json:"factor,omitempty"` // of "slow"; 0 is 10
	Lag     time.Duration `json:"-"`                // of "stale"
}

// faultJSON adds what JSON spells in its own way.
type faultJSON struct {
	plainFault
	Lag string `json:"lag,omitempty"` // "30s"
}

type plainFault Fault

// UnmarshalJSON reads a fault; lag is a duration such as "30s".
func (f *Fault) UnmarshalJSON(raw []byte) error {
	var in faultJSON
	if err := json.Unmarshal(raw, &in); err != nil {
		return err
	}
	*f = Fault(in.plainFault)
	if in.Lag == "" {
		return nil
	}
	var err error
	f.Lag, err = time.ParseDuration(in.Lag)
	return err
}

// A plannedFault counts what has matched so far.
type plannedFault struct {
	Fault
	seen, struck int
}

// Inject plans a fault. Faults are tried in the order they were planned; the
// first that strikes a call is the only one. It fails on an unknown effect.
func (s *Sim) Inject(f Fault) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.plan(f)
}

func (s *Sim) plan(f Fault) error {
	single := slices.DeleteFunc(effects(), func(e Effect) bool { return e == FaultBusy || e == FaultThrottleAll })
	if !slices.Contains(single, f.Effect) {
		return fmt.Errorf("awssim: fault: unknown effect %q; there are %q", f.Effect, single)
	}
	if f.Effect == FaultSlow && f.Factor == 0 {
		f.Factor = 10
	}
	if f.Nth > 0 && f.Times == 0 {
		f.Times = 1
	}
	s.faults = append(s.faults, &plannedFault{Fault: f})
	return nil
}

// strike returns the fault that hits a call, the zero Fault if none does.
func (s *Sim) strike(c *call) Fault {
	var hit Fault
	for _, f := range s.faults {
		if !f.matches(c) {
			continue
		}
		f.seen++
		if hit.Effect == "" && f.due() {
			f.struck++
			hit = f.Fault
		}
	}
	if hit.Effect == "" {
		hit = s.storm.strike(c)
	}
	return hit
}

func (f *plannedFault) due() bool {
	return f.seen >= f.Nth && (f.Times == 0 || f.struck < f.Times)
}

func (f *plannedFault) matches(c *call) bool {
	field := func(want, have string) bool { return want == "" || want == have }
	return field(f.Service, c.service) && field(f.Operation, c.op) &&
		field(f.Account, c.account) && field(f.Region, c.region)
}

// refusal is the answer of an "error" fault.
func (f Fault) refusal() *Error {
	return &Error{
		Code:    cmp.Or(f.Code, "InternalError"),
		Message: cmp.Or(f.Message, "An internal error has occurred"),
		Status:  cmp.Or(f.Status, http.StatusInternalServerError),
	}
}
