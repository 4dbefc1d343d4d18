package stage

import (
	"bytes"
	"encoding/xml"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
)

// Shuffled is a wire on which the items of every list that AWS answers with
// come in another order each time, but for those whose order AWS documents.
func Shuffled(seed uint64) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return &shuffling{next: next, rng: rand.New(rand.NewPCG(seed, 1))}
	}
}

type shuffling struct {
	next http.RoundTripper
	mu   sync.Mutex
	rng  *rand.Rand
}

// RoundTrip shuffles an answer.
func (s *shuffling) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := s.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
		body = s.shuffle(body)
	}
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	answer.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return answer, nil
}

// An element is a piece of XML.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Elements []element  `xml:",any"`
}

// ordered are lists that AWS gives a meaningful order: an endpoint's names
// begin with the regional one.
var ordered = []string{"dnsEntrySet"}

// shuffle leaves what it cannot read as it is.
func (s *shuffling) shuffle(body []byte) []byte {
	var root element
	if err := xml.Unmarshal(body, &root); err != nil {
		return body
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mix(&root)
	mixed, err := xml.Marshal(root)
	if err != nil {
		return body
	}
	return mixed
}

func (s *shuffling) mix(e *element) {
	e.Attrs = nil // namespaces, which each element's name has already
	for i := range e.Elements {
		s.mix(&e.Elements[i])
	}
	if n := len(e.Elements); n > 1 && !slices.Contains(ordered, e.XMLName.Local) && e.sameNames() {
		s.rng.Shuffle(n, func(i, j int) { e.Elements[i], e.Elements[j] = e.Elements[j], e.Elements[i] })
	}
}

// sameNames tells a list from a structure.
func (e *element) sameNames() bool {
	return !slices.ContainsFunc(e.Elements, func(o element) bool { return o.XMLName.Local != e.Elements[0].XMLName.Local })
}
