package forgetest

import (
	"fmt"
	"net/http"
	"strconv"
)

// paged answers with the page of things that a request asks for, and says
// where the next is in the ways that the forges have for it.
func paged[T any](r request, sizeName string, most int, all []T, say func(T) any) answer {
	query := r.URL.Query()
	page, _ := strconv.Atoi(query.Get("page"))
	size, _ := strconv.Atoi(query.Get(sizeName))
	page = max(page, 1)
	if size < 1 {
		size = 30
	}
	size = min(size, most)
	from := min((page-1)*size, len(all))
	to := min(from+size, len(all))
	said := []any{}
	for _, thing := range all[from:to] {
		said = append(said, say(thing))
	}
	a := ok(said)
	if to < len(all) {
		query.Set("page", strconv.Itoa(page+1))
		next := *r.URL
		next.RawQuery = query.Encode()
		a.header = http.Header{
			"Link":        {fmt.Sprintf("<http://%s%s>; rel=\"next\"", r.Host, next.String())},
			"X-Next-Page": {strconv.Itoa(page + 1)},
		}
	}
	return a
}

// number is a number in a request's path.
func (r request) number(name string) int {
	n, _ := strconv.Atoi(r.PathValue(name))
	return n
}
