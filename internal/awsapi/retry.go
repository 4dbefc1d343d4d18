package awsapi

import (
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// maxAttempts is how often a request is sent before its failure is told. The
// SDK's 3 are over within seconds; EC2 also throttles whole organisations, so
// that a quiet account is refused for what its neighbours do, and that takes
// longer to pass.
const maxAttempts = 8

// maxBackoff is the longest pause between attempts, the SDK's own.
const maxBackoff = 20 * time.Second

// Pauses start here and double. A throttled request waits for a bucket that
// refills by the second; one that failed on the way may be sent again soon.
const (
	throttleBackoff  = time.Second
	transportBackoff = 200 * time.Millisecond
)

// newRetryer is the SDK's standard retries with more attempts, all throttles
// among what is sent again, and pauses on AWS's clock.
func newRetryer(speed float64) aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = maxAttempts
		o.Backoff = backoff{speed}
		// Our token buckets limit the rate, retries included. The SDK's
		// quota would make requests fail that only have to wait.
		o.RateLimiter = ratelimit.None
		o.Retryables = append(o.Retryables, retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
			if IsThrottle(err) {
				return aws.TrueTernary
			}
			return aws.UnknownTernary
		}))
	})
}

// backoff is an exponential pause with full jitter, which spreads out callers
// that were refused together.
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
type backoff struct{ speed float64 }

// BackoffDelay is the pause after the given attempt, the first being 1.
func (b backoff) BackoffDelay(attempt int, err error) (time.Duration, error) {
	most := transportBackoff
	if IsThrottle(err) {
		most = throttleBackoff
	}
	for n := 1; n < attempt && most < maxBackoff; n++ {
		most *= 2
	}
	most = min(most, maxBackoff)
	return scaled(time.Duration(rand.Int64N(int64(most)+1)), b.speed), nil
}
