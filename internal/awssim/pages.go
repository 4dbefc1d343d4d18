package awssim

// A paging says how an operation pages its list.
type paging struct {
	Limit, Token string // members: MaxResults/NextToken, PageSize/Marker
	Min, Max     int    // what Limit may be
	Default      int    // rows per page when Limit is absent; 0: all
	Clip         bool   // a Limit over Max counts as Max, rather than being refused
}

// ec2Paging is how most of EC2's Describe operations page: 5 to 1000 rows when
// MaxResults is given, everything otherwise.
func ec2Paging() paging {
	return paging{Limit: "MaxResults", Token: "NextToken", Min: 5, Max: 1000}
}

// page cuts the page that the call asks for out of rows, and returns the token
// of the next, "" after the last. key tells rows apart for life (their id), so
// that a page goes on at the right row although others came and went.
func page[T any](c *call, rows []T, key func(T) string, by paging) ([]T, string, error) {
	panic("not yet")
}
