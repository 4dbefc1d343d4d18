// Package example is the example fleet and the simulated AWS that it comes up
// in: what `linkfleet demo`, the README and the tests use.
package example

import "embed"

// World is the file in [Files] that says what exists in AWS before the fleet
// does: a world of the simulator.
const World = "sandbox/world.cue"

// Files is the fleet's folder. A folder new to it wants its name here.
//
//go:embed *.cue cue.mod services sandbox
var Files embed.FS
