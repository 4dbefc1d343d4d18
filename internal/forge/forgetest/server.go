// Package forgetest has fake forges for tests: GitHub, GitLab and Gitea as
// servers on the loopback interface. They keep pull requests, comments,
// statuses and check runs, send signed webhooks, and fail on demand. Each
// request that they get, and each answer that they give, is checked against
// the forge's description of its API (see api/README.md).
package forgetest

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3filter"
)

// A Kind of forge, named as package forge names it.
type Kind string

const (
	GitHub Kind = "github"
	GitLab Kind = "gitlab"
	Gitea  Kind = "gitea"
)

// Kinds are all of them.
var Kinds = [...]Kind{GitHub, GitLab, Gitea}

// A Server is a forge with one repository.
type Server struct {
	Kind Kind
	// URL is the forge's web address; the API is below it.
	URL string
	// Repo is the repository's full name.
	Repo string
	// Token is taken for Login's.
	Token, Login string

	t        testing.TB
	mux      *http.ServeMux
	handlers map[string]handler
	app      app

	mu       sync.Mutex
	next     int64 // the last id that was given to anything
	pulls    map[int]*PullRequest
	comments map[int][]Comment
	statuses []Status
	checks   []CheckRun
	faults   []*Fault
	requests []string
}

// New starts a forge that ends with the test. What breaks its description
// fails the test.
func New(t testing.TB, kind Kind) *Server {
	t.Helper()
	s := &Server{
		Kind: kind, Repo: "acme/fleet", Token: "forge-token-of-the-test", Login: "linkfleet-bot",
		t: t, mux: http.NewServeMux(), pulls: map[int]*PullRequest{}, comments: map[int][]Comment{},
	}
	below := ""
	switch kind {
	case GitHub:
		// Where an Enterprise Server has its API.
		below, s.handlers = "/api/v3", gitHubHandlers()
	case GitLab:
		s.Repo, s.handlers = "acme/platform/fleet", gitLabHandlers()
	case Gitea:
		s.handlers = giteaHandlers()
	default:
		t.Fatalf("there is no forge %q", kind)
	}
	operations, err := described[kind]()
	if err != nil {
		t.Fatal(err)
	}
	if len(s.handlers) != len(operations) {
		t.Fatalf("%s: %d operations are described, and %d answered", kind, len(operations), len(s.handlers))
	}
	for _, op := range operations {
		if s.handlers[op.OperationID] == nil {
			t.Fatalf("%s: nothing answers %s", kind, op.OperationID)
		}
		s.mux.HandleFunc(op.method+" "+below+op.path, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, op) })
	}
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.t.Errorf("%s: the description has no %s %s", kind, r.Method, r.URL.Path)
		http.NotFound(w, r)
	})
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	s.URL = web.URL
	return s
}

// ServeHTTP implements [http.Handler], so that a forge can be asked without a
// socket.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, r.Method+" "+r.URL.Path)
	s.mu.Unlock()
	s.mux.ServeHTTP(w, r)
}

// Requests are all that came, as method and path.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// A handler answers an operation. It is called with the server locked.
type handler func(*Server, request) answer

// A request is what a handler needs of one.
type request struct {
	*http.Request
	fields map[string]any
}

func (r request) text(field string) string {
	text, _ := r.fields[field].(string)
	return text
}

// An answer is what a handler says; the description fills it up.
type answer struct {
	status int
	said   any
	header http.Header
}

func ok(said any) answer      { return answer{status: http.StatusOK, said: said} }
func created(said any) answer { return answer{status: http.StatusCreated, said: said} }

// refusal is an error as all forges answer with.
func refusal(status int, message string) answer {
	return answer{status: status, said: facts{"message": message}}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, op operation) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Errorf("%s: %v", op.OperationID, err)
	}
	in := op.input(r, body)
	if err := op.checkRequest(in); err != nil {
		s.t.Errorf("%s: a request that the forge would refuse: %v", op.OperationID, err)
		w.WriteHeader(http.StatusTeapot)
		return
	}
	said, lost := s.answer(r, op, body)
	s.write(w, op, in, said, lost)
}

// answer does what a request asks, unless a fault or missing rights forbid it.
func (s *Server) answer(r *http.Request, op operation, body []byte) (said answer, lost bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fault := s.fault(r)
	if fault != nil && !fault.Lost {
		said := refusal(fault.Status, cmp.Or(fault.Message, http.StatusText(fault.Status)))
		said.header = fault.Header
		return said, false
	}
	if !s.knows(r, op.OperationID) {
		return refusal(http.StatusUnauthorized, "Bad credentials"), false
	}
	parsed, err := fields(body)
	if err != nil {
		return refusal(http.StatusBadRequest, err.Error()), false
	}
	return s.handlers[op.OperationID](s, request{r, parsed}), fault != nil
}

// write sends an answer, filled up and checked. Errors are not filled up, and
// those that no description names not checked.
func (s *Server) write(w http.ResponseWriter, op operation, in *openapi3filter.RequestValidationInput, said answer, lost bool) {
	if lost {
		panic(http.ErrAbortHandler)
	}
	var body []byte
	if schema := op.schema(said.status); schema != nil && said.status < 400 {
		said.said = fill(schema, said.said, true)
	}
	if said.said != nil {
		body, _ = json.Marshal(said.said)
		w.Header().Set("Content-Type", "application/json")
	}
	for name, values := range said.header {
		w.Header()[name] = values
	}
	if op.Responses.Status(said.status) == nil && said.status >= 400 {
		// What any operation may answer is not said of each.
	} else if err := op.checkAnswer(in, said.status, w.Header(), body); err != nil {
		s.t.Errorf("%s: an answer that the forge would not give: %v", op.OperationID, err)
	}
	w.WriteHeader(said.status)
	_, _ = w.Write(body)
}
