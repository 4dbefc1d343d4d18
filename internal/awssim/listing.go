package awssim

import "time"

// A listing is how an EC2 Describe operation lists its rows.
type listing[T any] struct {
	IDs     string // the member that asks for rows by id
	Key     func(T) string
	Missing func(id string) *Error
	Filters filterSet[T]
	Tags    func(T) tags                         // nil: rows have none
	Life    func(T) (created, deleted time.Time) // nil: rows were always there
	Apart   bool                                 // ids and MaxResults exclude each other
	Paging  paging                               // zero: ec2Paging
}

// rows picks, filters and pages.
func (by listing[T]) rows(c *call, all []T) ([]T, string, error) {
	ids := c.in.strs(by.IDs)
	if by.Apart && len(ids) > 0 && c.in.has("MaxResults") {
		return nil, "", refuse("InvalidParameterCombination", "The parameter %s cannot be used with the parameter maxResults", lowerFirst(by.IDs))
	}
	picked, err := by.pick(by.shown(c, all), ids)
	if err != nil {
		return nil, "", err
	}
	if picked, err = filter(c, picked, by.Filters, by.Tags); err != nil {
		return nil, "", err
	}
	if by.Paging == (paging{}) {
		by.Paging = ec2Paging()
	}
	return page(c, picked, by.Key, by.Paging)
}

// shown leaves out what the list's lag hides.
func (by listing[T]) shown(c *call, all []T) []T {
	if by.Life == nil {
		return all
	}
	var out []T
	for _, row := range all {
		if created, deleted := by.Life(row); c.visible(created, deleted) {
			out = append(out, row)
		}
	}
	return out
}

// pick keeps the rows asked for by id; all when none was. One that is missing
// refuses the call.
func (by listing[T]) pick(all []T, ids []string) ([]T, error) {
	if len(ids) == 0 {
		return all, nil
	}
	want := make(map[string]bool)
	for _, id := range ids {
		want[id] = true
	}
	var out []T
	for _, row := range all {
		if want[by.Key(row)] {
			out = append(out, row)
			delete(want, by.Key(row))
		}
	}
	for _, id := range ids {
		if want[id] {
			return nil, by.Missing(id)
		}
	}
	return out, nil
}

// reply is the usual answer of a Describe operation.
func (by listing[T]) reply(c *call, all []T, set string, item func(T) M) (M, error) {
	rows, next, err := by.rows(c, all)
	if err != nil {
		return nil, err
	}
	return withToken(M{set: listBy(rows, item)}, next), nil
}

// withToken adds the token of the next page to a reply, if there is one.
func withToken(reply M, next string) M {
	if next != "" {
		reply["NextToken"] = next
	}
	return reply
}
