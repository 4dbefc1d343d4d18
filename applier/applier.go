// Package applier carries out a plan: independent steps side by side, waiting
// until what a step made is usable before its dependents start, every step
// accounted for in a report.
//
// It knows neither AWS nor what a step does; that is the [Actuator]'s.
package applier

import (
	"context"

	"github.com/linkfleet/linkfleet/planner"
)

// Readiness is how far a resource has come. It has more than two values
// because some resources must be used before they are ready: an endpoint in
// pendingAcceptance is what its acceptance needs.
type Readiness int

// The stages of readiness.
const (
	Waiting Readiness = iota // dependents must wait
	Usable                   // dependents may start
	Ready                    // nothing more to come
	Broken                   // will not become ready by waiting
)

// A Status is what an Actuator found when asked about a resource.
type Status struct {
	Readiness Readiness
	Reason    string // the state in AWS's own word: "pendingAcceptance"
}

// Made is what a create or an update left: the id and the outputs as they
// are now.
type Made struct {
	ID      string
	Outputs planner.Outputs
}

// An Actuator changes resources of one kind. The values in every spec it is
// given are known. Its errors may be marked by Busy.
type Actuator interface {
	Create(ctx context.Context, want planner.Resource) (Made, error)
	Update(ctx context.Context, was, want planner.Resource) (Made, error)
	Delete(ctx context.Context, was planner.Resource) error
	// Settled asks about resources of one place at once; statuses are in
	// the order of the resources.
	Settled(ctx context.Context, place planner.Place, rs []planner.Resource) ([]Status, error)
	// Gone tells which of the deleted resources of one place are no more.
	Gone(ctx context.Context, place planner.Place, rs []planner.Resource) ([]bool, error)
}

// Busy marks an error that passes by itself: the same call may succeed
// later. AWS answers so while a neighbour is still letting go.
type Busy struct {
	Err error
	// Half says that the call has had half of its effect, and the rest comes
	// with the next: a name was turned off that is to be turned on anew. An
	// interrupt does not part the halves.
	Half bool
}

func (b Busy) Error() string { return b.Err.Error() }

// Unwrap gives the error that was marked.
func (b Busy) Unwrap() error { return b.Err }
