package kinds_test

import (
	"testing"
	"time"

	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// A note that somebody has mangled is none: what the service says of its
// consumers' connections holds.
func TestMangledNotesSayNothing(t *testing.T) {
	for note, rejected := range map[string]int{
		partnerID + "=keeep": 0, partnerID + "=": 0, partnerID: 0, partnerID + "=reject": 1, partnerID + "=keep": 0,
	} {
		t.Run(note, func(t *testing.T) {
			onStage(t, func(f *schema.Fleet) {
				pair(f)
				f.Services["fraud"].OnRevoke = schema.Keep
			}, func(s *scene) {
				time.Sleep(10 * time.Minute) // the partner comes
				s.Converge()
				s.tagService(kinds.TagOnRevoke, note)
				delete(s.fraud.Consumers, "partner-a")
				plan, n := s.Plan(), 0
				for _, st := range plan.Steps {
					if st.Addr.Kind == "connection" && st.Action == planner.Delete {
						n++
					}
				}
				if n != rejected {
					t.Errorf("%d rejected, want %d:\n%s", n, rejected, stage.Text(plan))
				}
			})
		})
	}
}
