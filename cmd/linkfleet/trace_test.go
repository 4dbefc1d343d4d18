package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/linkfleet/linkfleet/internal/forge/forgetest"
)

// A run's traces go where the standard variables say: the run, its stages, and
// every step below its
// apply, and what a step asks of AWS below the step.
func TestTraces(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	spans := map[string][]*traces.Span{}
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		sent := &collector.ExportTraceServiceRequest{}
		if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, sent) != nil {
			http.Error(w, "no traces", http.StatusBadRequest)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		for _, of := range sent.ResourceSpans {
			for _, scope := range of.ScopeSpans {
				for _, span := range scope.Spans {
					spans[span.Name] = append(spans[span.Name], span)
				}
			}
		}
	}))
	t.Cleanup(sink.Close)
	s := newStory(t, forgetest.GitHub).byHTTP()
	s.env = append(s.env, "OTEL_EXPORTER_OTLP_ENDPOINT="+sink.URL)
	s.reconciles(exitDone)
	for child, parent := range map[string]string{"fetch": "run", "load": "run", "plan": "run", "apply": "run", "create endpoint": "apply", "create listener": "apply",
		"EC2.CreateVpcEndpoint": "create endpoint", "Elastic Load Balancing v2.CreateListener": "create listener"} {
		if len(spans[child]) != 1 || len(spans[parent]) != 1 || !slices.Equal(spans[child][0].ParentSpanId, spans[parent][0].SpanId) {
			t.Errorf("there are %d spans %q, and %d %q, of which it should be one", len(spans[child]), child, len(spans[parent]), parent)
		}
	}
}
