package awssim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

// A Storm strikes calls by lot, those of outside parties excepted. Whether it
// strikes the nth call of an operation in a place, and how, follows from the
// seed alone: not from how the calls of a busy program happen to mix.
type Storm struct {
	Seed    uint64        `json:"seed"`
	Rate    float64       `json:"rate"`              // of calls that are struck: 0 to 1
	Effects []Effect      `json:"effects,omitempty"` // none: all but "garbage" and "twice"
	Calm    time.Duration `json:"-"`                 // the storm ends so long from now; 0: never

	counts map[stormCall]int
	ends   time.Time
	// While AWS throttles a whole organisation, it refuses every caller.
	throttledUntil time.Time
}

type stormCall struct{ service, op, account, region string }

// stormEffects are what a storm has unless it says.
func stormEffects() []Effect {
	return []Effect{FaultThrottle, FaultError, FaultReset, FaultLost, FaultSlow, FaultStale, FaultExpired, FaultBusy, FaultThrottleAll}
}

// Begin lets a storm loose; it replaces the last one. A rate of 0 ends all.
func (s *Sim) Begin(storm Storm) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loose(storm)
}

func (s *Sim) loose(storm Storm) error {
	if storm.Rate < 0 || storm.Rate > 1 {
		return fmt.Errorf("awssim: storm: the rate %v is not between 0 and 1", storm.Rate)
	}
	for _, e := range storm.Effects {
		if !slices.Contains(effects(), e) {
			return fmt.Errorf("awssim: storm: unknown effect %q; there are %q", e, effects())
		}
	}
	storm.counts = make(map[stormCall]int)
	if storm.Calm > 0 {
		storm.ends = s.clock.now().Add(storm.Calm)
	}
	s.storm = &storm
	return nil
}

// strike draws what happens to a call.
func (t *Storm) strike(c *call) Fault {
	if t == nil || t.Rate == 0 || c.actor || !t.ends.IsZero() && c.now.After(t.ends) {
		return Fault{}
	}
	key := stormCall{c.service, c.op, c.account, c.region}
	t.counts[key]++
	if c.now.Before(t.throttledUntil) {
		return Fault{Effect: FaultThrottle}
	}
	lot := t.lot(key)
	if lot.Float64() >= t.Rate {
		return Fault{}
	}
	from := t.Effects
	if len(from) == 0 {
		from = stormEffects()
	}
	return t.fault(from[lot.IntN(len(from))], lot, c)
}

func (t *Storm) lot(key stormCall) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%s/%s/%s/%d", key.service, key.op, key.account, key.region, t.counts[key])
	return rand.New(rand.NewPCG(t.Seed, h.Sum64()))
}

// fault gives an effect its particulars.
func (t *Storm) fault(e Effect, lot *rand.Rand, c *call) Fault {
	f := Fault{Effect: e}
	switch e {
	case FaultThrottleAll:
		t.throttledUntil = c.now.Add(time.Second + time.Duration(lot.Int64N(int64(19*time.Second))))
		f.Effect = FaultThrottle
	case FaultError:
		f.Status = []int{http.StatusInternalServerError, http.StatusServiceUnavailable}[lot.IntN(2)]
		f.Code = map[int]string{500: "InternalError", 503: "ServiceUnavailable"}[f.Status]
	case FaultSlow:
		f.Factor = 2 + lot.IntN(9)
	case FaultStale:
		f.Lag = time.Duration(1+lot.IntN(30)) * time.Second
	case FaultBusy:
		return busyFault(c.op)
	}
	return f
}

// busyFault refuses a call as AWS does while a neighbour is not done; calls
// that AWS never refuses so it leaves alone.
func busyFault(op string) Fault {
	f := Fault{Effect: FaultError, Status: http.StatusBadRequest}
	switch op {
	case "ModifyVpcEndpoint":
		f.Code, f.Message = "OperationInProgress", "VpcEndpoint modify operation in progress"
	case "CreateVpcEndpoint":
		f.Code, f.Message, f.Status = "Unavailable", "The service is unavailable. Please try again shortly.", http.StatusServiceUnavailable
	case "DeleteSecurityGroup":
		f.Code, f.Message = "DependencyViolation", "resource has a dependent object"
	case "DeleteTargetGroup":
		f.Code, f.Message = "ResourceInUse", "Target group is currently in use by a listener or a rule"
	case "ChangeResourceRecordSets":
		f.Code, f.Message = "PriorRequestNotComplete", "The request was rejected because Route 53 was still processing a prior request."
	default:
		return Fault{}
	}
	return f
}

// UnmarshalJSON reads a storm; calm is a duration such as "10m".
func (t *Storm) UnmarshalJSON(raw []byte) error {
	type plain Storm
	in := struct {
		plain
		Calm string `json:"calm,omitempty"`
	}{}
	if err := json.Unmarshal(raw, &in); err != nil {
		return err
	}
	*t = Storm(in.plain)
	var err error
	t.Calm, err = time.ParseDuration(cmp.Or(in.Calm, "0s"))
	return err
}
