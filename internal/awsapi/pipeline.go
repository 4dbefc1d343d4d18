package awsapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
)

// A caller is who sends requests, and from which buckets.
type caller struct {
	account string   // the fleet's name
	bucket  string   // whose request rates count
	region  string   // where the requests go
	session *session // nil: the base credentials
}

// A pipeline is what every request of a caller passes through besides the
// SDK's own steps:
//
//	once:    refuse what a read-only run must not do; see what the call costs; trace it
//	attempt: wait for tokens, send, renew a session that AWS calls expired
//	request: count it, read its answer whole, refuse what AWS would not send
type pipeline struct {
	caller
	readOnly bool
	limits   *limits
	counts   *counts
}

func (a *API) pipeline(c caller) pipeline {
	return pipeline{caller: c, readOnly: a.readOnly, limits: a.limits, counts: a.counts}
}

// attach puts the pipeline into an operation's stack. Attempts come after
// Retry, so that each takes its tokens, and before credentials are looked up
// and the request is signed, so that neither ages while it waits.
func (p pipeline) attach(stack *middleware.Stack) error {
	return errors.Join(
		stack.Initialize.Add(middleware.InitializeMiddlewareFunc("linkfleetTrace", p.trace), middleware.Before),
		stack.Initialize.Add(middleware.InitializeMiddlewareFunc("linkfleetCall", p.call), middleware.Before),
		stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("linkfleetAttempt", p.attempt), "Retry", middleware.After),
		stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("linkfleetCount", p.count), middleware.Before),
		stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("linkfleetAnswer", answer), middleware.After),
	)
}

// ErrReadOnly is that a read-only run was asked to change something.
var ErrReadOnly = errors.New("this run only reads")

// reading are the beginnings of the names of operations that change nothing.
// What is not among them is refused in a read-only run: a list of what
// changes something would be wrong with the next operation anybody adds.
// ReceiveMessage of SQS is not among them: who receives a message takes it out
// of the sight of whoever is to act on it.
var reading = []string{"Describe", "Get", "List", "AssumeRole"}

func reads(operation string) bool {
	for _, prefix := range reading {
		if strings.HasPrefix(operation, prefix) {
			return true
		}
	}
	return false
}

// onTheWay is what the pipeline remembers of a call from attempt to attempt.
type onTheWay struct {
	draws    []draw
	attempts int
	secrets  []string // that the request carries
}

type onTheWayKey struct{}

// call sees the operation and its input, before the SDK checks and sends it.
func (p pipeline) call(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	service, operation := servicePrefix(awsmiddleware.GetServiceID(ctx)), awsmiddleware.GetOperationName(ctx)
	if p.readOnly && !reads(operation) {
		return middleware.InitializeOutput{}, middleware.Metadata{}, fmt.Errorf("%w: %s was not sent", ErrReadOnly, operation)
	}
	ctx = middleware.WithStackValue(ctx, onTheWayKey{}, &onTheWay{
		draws:   p.limits.draws(p.caller, service, operation, in.Parameters),
		secrets: secretsIn(in.Parameters),
	})
	return next.HandleInitialize(ctx, in)
}

// attempt is one try at a call.
func (p pipeline) attempt(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	call, _ := middleware.GetStackValue(ctx, onTheWayKey{}).(*onTheWay)
	if call == nil { // a waiter or presigner that skips the first step
		return next.HandleFinalize(ctx, in)
	}
	call.attempts++
	if err := wait(ctx, call.draws); err != nil {
		// Marked as canceled, or the SDK would take a deadline for a
		// timeout on the way, and send again.
		return middleware.FinalizeOutput{}, middleware.Metadata{}, &aws.RequestCanceledError{Err: err}
	}
	used := p.session.at()
	out, metadata, err := next.HandleFinalize(ctx, in)
	switch {
	case err == nil:
	case IsThrottle(err):
		drain(call.draws)
	case p.session != nil && isStale(err) && p.session.renew(used):
		err = &verdict{err: err, again: true}
	case call.attempts >= dialAttempts && isDial(err):
		err = &verdict{err: err, again: false}
	}
	return out, metadata, err
}

// dialAttempts is how often an address is tried that takes no connection.
// AWS's own answer; what does not is a simulator that nobody started, or no
// network, and people wait for the message.
const dialAttempts = 4

// isDial tells whether no connection came about.
func isDial(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// A verdict is an error of an attempt about which we know better than the SDK
// whether to try again.
type verdict struct {
	err   error
	again bool
}

func (v *verdict) Error() string { return v.err.Error() }

func (v *verdict) Unwrap() error { return v.err }

// RetryableError is the SDK's question.
func (v *verdict) RetryableError() bool { return v.again }

// count sees each request that is really sent, and what came of it.
func (p pipeline) count(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
	out, metadata, err := next.HandleDeserialize(ctx, in)
	p.counts.add(CallCount{
		Service:   servicePrefix(awsmiddleware.GetServiceID(ctx)),
		Operation: awsmiddleware.GetOperationName(ctx),
		Account:   p.account,
		Region:    p.region,
	}, err)
	return out, metadata, err
}

// servicePrefix is the prefix of a service's IAM actions by the SDK's name of
// the service.
func servicePrefix(id string) string {
	switch id {
	case "Elastic Load Balancing v2":
		return "elasticloadbalancing"
	case "Resource Groups Tagging API":
		return "tag"
	}
	return strings.ToLower(strings.ReplaceAll(id, " ", ""))
}
