package serve

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/rollout"
)

// tellDrift tells what has drifted, and whether it was healed. What was found
// and healed by one run is told in one message.
func (s *Server) tellDrift(ctx context.Context, out *rollout.Outcome) error {
	if out.Plan == nil || out.Run.Kind == ledger.ApplyRun {
		return nil
	}
	open, err := s.Ledger.Drifts(ctx, "")
	if err != nil {
		return err
	}
	found, healed := out.Drifted.Found, out.Drifted.Healed
	switch {
	case len(open) > 0:
		return s.turn(ctx, Drifting, driftState(open), func(string) Message { return drifted(out.Run, open, found) })
	case len(found) > 0:
		if err := s.turn(ctx, Drifting, driftState(found), func(string) Message { return driftHealed(out.Run, found) }); err != nil {
			return err
		}
		return s.turn(ctx, Drifting, None, func(string) Message { return Message{} })
	}
	return s.turn(ctx, Drifting, None, func(was string) Message {
		if was == "" {
			return Message{}
		}
		return about(out.Run, Message{Kind: RecoveryMessage, Title: "nothing has drifted any more", Text: addresses(healed)})
	})
}

// drifted tells what has drifted, unless some of that was healed and nothing
// else was found.
func drifted(run ledger.Run, open, found []ledger.Drift) Message {
	switch {
	case len(found) == 0:
		return Message{}
	case len(open) == 1:
		return about(run, Message{Kind: DriftMessage, Title: "1 resource drifted and is not healed", Text: addresses(open)})
	}
	return about(run, Message{Kind: DriftMessage, Title: fmt.Sprintf("%d resources drifted and are not healed", len(open)), Text: addresses(open)})
}

func driftHealed(run ledger.Run, found []ledger.Drift) Message {
	title := fmt.Sprintf("%d resources had drifted and were healed", len(found))
	if len(found) == 1 {
		title = "1 resource had drifted and was healed"
	}
	return about(run, Message{Kind: DriftMessage, Title: title, Text: addresses(found)})
}

// driftState tells apart what has drifted.
func driftState(drifts []ledger.Drift) string {
	var all []string
	for _, d := range drifts {
		all = append(all, d.Address)
	}
	slices.Sort(all)
	sum := sha256.Sum256([]byte(strings.Join(all, "\n")))
	return fmt.Sprintf("%d drifted (%s)", len(all), hex.EncodeToString(sum[:4]))
}

// addresses lists what has drifted.
func addresses(drifts []ledger.Drift) string {
	var lines []string
	for _, d := range drifts {
		line := d.Address
		if len(d.Fields) > 0 {
			line += ": " + strings.Join(d.Fields, ", ")
		}
		lines = append(lines, line)
	}
	return readable(lines)
}

// readable is lines, as far as people will read.
func readable(lines []string) string {
	const most = 20
	if more := len(lines) - most; more > 0 {
		lines = append(lines[:most:most], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}
