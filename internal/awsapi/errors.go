package awsapi

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/linkfleet/linkfleet/applier"
)

// Code is AWS's code of the error, such as "InvalidGroup.InUse"; empty where
// the error is none of AWS's.
func Code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// IsNotFound tells whether AWS says that something named in the request does
// not exist. Just after a create that need not last.
//
// The services word it alike but have no common code:
// InvalidVpcEndpointId.NotFound, TargetGroupNotFound, NotFoundException,
// NoSuchHostedZone, and SQS's two for one thing.
func IsNotFound(err error) bool {
	code := Code(err)
	switch code {
	case "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue":
		return true
	}
	return strings.HasPrefix(code, "NoSuch") || strings.HasSuffix(strings.TrimSuffix(code, "Exception"), "NotFound")
}

// IsThrottle tells whether AWS refused the request for its rate.
func IsThrottle(err error) bool {
	code := Code(err)
	_, listed := retry.DefaultThrottleErrorCodes[code]
	// The SDK counts a neighbour's unfinished request among its throttles.
	listed = listed && code != "PriorRequestNotComplete"
	// These are SNS's and, of its encrypted queues, SQS's; the SDK does not
	// know them.
	return listed || code == "Throttled" || code == "KMS.ThrottlingException" || status(err) == http.StatusTooManyRequests
}

// IsDenied tells whether AWS does not let the caller do it: a policy says no,
// or the credentials are not good.
func IsDenied(err error) bool {
	switch Code(err) {
	case "UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "AuthorizationError", "NotAuthorizedException", "OptInRequired", "RegionDisabledException", "KMS.AccessDeniedException":
		return true
	}
	return isBadCredentials(err)
}

// isBadCredentials tells whether AWS does not know the access key or does not
// accept its signature.
func isBadCredentials(err error) bool {
	switch Code(err) {
	case "AuthFailure", "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidSignatureException", "InvalidAccessKeyId", "IncompleteSignature", "MissingAuthenticationToken":
		return true
	}
	return false
}

// IsExpired tells whether the credentials have expired.
func IsExpired(err error) bool {
	if _, ok := errors.AsType[*ssocreds.InvalidTokenError](err); ok {
		return true
	}
	return isStale(err)
}

// isStale tells whether AWS calls the session of the request expired.
func isStale(err error) bool {
	switch Code(err) {
	case "ExpiredToken", "ExpiredTokenException", "RequestExpired":
		return true
	}
	return false
}

// IsBusy tells whether the error passes by itself, so that the same call may
// succeed later: a neighbour is still letting go or not done, or AWS cannot
// answer at the moment, all retries notwithstanding.
//
// Something not found just after its creation is not told from something
// gone; that is the caller's to know.
func IsBusy(err error) bool {
	switch Code(err) {
	case "DependencyViolation", "ResourceInUse", "ResourceInUseException", "OperationInProgress", "Unavailable",
		"InvalidGroup.InUse", "PriorRequestNotComplete", "ConcurrentTagAccess", "ConcurrentAccess", "ConcurrentModification":
		return true
	}
	return IsThrottle(err) || status(err) >= 500 || isUnreachable(err)
}

// isUnreachable tells whether the request or its answer was lost on the way,
// by no will of ours.
func isUnreachable(err error) bool {
	_, lost := errors.AsType[*smithyhttp.RequestSendError](err)
	return lost && !isCanceled(err) && !isCredentials(err)
}

// isCanceled tells whether a request was given up because its context ended.
// A deadline alone does not tell: the HTTP client's own is one, too.
func isCanceled(err error) bool {
	if _, ok := errors.AsType[*smithy.CanceledError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*aws.RequestCanceledError](err); ok {
		return true
	}
	_, lost := errors.AsType[*smithyhttp.RequestSendError](err)
	return !lost && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded))
}

// status is the HTTP status of the answer that err is about, or 0.
func status(err error) int {
	if response, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		return response.HTTPStatusCode()
	}
	return 0
}

// Mark marks an error that passes by itself, for the applier.
func Mark(err error) error {
	if IsBusy(err) {
		return applier.Busy{Err: err}
	}
	return err
}

// Unsuccessful is what an answer of EC2 that is no error says about items it
// refused; nil where there are none. Code tells the first item's code. Items
// that do not exist come last, so that IsNotFound means that nothing else is
// wrong.
func Unsuccessful(items []types.UnsuccessfulItem) error {
	var refused refusals
	for _, item := range items {
		if e := item.Error; e != nil && aws.ToString(e.Code) != "" {
			refused = append(refused, refusal{
				id:  aws.ToString(item.ResourceId),
				err: &smithy.GenericAPIError{Code: aws.ToString(e.Code), Message: aws.ToString(e.Message)},
			})
		}
	}
	if len(refused) == 0 {
		return nil
	}
	slices.SortStableFunc(refused, func(a, b refusal) int {
		return cmp.Compare(last(a), last(b))
	})
	return refused
}

// last is 1 for a refusal that is to come after others.
func last(r refusal) int {
	if IsNotFound(r.err) {
		return 1
	}
	return 0
}

// A refusal is an item that EC2 did not act on.
type refusal struct {
	id  string
	err *smithy.GenericAPIError
}

// refusals are the items of one answer; never empty.
type refusals []refusal

func (rs refusals) Error() string {
	texts := make([]string, len(rs))
	for i, r := range rs {
		texts[i] = r.id + ": " + sentence(r.err)
	}
	return strings.Join(texts, "; ")
}

// Unwrap gives the first, which Code and the predicates judge by.
func (rs refusals) Unwrap() error { return rs[0].err }
