package kinds

import (
	"fmt"

	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// waiting names the consumers whose move it is: they are admitted, make
// their endpoints themselves, and have not yet.
func waiting(f *schema.Fleet, live planner.State) []planner.Note {
	byConsumer := connectionsByConsumer(live)
	var notes []planner.Note
	for s := range services(f) {
		if _, unread := live.Unread[placeOf(s)]; unread {
			continue
		}
		for c := range consumers(s) {
			at := addrConnection(s, c)
			if c.Endpoint != nil || len(byConsumer[at]) > 0 {
				continue
			}
			notes = append(notes, planner.Note{
				Kind: planner.NoteWaiting, Group: groupOf(s, c), Addr: at,
				Text: fmt.Sprintf("%s (account %s) has not made its endpoint%s", c.Name, f.Accounts[c.Account].ID, named(s, live)),
			})
		}
	}
	return notes
}

// named is the name consumers connect to, once AWS has given one.
func named(s *schema.Service, live planner.State) string {
	for _, r := range live.Live[addrService(s)] {
		return " for " + r.Outputs["name"]
	}
	return ""
}
