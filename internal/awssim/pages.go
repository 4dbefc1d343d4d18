package awssim

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
)

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

// A cursor is what a token holds: the last row shown, and where it stood in
// case it is gone by now. Clients must not look inside.
type cursor struct {
	Op    string `json:"o"`
	Last  string `json:"l"`
	After int    `json:"n"`
}

// page cuts the page that the call asks for out of rows, and returns the token
// of the next, "" after the last. key tells rows apart for life (their id), so
// that a page goes on at the right row although others came and went.
func page[T any](c *call, rows []T, key func(T) string, by paging) ([]T, string, error) {
	size, err := by.size(c)
	if err != nil {
		return nil, "", err
	}
	start := 0
	if token := c.in.str(by.Token); token != "" {
		at, ok := readCursor(token)
		if !ok || at.Op != c.op {
			return nil, "", badToken(c.service, by.Token)
		}
		start = min(at.After, len(rows))
		if i := slices.IndexFunc(rows, func(row T) bool { return key(row) == at.Last }); i >= 0 {
			start = i + 1
		}
	}
	rows = rows[start:]
	if size == 0 || len(rows) <= size {
		return rows, "", nil
	}
	next := cursor{Op: c.op, Last: key(rows[size-1]), After: start + size}
	return rows[:size], next.String(), nil
}

// size is the length of the page asked for, 0 for everything. Route 53 sends
// it as text.
func (p paging) size(c *call) (int, error) {
	n := int(c.in.num(p.Limit))
	if text := c.in.str(p.Limit); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			return 0, outOfRange(c.service, p.Limit, text, "an integer")
		}
	}
	switch {
	case !c.in.has(p.Limit):
		return p.Default, nil
	case n < p.Min:
		return 0, outOfRange(c.service, p.Limit, strconv.Itoa(n), "a value greater than or equal to "+strconv.Itoa(p.Min))
	case n > p.Max && !p.Clip:
		return 0, outOfRange(c.service, p.Limit, strconv.Itoa(n), "a value less than or equal to "+strconv.Itoa(p.Max))
	}
	return min(n, p.Max), nil
}

func (at cursor) String() string {
	text, _ := json.Marshal(at) // two strings and a number always marshal
	return base64.StdEncoding.EncodeToString(text)
}

func readCursor(token string) (at cursor, ok bool) {
	text, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return cursor{}, false
	}
	return at, json.Unmarshal(text, &at) == nil && at.After > 0
}

// invalidValue is each service's code for a parameter it does not like.
func invalidValue(service string) string {
	switch service {
	case "ec2":
		return "InvalidParameterValue"
	case "route53":
		return "InvalidInput"
	case "sns":
		return "InvalidParameter"
	case "sqs":
		return "InvalidParameterValueException"
	case "tagging":
		return "InvalidParameterException"
	default:
		return "ValidationError"
	}
}

func outOfRange(service, name, value, want string) *Error {
	return refuse(invalidValue(service), "Value ( %s ) for parameter %s is invalid. Expecting %s.", value, lowerFirst(name), want)
}

func badToken(service, name string) *Error {
	switch service {
	case "ec2":
		return refuse("InvalidNextToken", "The specified %s is not valid", name)
	case "tagging":
		return refuse("PaginationTokenExpiredException", "The specified %s has expired or is not valid", name)
	default:
		return refuse(invalidValue(service), "The specified %s is not valid", name)
	}
}
