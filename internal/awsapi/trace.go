package awsapi

import (
	"cmp"
	"context"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// tracer is whose spans those of calls are, by OpenTelemetry's rule.
const tracer = "github.com/linkfleet/linkfleet/internal/awsapi"

// trace makes a call, with its waiting and its attempts, a span within that of
// its context, if there is one that anybody records.
// https://opentelemetry.io/docs/specs/semconv/cloud-providers/aws-sdk/
func (p pipeline) trace(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	within := trace.SpanFromContext(ctx)
	if !within.IsRecording() {
		return next.HandleInitialize(ctx, in)
	}
	service, operation := awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx)
	ctx, span := within.TracerProvider().Tracer(tracer).Start(ctx, service+"."+operation,
		trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
			attribute.String("rpc.system", "aws-api"),
			attribute.String("rpc.service", service),
			attribute.String("rpc.method", operation),
			attribute.String("cloud.region", p.region),
			attribute.String("linkfleet.account", p.account)))
	defer span.End()
	out, metadata, err := next.HandleInitialize(ctx, in)
	if id, ok := awsmiddleware.GetRequestIDMetadata(metadata); ok {
		span.SetAttributes(attribute.String("aws.request_id", id))
	}
	if err != nil { // whose whole text may repeat what was sent
		span.SetStatus(codes.Error, cmp.Or(Code(err), "no answer"))
	}
	return out, metadata, err
}
