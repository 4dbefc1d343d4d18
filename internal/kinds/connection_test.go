package kinds_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/stage"
)

// AWS does not document whether a rejected connection can be accepted. Where it
// cannot, the way out is told.
func TestRejectionThatStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world, err := awssim.LoadWorld(exampleDir + "/sandbox/world.cue")
		if err != nil {
			t.Fatal(err)
		}
		world.Knobs.Choices = map[string]bool{"acceptRejected": false}
		fleet := exampleFleet(t)
		pair(fleet)
		s := &scene{T: t, Stage: stage.New(t, world, fleet)}
		s.fraud, s.platform = s.Fleet.Services["fraud"], s.Hands(platformID, region)
		s.Converge()
		s.decide(false, s.one("endpoint/fraud/risk").ID)
		if err := s.Apply().Err(); err == nil || !strings.Contains(err.Error(), "has to be made anew") {
			t.Errorf("applying: %v", err)
		}
	})
}
