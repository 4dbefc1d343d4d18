package awsapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"syscall"

	"github.com/aws/smithy-go"
)

// Explain says in one sentence for people what is wrong: no request ids, no
// layers of the SDK, no secrets. What callers wrapped around the error stays
// in front.
func Explain(err error) string {
	if err == nil {
		return ""
	}
	if several := joined(err); len(several) > 0 {
		texts := make([]string, len(several))
		for i, one := range several {
			texts[i] = Explain(one)
		}
		return strings.Join(texts, "; ")
	}
	where, core := split(err)
	return where + explain(core)
}

// joined are the errors that err joins, if it does.
func joined(err error) []error {
	switch err := err.(type) {
	case interface{ Unwrap() []error }:
		return err.Unwrap()
	case interface{ WrappedErrors() []error }: // hashicorp's multierror
		return err.WrappedErrors()
	}
	return nil
}

// split gives the part of err that stems from AWS, the SDK or this package,
// and what callers wrote before it.
func split(err error) (where string, core error) {
	for core = err; core != nil; core = errors.Unwrap(core) {
		switch core.(type) {
		case *smithy.OperationError, *assumeError, *credentialsError, refusals:
			if where, ok := strings.CutSuffix(err.Error(), core.Error()); ok {
				return where, core
			}
			return "", core
		}
	}
	return "", err
}

// explain says what is wrong, the most telling cause first.
func explain(err error) string {
	switch {
	case errors.Is(err, ErrReadOnly):
		return fmt.Sprintf("%s was not sent: %v", operation(err), ErrReadOnly)
	case IsExpired(err):
		return "the credentials have expired; renew them and run again"
	case isCredentials(err): // whose source may have run out of its own time
		return explainCredentials(err)
	case isCanceled(err):
		return explainCanceled(err)
	case isUnreachable(err):
		return explainUnreachable(err)
	case IsThrottle(err):
		return fmt.Sprintf("AWS throttles %s, and still did after all retries; run again later", operation(err))
	}
	if assume, ok := errors.AsType[*assumeError](err); ok {
		return fmt.Sprintf("role %s cannot be assumed: %s", assume.role, explainAnswer(assume.err))
	}
	return explainAnswer(err)
}

// explainCanceled tells an interruption from a deadline.
func explainCanceled(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return operation(err) + " was given up: the time for it ran out"
	}
	return operation(err) + " was interrupted"
}

func isCredentials(err error) bool {
	_, ok := errors.AsType[*credentialsError](err)
	return ok
}

// explainCredentials tells credentials that are nowhere from a source of
// credentials that fails. The machine's role is the last place the SDK looks.
func explainCredentials(err error) string {
	found, _ := errors.AsType[*credentialsError](err)
	if strings.Contains(found.err.Error(), "ec2imds") {
		return "there are no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a machine role is attached"
	}
	return "the AWS credentials cannot be had: " + oneLine(found.err.Error())
}

// explainUnreachable says which address did not answer, and how.
func explainUnreachable(err error) string {
	at := ""
	if u, ok := errors.AsType[*url.Error](err); ok {
		if target, parseErr := url.Parse(u.URL); parseErr == nil {
			at = " at " + target.Scheme + "://" + target.Host
		}
	}
	return "AWS cannot be reached" + at + ": " + lost(err)
}

// lost says how a request was lost.
func lost(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return "there is no host of that name"
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return "no answer in time"
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return oneLine(u.Err.Error())
	}
	return oneLine(rootCause(err).Error())
}

// rootCause is the innermost error.
func rootCause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// explainAnswer says what is wrong with or in AWS's answer.
func explainAnswer(err error) string {
	api, isAPI := errors.AsType[smithy.APIError](err)
	switch {
	case isAPI && isBadCredentials(err):
		return fmt.Sprintf("AWS does not accept the credentials for %s: %s", operation(err), sentence(api))
	case isAPI && IsDenied(err):
		return fmt.Sprintf("%s is denied: %s", operation(err), sentence(api))
	case status(err) >= 500:
		return fmt.Sprintf("%s failed on AWS's side with status %d; run again later", operation(err), status(err))
	}
	if garbage, ok := errors.AsType[*smithy.DeserializationError](err); ok {
		return fmt.Sprintf("the answer of %s is not what AWS sends: %s", operation(err), strings.TrimPrefix(oneLine(garbage.Err.Error()), "failed to decode response body, "))
	}
	if refused, ok := errors.AsType[refusals](err); ok {
		return refused.Error()
	}
	if isAPI {
		return fmt.Sprintf("%s is refused: %s", operation(err), sentence(api))
	}
	return oneLine(err.Error())
}

// operation is the service and the operation that err is about: the one that
// was really sent, where one waited for another.
func operation(err error) string {
	name := "a request"
	if _, ok := errors.AsType[*assumeError](err); ok {
		name = "STS AssumeRole"
	}
	for {
		op, ok := errors.AsType[*smithy.OperationError](err)
		if !ok {
			return name
		}
		name = op.ServiceID + " " + op.OperationName
		err = op.Err
	}
}

// sentence is what AWS says, with its code.
func sentence(api smithy.APIError) string {
	text := strings.TrimRight(oneLine(api.ErrorMessage()), ". ")
	if text == "" {
		return api.ErrorCode()
	}
	return fmt.Sprintf("%s (%s)", text, api.ErrorCode())
}

// soup is what AWS adds that nobody can read: what follows is only for
// sts:DecodeAuthorizationMessage, or for AWS's support.
var soup = regexp.MustCompile(`(?i)[\s,;(]*(encoded authorization failure message:|request ?id:)\s*\S+`)

// oneLine is text without line breaks and soup.
func oneLine(text string) string {
	return strings.Join(strings.Fields(soup.ReplaceAllString(text, "")), " ")
}
