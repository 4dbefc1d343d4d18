package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// flushTime is how long the last spans may take to be sent.
const flushTime = 5 * time.Second

// tracer makes spans that go where OpenTelemetry's standard variables say, by
// OTLP over HTTP; nil where they say nothing. Done sends what is left.
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/
func (a *app) tracer(ctx context.Context) (tracer trace.Tracer, done func(), err error) {
	if !a.isTraced() {
		return nil, func() {}, nil
	}
	if p := a.getenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") + a.getenv("OTEL_EXPORTER_OTLP_PROTOCOL"); p != "" && !strings.HasPrefix(p, "http/protobuf") {
		return nil, nil, fmt.Errorf("traces are sent as http/protobuf only, and OTEL_EXPORTER_OTLP_PROTOCOL asks for %s", p)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { a.log.Warn("traces were not sent", "error", err) }))
	exporter, err := otlptracehttp.New(ctx) // reads the other variables itself
	if err != nil {
		return nil, nil, fmt.Errorf("preparing to send traces: %w", err)
	}
	// What the variables say of the service counts more than its name here.
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(), resource.WithService(), resource.WithFromEnv())
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, nil, fmt.Errorf("preparing to send traces: %w", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	return provider.Tracer("github.com/linkfleet/linkfleet"), func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			a.log.Warn("the last traces were not sent", "error", err)
		}
	}, nil
}

// isTraced tells whether the standard variables ask for traces.
func (a *app) isTraced() bool {
	if a.getenv("OTEL_SDK_DISABLED") == "true" || a.getenv("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return a.getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || a.getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}
