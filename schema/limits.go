package schema

// Limits bound what one apply may take away. A limit that is nil is none
// (of a fleet), or the fleet's (of a service).
type Limits struct {
	Deletes      *Limit // of objects
	Rejections   *Limit // of connections in use
	Replacements *Limit // of objects
}

// A Limit is exceeded by more than Count, and by more than Percent of what
// stands.
type Limit struct {
	Count   int
	Percent int
}

func (c *checker) limits(f *field) Limits {
	return Limits{
		Deletes:      c.limit(f.get("deletes")),
		Rejections:   c.limit(f.get("rejections")),
		Replacements: c.limit(f.get("replacements")),
	}
}

func (c *checker) limit(f *field) *Limit {
	if !f.exists() {
		return nil
	}
	return &Limit{Count: f.get("count").num(), Percent: f.get("percent").num()}
}
