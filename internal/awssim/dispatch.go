package awssim

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxBody is more than any request AWS takes of these services.
const maxBody = 4 << 20

// ServeHTTP serves AWS's API, and the simulator's own under /_sim/. A connection
// that a fault drops is dropped in net/http's way, by a panic that servers
// expect.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "the request's body cannot be read", http.StatusBadRequest)
		return
	}
	answer, dropped := s.locked(r, body)
	for answer.pending != nil && !dropped {
		if !answer.pending.wait(r.Context()) {
			dropped = true // nobody is there to take an answer
			break
		}
		answer, dropped = s.resume(answer.pending)
	}
	if dropped {
		panic(http.ErrAbortHandler)
	}
	for name, value := range answer.Header {
		w.Header().Set(name, value)
	}
	if answer.request != "" {
		w.Header().Set("X-Amzn-Requestid", answer.request)
		w.Header().Set("Date", answer.date.UTC().Format(http.TimeFormat))
	}
	w.Header().Set("Content-Type", answer.Type)
	w.WriteHeader(answer.Status)
	_, _ = w.Write(answer.Body) // a client that has gone is no concern of AWS's
}

func (s *Sim) locked(r *http.Request, body []byte) (answer reply, dropped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
	if strings.HasPrefix(r.URL.Path, "/_sim/") {
		return s.control(r, body), false
	}
	return s.answer(r, body)
}

// A request is a call on its way through the stages that AWS has before the
// service proper.
type request struct {
	*call
	model *model
	codec codec
	http  *http.Request
	body  []byte
	id    string
	fault Fault
}

// answer takes a request through identity, faults, throttling, validation,
// permission and idempotency to its handler.
func (s *Sim) answer(r *http.Request, body []byte) (answer reply, dropped bool) {
	id := s.requestID()
	scope, err := credentialScope(r)
	if err != nil {
		m := s.models["sts"]
		return codecOf(m).refusal(m, err, id), false
	}
	m := s.models[scope.service]
	if m == nil {
		s.unserved(scope.service, r.Method+" "+r.URL.Path)
		return reply{Status: http.StatusNotImplemented, Type: "text/plain",
			Body: fmt.Appendf(nil, "the simulator has no service %q\n", scope.service)}, false
	}
	q := &request{
		call:  &call{sim: s, service: scope.service, region: scope.region, now: s.now(), began: s.now(), origin: origin(r)},
		model: m, codec: codecOf(m), http: r, body: body, id: id,
	}
	answer, refusal := q.stages(scope)
	s.calls.add(q.call, refusal)
	return q.finish(answer, refusal)
}

// finish makes of a handler's answer or refusal what goes over the wire.
func (q *request) finish(answer reply, refusal *Error) (_ reply, dropped bool) {
	if refusal != nil {
		answer = q.codec.refusal(q.model, refusal, q.id)
	} else if !q.until.IsZero() {
		return reply{pending: q.pend()}, false
	}
	answer.request, answer.date = q.id, q.now
	if q.fault.Effect == FaultGarbage {
		return reply{Status: http.StatusOK, Type: "text/html", Body: []byte("<html><body>It works!</body>")}, false
	}
	return answer, q.fault.Effect == FaultReset || q.fault.Effect == FaultLost
}

// origin is the address that a request was sent to, as far as it names a host.
func origin(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return cmp.Or(r.URL.Scheme, scheme) + "://" + cmp.Or(r.Host, r.URL.Host)
}

// stages runs a request up to the first refusal.
func (q *request) stages(scope scope) (reply, *Error) {
	var err error
	if q.op, err = q.codec.operation(q.model, q.http, q.body); err != nil {
		q.sim.unserved(q.service, q.op)
		return reply{}, refusalOf(err)
	}
	if q.caller, err = q.sim.identify(q.service, scope, q.http.Header.Get("X-Amz-Security-Token")); err != nil {
		return reply{}, refusalOf(err)
	}
	q.account, q.principal = q.caller.Account, q.caller.Principal
	q.fault = q.sim.strike(q.call)
	if refusal := q.faulted(); refusal != nil {
		return reply{}, refusal
	}
	if refusal := q.admit(); refusal != nil {
		return reply{}, refusal
	}
	return q.perform()
}

// faulted applies the fault that strikes before the effect, if any does.
func (q *request) faulted() *Error {
	switch q.fault.Effect {
	case FaultThrottle:
		return throttled(q.call)
	case FaultError:
		return q.fault.refusal()
	case FaultExpired:
		return expired(q.service)
	case FaultReset, FaultGarbage:
		return &Error{Code: "Fault:" + string(q.fault.Effect)}
	case FaultSlow:
		q.slow = max(1, q.fault.Factor)
	case FaultStale:
		q.stale = q.fault.Lag
	case FaultTwice:
		q.twice = true
	}
	return nil
}

// admit reads, throttles and validates a request, and asks whether the caller
// may make it.
func (q *request) admit() *Error {
	in, flaws, err := q.codec.decode(q.model, q.op, q.http, q.body)
	q.in = in
	if !q.sim.take(q.call) {
		return throttled(q.call)
	}
	if err != nil {
		return refusalOf(err)
	}
	flaws = append(flaws, check(q.model, q.codec.names(), q.model.input(q.op), in)...)
	if len(flaws) > 0 {
		return q.codec.complain(flaws)
	}
	if refusal := q.authorize(); refusal != nil {
		return refusal
	}
	if q.service == "ec2" && in.flag("DryRun") {
		return &Error{Code: "DryRunOperation", Status: http.StatusPreconditionFailed,
			Message: "Request would have succeeded, but DryRun flag is set."}
	}
	return nil
}

// perform runs the handler, unless an idempotency token says that it has run.
func (q *request) perform() (reply, *Error) {
	known, done, refusal := q.recall()
	if refusal != nil || done {
		return known, refusal
	}
	handler := q.sim.ops[q.service][q.op]
	if handler == nil {
		q.sim.unserved(q.service, q.op)
		return reply{}, refuse("InvalidAction", "The simulator does not have the operation %s yet.", q.op)
	}
	if refusal := q.unheard(); refusal != nil {
		return reply{}, refusal
	}
	out, err := q.shadowing(handler)
	if err != nil {
		return reply{}, refusalOf(err)
	}
	answer, err := q.codec.encode(q.model, q.op, out, q.id)
	if err != nil {
		return reply{}, &Error{Code: "InternalFailure", Status: http.StatusInternalServerError,
			Message: fmt.Sprintf("awssim: the reply of %s: %v", q.op, err)}
	}
	if !readOnly(q.op) && !q.idle {
		q.remember(answer)
		q.sim.changed()
	}
	return answer, nil
}

// refusalOf turns a handler's error into AWS's; one that is not an *Error is a bug.
func refusalOf(err error) *Error {
	if refusal, ok := errors.AsType[*Error](err); ok {
		return refusal
	}
	return &Error{Code: "InternalFailure", Status: http.StatusInternalServerError, Message: "awssim: " + err.Error()}
}

// readOnly tells operations that change nothing, by AWS's naming.
func readOnly(op string) bool {
	return strings.HasPrefix(op, "Describe") || strings.HasPrefix(op, "List") || strings.HasPrefix(op, "Get")
}

// unserved tells the log of a request for something that is not simulated.
func (s *Sim) unserved(service, op string) {
	if s.options.Logger != nil {
		s.options.Logger.Warn("the simulator does not have this operation", "service", service, "operation", op)
	}
}
