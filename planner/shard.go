package planner

// A Shard is one of several parts of a fleet, each of which a run of its own
// plans and applies. A service is of one shard, and is so in all of the runs; so
// is what the services of a place have in common, which is of none of them.
type Shard struct {
	Name  string // such as "0/4"
	Holds func(service string, at Place) bool
}

func (s *Shard) name() string {
	if s == nil {
		return ""
	}
	return s.Name
}

// keepOff is the rule that a shard changes nothing of another's services, also
// if it needs that: the other may be at it.
func (s *Shard) keepOff(p *Plan) []Blocked {
	var blocked []Blocked
	for _, st := range p.Steps {
		if group := st.Group(); !s.Holds(group.Service, st.Addr.Place) {
			blocked = append(blocked, Blocked{
				StepKey: st.StepKey, Group: group, Cause: CauseRefused,
				Reason: "it is of another shard than " + s.Name,
				Mend:   "run again when that shard is done",
			})
		}
	}
	return blocked
}

// limitAsWhole has all that the shards of a fleet do together count against its
// limits: each of them could else take away as much as the whole may.
func (p *Plan) limitAsWhole(in Input) error {
	in.Shard, in.Remarks = nil, nil
	whole, err := Diff(in)
	if err != nil {
		return err
	}
	p.Limits = whole.Limits
	return nil
}
