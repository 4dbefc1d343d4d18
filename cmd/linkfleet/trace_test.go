package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	collect "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/linkfleet/linkfleet/internal/forge/forgetest"
)

// A collector is where traces are sent to.
type collector struct {
	*httptest.Server
	mu    sync.Mutex
	spans map[string][]*traces.Span // by name
}

func newCollector(t *testing.T) *collector {
	c := &collector{spans: map[string][]*traces.Span{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		sent := &collect.ExportTraceServiceRequest{}
		if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, sent) != nil {
			http.Error(w, "no traces", http.StatusBadRequest)
			return
		}
		c.keep(sent)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) keep(sent *collect.ExportTraceServiceRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, of := range sent.ResourceSpans {
		for _, scope := range of.ScopeSpans {
			for _, span := range scope.Spans {
				c.spans[span.Name] = append(c.spans[span.Name], span)
			}
		}
	}
}

// wantBelow wants one span of each name, below the one of another.
func (c *collector) wantBelow(t *testing.T, parents map[string]string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for child, parent := range parents {
		if len(c.spans[child]) != 1 || len(c.spans[parent]) != 1 || !slices.Equal(c.spans[child][0].ParentSpanId, c.spans[parent][0].SpanId) {
			t.Errorf("there are %d spans %q, and %d %q, of which it should be one", len(c.spans[child]), child, len(c.spans[parent]), parent)
		}
	}
}

// A run's traces go where the standard variables say: the run, its stages,
// every step below its apply, and what a step asks of AWS below the step. So do
// a preview's.
func TestTraces(t *testing.T) {
	t.Parallel()
	s := newStory(t, forgetest.GitHub).byHTTP()
	s.traced(func() { s.reconciles(exitDone) }).wantBelow(t, map[string]string{
		"fetch": "run", "load": "run", "plan": "run", "apply": "run", "create endpoint": "apply", "create listener": "apply",
		"EC2.CreateVpcEndpoint": "create endpoint", "Elastic Load Balancing v2.CreateListener": "create listener",
	})
	number := s.opens(9443)
	s.traced(func() { s.previews(number) }).wantBelow(t, map[string]string{
		"fetch": "preview", "plan": "preview", "post": "preview", "Elastic Load Balancing v2.DescribeListeners": "plan",
	})
}

// traced has the traces of what is done collected.
func (s *story) traced(do func()) *collector {
	c, was := newCollector(s.T), s.env
	s.env = append(slices.Clone(was), "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL)
	do()
	s.env = was
	return c
}
