package awsapi

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/linkfleet/linkfleet/planner"
)

// sessionLife is how long a role session lasts. It is the longest that STS
// allows to a role that is assumed by another role, and what every role
// allows that was not set up otherwise.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_manage-assume.html
const sessionLife = time.Hour

// A session is renewed this long before it ends, so that no request leaves
// with credentials that end on the way.
const renewBefore = 5 * time.Minute

// A session younger than this that AWS calls expired is not mended by another
// one: something else is wrong, such as the clock of one side.
const renewAfter = time.Minute

// A session is a role assumed in one account, for one of its regions. It would
// be good everywhere; but each region has an STS endpoint of its own, and one
// that is down, or not activated, is to cost no other region.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_enable-regions.html
type session struct {
	role  string
	name  string
	extID string
	speed float64
	sts   *sts.Client
	cache *aws.CredentialsCache // one request at a time, renewed before the end

	issued atomic.Pointer[time.Time] // when the session at hand was asked for
}

// sessionOf finds or makes the session of p's account and region; nil where no
// role is to be assumed.
func (a *API) sessionOf(p planner.Place, account Account) *session {
	if account.RoleARN == "" {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	p.Region = region(p)
	if known, ok := a.sessions[p]; ok {
		return known
	}
	cfg := a.config.Copy()
	cfg.Region = p.Region
	cfg.APIOptions = append(cfg.APIOptions, a.pipeline(caller{account: p.Account, region: cfg.Region}).attach)
	s := &session{
		role:  account.RoleARN,
		name:  a.session,
		extID: account.ExternalID,
		speed: a.speed,
		sts:   sts.NewFromConfig(cfg),
	}
	s.cache = aws.NewCredentialsCache(s, func(o *aws.CredentialsCacheOptions) {
		o.ExpiryWindow = scaled(renewBefore, a.speed)
	})
	a.sessions[p] = s
	return s
}

// assume makes sure that there is a session.
func (s *session) assume(ctx context.Context) error {
	_, err := s.cache.Retrieve(ctx)
	if err == nil {
		return nil
	}
	if failed, ok := errors.AsType[*assumeError](err); ok {
		return failed // without what the cache wraps around it
	}
	return &assumeError{role: s.role, err: err} // ctx ended
}

// Retrieve assumes the role. The cache calls it.
//
// The end of the session is reckoned from our clock and the duration asked
// for, not taken from the answer: so neither a wrong clock on our side nor a
// fast one on AWS's makes a good session look expired or an expired one good.
func (s *session) Retrieve(ctx context.Context) (aws.Credentials, error) {
	asked := time.Now()
	in := &sts.AssumeRoleInput{
		RoleArn:         &s.role,
		RoleSessionName: &s.name,
		DurationSeconds: aws.Int32(int32(sessionLife / time.Second)),
	}
	if s.extID != "" {
		in.ExternalId = &s.extID
	}
	out, err := s.sts.AssumeRole(ctx, in)
	if err == nil && (out.Credentials == nil || aws.ToString(out.Credentials.AccessKeyId) == "") {
		err = errors.New("the answer of STS AssumeRole is not what AWS sends: it holds no credentials")
	}
	if err != nil {
		return aws.Credentials{}, &assumeError{role: s.role, err: err}
	}
	s.issued.Store(&asked)
	return aws.Credentials{
		AccessKeyID:     aws.ToString(out.Credentials.AccessKeyId),
		SecretAccessKey: aws.ToString(out.Credentials.SecretAccessKey),
		SessionToken:    aws.ToString(out.Credentials.SessionToken),
		Source:          "linkfleet",
		CanExpire:       true,
		Expires:         asked.Add(scaled(sessionLife, s.speed)),
	}, nil
}

// renew is told that AWS calls the session expired that was at hand when used
// was read, and reports whether there is, or will be, a newer one to try.
func (s *session) renew(used *time.Time) bool {
	now := s.issued.Load()
	if now != used {
		return true // somebody else noticed first
	}
	if now == nil || time.Since(*now) < scaled(renewAfter, s.speed) {
		return false
	}
	s.cache.Invalidate()
	return true
}

// An assumeError is a role that could not be assumed.
type assumeError struct {
	role string
	err  error
}

func (e *assumeError) Error() string { return fmt.Sprintf("assuming role %s: %v", e.role, e.err) }

func (e *assumeError) Unwrap() error { return e.err }

// RetryableError tells the SDK not to send again the request that wanted the
// session: the STS client has done its own retries.
func (e *assumeError) RetryableError() bool { return false }

// baseCredentials are what roles are assumed with.
type baseCredentials struct{ aws.CredentialsProvider }

// Retrieve gives the credentials, or a credentialsError.
func (b baseCredentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := b.CredentialsProvider.Retrieve(ctx)
	if _, quotes := errors.AsType[*processcreds.ProviderError](err); quotes {
		err = errProcess
	}
	if err != nil && ctx.Err() == nil {
		err = &credentialsError{err}
	}
	return c, err
}

// errProcess stands for every error of a credential_process. The SDK's own
// repeats what the program printed, which may be credentials.
var errProcess = errors.New("the credential_process of the AWS profile fails, or prints no credentials; run its command by hand to see why")

// A credentialsError is base credentials that could not be had.
type credentialsError struct{ err error }

func (e *credentialsError) Error() string { return "finding credentials: " + e.err.Error() }

func (e *credentialsError) Unwrap() error { return e.err }

// RetryableError tells the SDK not to repeat the search, which is slow where
// no machine role answers.
func (e *credentialsError) RetryableError() bool { return false }

// roleOwner is the account id in a role's ARN.
func roleOwner(role string) (string, error) {
	parsed, err := arn.Parse(role)
	if err != nil || parsed.Service != "iam" || parsed.AccountID == "" || !strings.HasPrefix(parsed.Resource, "role/") {
		return "", fmt.Errorf("%q is not the ARN of a role, like arn:aws:iam::111111111111:role/linkfleet", role)
	}
	return parsed.AccountID, nil
}

// sessionName mends name into what STS takes: 2 to 64 characters of
// [\w+=,.@-].
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func sessionName(name string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("_+=,.@-", r):
			return r
		}
		return '-'
	}, name)
	if len(clean) < 2 {
		return strings.Trim("linkfleet-"+clean, "-")
	}
	return clean[:min(len(clean), 64)]
}

// scaled is d of AWS's clock on ours.
func scaled(d time.Duration, speed float64) time.Duration {
	return time.Duration(float64(d) / speed)
}

// at marks the session at hand, for renew.
func (s *session) at() *time.Time {
	if s == nil {
		return nil
	}
	return s.issued.Load()
}
