package awsapi

import (
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// A call is a span below that of its context, once for all its attempts, and
// says AWS's code of what went wrong and nothing that was sent.
func TestCallsAreTraced(t *testing.T) {
	isolate(t)
	answers := []reply{ec2Error(503, "RequestLimitExceeded", ""), {}, ec2Error(400, "InvalidParameterValue", "not hush")}
	f := &fakeAWS{answer: func(r request) reply {
		if r.action != "DescribeVpcs" {
			return reply{}
		}
		first := answers[0]
		answers = answers[1:]
		return first
	}}
	o := options(f)
	o.Speed = 100
	p := placeOf(t, newAPI(t, o), "risk", "eu-west-1")
	spans := tracetest.NewInMemoryExporter()
	ctx, run := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)).Tracer("test").Start(t.Context(), "run")
	if err := describeVpcs(ctx, p); err != nil {
		t.Fatal(err)
	}
	if err := describeVpcs(ctx, p); Code(err) != "InvalidParameterValue" {
		t.Error(err)
	}

	calls := map[string][]tracetest.SpanStub{}
	for _, span := range spans.GetSpans() {
		calls[span.Name] = append(calls[span.Name], span)
	}
	found := calls["EC2.DescribeVpcs"]
	if len(found) != 2 {
		t.Fatalf("got the spans %v", calls)
	}
	for i, want := range []sdktrace.Status{{}, {Code: codes.Error, Description: "InvalidParameterValue"}} {
		span := found[i]
		if span.Status != want || span.Parent.SpanID() != run.SpanContext().SpanID() {
			t.Errorf("call %d ended as %v below %v", i, span.Status, span.Parent)
		}
		said := attribute.NewSet(span.Attributes...)
		for _, about := range []attribute.KeyValue{
			attribute.String("rpc.system", "aws-api"), attribute.String("rpc.service", "EC2"), attribute.String("rpc.method", "DescribeVpcs"),
			attribute.String("cloud.region", "eu-west-1"), attribute.String("linkfleet.account", "risk"),
		} {
			if value, ok := said.Value(about.Key); !ok || value != about.Value {
				t.Errorf("call %d says %s=%s, want %s", i, about.Key, value.String(), about.Value.String())
			}
		}
		if strings.Contains(said.Encoded(attribute.DefaultEncoder()), "hush") {
			t.Errorf("call %d tells a secret: %v", i, span.Attributes)
		}
	}

	spans.Reset()
	answers = []reply{{}}
	if err := describeVpcs(t.Context(), p); err != nil || len(spans.GetSpans()) > 0 {
		t.Errorf("an untraced call gave %v, %v", spans.GetSpans(), err)
	}
}
