package serve

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/linkfleet/linkfleet/internal/ledger"
)

// remind tells of what has waited for longer than RemindAfter, and when that
// is over. Time alone makes a wait long, so it goes by no run.
func (s *Server) remind(ctx context.Context) (next time.Time, err error) {
	waits, err := s.Ledger.Waits(ctx, "")
	if err != nil {
		return time.Time{}, err
	}
	// What is blocked is told as a failure.
	waits = slices.DeleteFunc(waits, func(w ledger.Wait) bool { return w.Blocked })
	long := 0 // of them; the longest come first
	for long < len(waits) && !waits[long].Since.Add(s.RemindAfter).After(s.Now()) {
		long++
	}
	if long < len(waits) {
		next = waits[long].Since.Add(s.RemindAfter)
	}
	return s.soon(next), s.tellWaits(ctx, waits[:long])
}

// tellWaits tells of waits that have become long, the longest first. That some
// are over and others not is told nobody.
func (s *Server) tellWaits(ctx context.Context, waits []ledger.Wait) error {
	if len(waits) == 0 {
		name, err := s.fleet(ctx)
		if err != nil {
			return err
		}
		return s.turn(ctx, Waiting, None, func(was string) Message {
			if was == "" {
				return Message{}
			}
			return Message{Kind: RecoveryMessage, Fleet: name, Title: "nothing has waited for long any more"}
		})
	}
	latest := waits[len(waits)-1]
	state := "since " + latest.Since.UTC().Format(time.RFC3339) // sorts as times do
	return s.turn(ctx, Waiting, state, func(was string) Message {
		if strings.HasPrefix(was, "since ") && was > state {
			return Message{}
		}
		title := fmt.Sprintf("%d resources have waited for long", len(waits))
		if len(waits) == 1 {
			title = "1 resource has waited for long"
		}
		return Message{Kind: WaitingMessage, Fleet: latest.Fleet, Title: title, Text: awaited(waits)}
	})
}

// awaited lists what is waited for.
func awaited(waits []ledger.Wait) string {
	var lines []string
	for _, w := range waits {
		lines = append(lines, fmt.Sprintf("%s: %s, since %s", w.Address, w.What, w.Since.UTC().Format("2006-01-02 15:04 MST")))
	}
	return readable(lines)
}
