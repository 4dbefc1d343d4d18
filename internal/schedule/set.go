package schedule

// A set is of small numbers: bit n is set for n.
type set uint64

func (s set) has(n int) bool { return s&(1<<n) != 0 }
