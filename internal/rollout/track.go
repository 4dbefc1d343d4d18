package rollout

import (
	"context"
	"io/fs"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/gitsource"
	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// A Track is a fleet as a branch of a repository has it, and what runs on it
// need. The state folder is of this one fleet.
type Track struct {
	Repo   *gitsource.Mirror
	Ref    string // the branch that is rolled out
	Folder string // of the fleet in the repository; "." is its top
	// Signers are whose commits are rolled out; nil: anybody's.
	Signers *gitsource.Keys
	Ledger  *ledger.Ledger

	// Evaluate loads the fleet of a commit, with its waivers as they hold on
	// a day: for what is rolled out that is today, and for what was rolled out
	// the day of that, so that its drift is corrected as long as it stands.
	Evaluate func(ctx context.Context, files fs.FS, day time.Time) (*schema.Fleet, []schema.Warning, error)
	// Reach prepares a run of a fleet at a commit, with its lease. It sends
	// nothing to AWS yet.
	Reach func(context.Context, *schema.Fleet, string) (*reconcile.Run, error)

	// Now is the clock of what is kept.
	Now func() time.Time

	// Tracer, if set, makes spans of runs and previews, their steps, and the
	// calls of AWS.
	Tracer trace.Tracer
	// Prepare, if set, changes each run before it plans.
	Prepare func(*reconcile.Run)
	// Loaded, if set, is shown each fleet that is about to be planned.
	Loaded func(*schema.Fleet)
	// Planned, if set, is shown each plan before it is carried out.
	Planned func(*planner.Plan)
	// Stepped, if set, is told what happens to a run's steps, one event after
	// the other.
	Stepped func(ledger.Run, applier.Event)
	// Warn, if set, is shown what the fleet's files should not say.
	Warn func([]schema.Warning)
}

// Fleet is what the fleet of a state folder was called when it, or a shard of
// it, was last rolled out; empty before that. What a pull request calls it does
// not count.
func Fleet(ctx context.Context, kept *ledger.Ledger) (string, error) {
	var last ledger.Run
	for _, kind := range []ledger.RunKind{ledger.ApplyRun, ledger.ShardRun} {
		newest, err := kept.Runs(ctx, ledger.RunFilter{Kind: kind, Limit: 1})
		if err != nil {
			return "", err
		}
		if len(newest) > 0 && newest[0].ID > last.ID {
			last = newest[0]
		}
	}
	return last.Fleet, nil
}
