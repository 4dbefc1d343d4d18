package preview

import (
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// An Input is all that is known of a pull request. What is nil, zero or empty
// is not known and not spoken of.
type Input struct {
	Fleet string // the fleet's name
	// Plan is of the merge result. It is nil where there is none: not yet, or
	// because of Invalid or Conflicts.
	Plan *planner.Plan
	// Was and Is are the fleet before and after the merge; what it newly lets
	// in is told from them. A nil Was let nobody in.
	Was, Is *schema.Fleet
	Commit  string // the merge result's, in hex
	Base    string // the branch it is merged into
	Pull    int    // the pull request's number
	Folder  string // the fleet's, within the repository, with slashes
	// Warnings are of the merge result's files.
	Warnings []schema.Warning
	// Invalid is why the fleet could not be loaded: faults of its files
	// ([schema.Faults]), or another error.
	Invalid error
	// Conflicts are the files that do not merge.
	Conflicts []string
	// Confined says that the pull request is from a fork and was evaluated
	// without credentials and network.
	Confined bool
	// Coverage is of the endpoints that the plan makes or changes.
	Coverage []Coverage
	// MoreURL is where the whole plan can be read.
	MoreURL string
	// Apply are further arguments of the apply that is proposed, such as the
	// fleet's folder.
	Apply []string
}

// Coverage is where a consumer's endpoint meets its service: by zone IDs
// ("use1-az1"), since zones' names differ between accounts.
// https://docs.aws.amazon.com/ram/latest/userguide/working-with-az-ids.html
type Coverage struct {
	Service, Consumer string
	Zones             []string // of the endpoint's subnets, as the plan leaves them
	Offered           []string // of the service's load balancer, as the plan leaves it
}
