package serve

import (
	"time"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/ledger"
)

// An Observer is told what happens, to count it. It must not block.
type Observer interface {
	// RunEnded is told of each run that was begun, previews with them.
	RunEnded(Ended)
	// Delivered is told of each delivery of a webhook.
	Delivered(DeliveryResult)
	// Noticed is told of each attempt to send a notice, and by which channel.
	Noticed(channel string, result NoticeResult)
}

// Ended is a run that has ended.
type Ended struct {
	Trigger ledger.JobKind
	Run     ledger.Run // with its kind, outcome and counts
	Took    time.Duration
	Calls   []awsapi.CallCount // to AWS
}

type nobody struct{}

func (nobody) RunEnded(Ended)               {}
func (nobody) Delivered(DeliveryResult)     {}
func (nobody) Noticed(string, NoticeResult) {}
