// Package planner compares what should be with what is and says, step by
// step, how to get from one to the other.
//
// It is pure: no I/O, no clock, no context, no SDK. It knows neither CUE, Git
// nor AWS; a kind of resource is a name, a [Trait] and a plain struct. The
// same inputs give the same plan, byte for byte.
package planner
