package reconcile

import (
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"github.com/linkfleet/linkfleet/internal/lease"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// A Shard is which part of a fleet a run takes of several that run side by
// side. All services of one provider account, and what they have in common, are
// of one shard.
type Shard struct {
	Index int // from 0, as Kubernetes counts the pods of an Indexed Job
	Count int
}

// maxShards is how many runs side by side have any use: each reads all places.
const maxShards = 256

// ParseShard reads "0/4", the first of four shards.
func ParseShard(text string) (Shard, error) {
	index, count, _ := strings.Cut(text, "/")
	i, err := strconv.ParseUint(index, 10, 16)
	n, err2 := strconv.ParseUint(count, 10, 16)
	if err != nil || err2 != nil || i >= n || n > maxShards {
		return Shard{}, fmt.Errorf("%q is no shard; write I/N, such as 0/4 for the first of four, with I from 0 to N-1 and N at most %d", text, maxShards)
	}
	return Shard{int(i), int(n)}, nil
}

// String is the shard as [ParseShard] reads it.
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Count) }

// of is the part of a fleet. It follows from the fleet's files alone, so that
// all shards of one commit agree about it: provider accounts are dealt out in
// the order of their names, and what is in the files no more by its own name.
func (s Shard) of(fleet *schema.Fleet) *planner.Shard {
	var providers []string
	for _, service := range fleet.Services {
		providers = append(providers, service.Account)
	}
	slices.Sort(providers)
	providers = slices.Compact(providers)
	return &planner.Shard{Name: s.String(), Holds: func(service string, at planner.Place) bool {
		name := service
		if known := fleet.Services[service]; known != nil {
			name = known.Account
		} else if service == "" { // what services of a place share
			name = at.Account
		}
		i, provider := slices.BinarySearch(providers, name)
		nth := uint64(i)
		if !provider {
			nth = scatter(name)
		}
		return nth%uint64(s.Count) == uint64(s.Index)
	}}
}

func scatter(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // a hash takes all it is given
	return h.Sum64()
}

// errUndivided is that a fleet's lease cannot be held in parts.
var errUndivided = errors.New("shards of a fleet need a lease that all of them reach, or two could act on the same: name a table in the fleet, fleet: lease: dynamodb: {account: …, region: …, table: …}")

// Divide limits the run to a shard, and its lease to that of the shard. Shards
// of the same number and of the same commit act side by side, and keep out
// everybody else. A fleet whose lease is a file cannot be divided.
func (r *Run) Divide(s Shard) error {
	whole, ok := r.Lease.(*lease.Shared)
	if !ok {
		return errUndivided
	}
	r.Shard = &s
	r.Lease = whole.Part(s.String(), fmt.Sprintf("of %d at %s", s.Count, r.Commit))
	return nil
}
