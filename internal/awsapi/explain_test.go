package awsapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-multierror"

	"github.com/linkfleet/linkfleet/planner"
)

// What people read, for errors as the SDK really makes them.
func TestExplain(t *testing.T) {
	isolate(t)
	always := func(r reply) func(request) reply { return func(request) reply { return r } }
	sts := func(r reply) func(request) reply {
		return func(q request) reply {
			if q.service == "sts" {
				return r
			}
			return reply{}
		}
	}
	for _, test := range []struct {
		name    string
		account string // "base" calls EC2, "risk" assumes a role first
		answer  func() func(request) reply
		want    string
	}{
		{"connection refused", "base", func() func(request) reply {
			return always(reply{lost: &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}})
		}, "AWS cannot be reached at https://ec2.us-east-1.amazonaws.com: connection refused"},
		{"connection refused to STS", "risk", func() func(request) reply {
			return always(reply{lost: &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}})
		}, "AWS cannot be reached at https://sts.us-east-1.amazonaws.com: connection refused"},
		{"no host", "base", func() func(request) reply {
			return always(reply{lost: &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "ec2", IsNotFound: true}}})
		}, "AWS cannot be reached at https://ec2.us-east-1.amazonaws.com: there is no host of that name"},
		{"timeout", "base", func() func(request) reply {
			return always(reply{lost: &net.OpError{Op: "read", Err: timeoutError{}}})
		}, "AWS cannot be reached at https://ec2.us-east-1.amazonaws.com: no answer in time"},
		{"certificate", "base", func() func(request) reply {
			return always(reply{lost: errors.New("tls: failed to verify certificate: x509: certificate signed by unknown authority")})
		}, "AWS cannot be reached at https://ec2.us-east-1.amazonaws.com: tls: failed to verify certificate: x509: certificate signed by unknown authority"},
		{"broken off", "base", func() func(request) reply {
			return func(request) reply { return reply{status: 200, body: brokenBody()} }
		}, "AWS cannot be reached: unexpected EOF"},
		{"expired", "base", func() func(request) reply {
			return always(ec2Error(400, "RequestExpired", "Request has expired."))
		}, "the credentials have expired; renew them and run again"},
		{"expired before the role", "risk", func() func(request) reply {
			return always(queryError(403, "ExpiredToken", "The security token included in the request is expired"))
		}, "the credentials have expired; renew them and run again"},
		{"role denied", "risk", func() func(request) reply {
			return sts(queryError(403, "AccessDenied", "User: arn:aws:iam::333333333333:user/ci is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::222222222222:role/linkfleet"))
		}, "role arn:aws:iam::222222222222:role/linkfleet cannot be assumed: STS AssumeRole is denied: User: arn:aws:iam::333333333333:user/ci is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::222222222222:role/linkfleet (AccessDenied)"},
		{"role without key", "risk", func() func(request) reply {
			return sts(ok("<AssumeRoleResponse/>"))
		}, "role arn:aws:iam::222222222222:role/linkfleet cannot be assumed: the answer of STS AssumeRole is not what AWS sends: AssumeRoleResult node not found"},
		{"role with an empty key", "risk", func() func(request) reply {
			return sts(ok("<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>"))
		}, "role arn:aws:iam::222222222222:role/linkfleet cannot be assumed: the answer of STS AssumeRole is not what AWS sends: it holds no credentials"},
		{"unknown key", "risk", func() func(request) reply {
			return sts(queryError(403, "InvalidClientTokenId", "The security token included in the request is invalid."))
		}, "role arn:aws:iam::222222222222:role/linkfleet cannot be assumed: AWS does not accept the credentials for STS AssumeRole: The security token included in the request is invalid (InvalidClientTokenId)"},
		{"denied", "base", func() func(request) reply {
			return always(ec2Error(403, "UnauthorizedOperation", "You are not authorized to perform this operation. Encoded authorization failure message: 4EgJxK_aB"))
		}, "EC2 DescribeVpcs is denied: You are not authorized to perform this operation (UnauthorizedOperation)"},
		{"bad key", "base", func() func(request) reply {
			return always(ec2Error(401, "AuthFailure", "AWS was not able to validate the provided access credentials"))
		}, "AWS does not accept the credentials for EC2 DescribeVpcs: AWS was not able to validate the provided access credentials (AuthFailure)"},
		{"throttled", "base", func() func(request) reply {
			return func(request) reply { return ec2Error(503, "RequestLimitExceeded", "Request limit exceeded.") }
		}, "AWS throttles EC2 DescribeVpcs, and still did after all retries; run again later"},
		{"AWS is broken", "base", func() func(request) reply {
			return func(request) reply { return ec2Error(500, "InternalError", "An internal error has occurred") }
		}, "EC2 DescribeVpcs failed on AWS's side with status 500; run again later"},
		{"a proxy is broken", "base", func() func(request) reply {
			return func(request) reply { return reply{status: 502, body: strings.NewReader("<html>Bad Gateway")} }
		}, "EC2 DescribeVpcs failed on AWS's side with status 502; run again later"},
		{"empty answer", "base", func() func(request) reply { return always(ok("")) },
			"the answer of EC2 DescribeVpcs is not what AWS sends: it is empty"},
		{"portal", "base", func() func(request) reply { return always(ok("<html>Please log in</html>")) },
			"the answer of EC2 DescribeVpcs is not what AWS sends: it is a document <html>"},
		{"text", "base", func() func(request) reply {
			return always(ok("Sorry, there is nothing to be seen at this address."))
		}, `the answer of EC2 DescribeVpcs is not what AWS sends: it begins with "Sorry, there is nothing to be seen at th…"`},
		{"wrong type", "base", func() func(request) reply {
			return always(ok("<DescribeVpcsResponse><vpcSet><item><isDefault>perhaps</isDefault></item></vpcSet></DescribeVpcsResponse>"))
		}, `the answer of EC2 DescribeVpcs is not what AWS sends: expected Boolean to be of type *bool, got []uint8 instead`},
		{"refused", "base", func() func(request) reply {
			return always(ec2Error(400, "InvalidVpcID.NotFound", "The vpc ID 'vpc-1'\n does not exist. (Request ID: 1111-2222)"))
		}, "EC2 DescribeVpcs is refused: The vpc ID 'vpc-1' does not exist (InvalidVpcID.NotFound)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAPI(t, options(&fakeAWS{answer: test.answer()}))
				p, err := a.Place(t.Context(), planner.Place{Account: test.account, Region: "us-east-1"})
				if err == nil {
					err = describeVpcs(t.Context(), p)
				}
				if got := Explain(err); got != test.want {
					t.Errorf("Explain:\n got %s\nwant %s\nfrom %v", got, test.want, err)
				}
			})
		})
	}
}

// timeoutError is a timeout as the net package has it.
type timeoutError struct{}

func (timeoutError) Error() string   { return "i/o timeout" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }

// What callers said around an error stays; errors that came together are all
// told.
func TestExplainContext(t *testing.T) {
	isolate(t)
	f := &fakeAWS{answer: func(request) reply { return ec2Error(400, "InvalidParameter", "Bad.") }}
	p := placeOf(t, newAPI(t, options(f)), "base", "us-east-1")
	err := fmt.Errorf("security-group/fraud: listing: %w", describeVpcs(t.Context(), p))
	const want = "security-group/fraud: listing: EC2 DescribeVpcs is refused: Bad (InvalidParameter)"
	other := errors.New("something\nelse")
	for got, want := range map[string]string{
		Explain(nil):                           "",
		Explain(err):                           want,
		Explain(other):                         "something else",
		Explain(errors.Join(err, other)):       want + "; something else",
		Explain(multierror.Append(err, other)): want + "; something else",
	} {
		if got != want {
			t.Errorf("Explain:\n got %s\nwant %s", got, want)
		}
	}
}

func TestExplainOurOwn(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		o := options(&fakeAWS{answer: func(request) reply { return reply{after: time.Minute} }})
		o.ReadOnly = true
		p := placeOf(t, newAPI(t, o), "base", "us-east-1")
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		late, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for _, test := range []struct {
			err  error
			want string
		}{
			{describeVpcs(canceled, p), "EC2 DescribeVpcs was interrupted"},
			{describeVpcs(late, p), "EC2 DescribeVpcs was given up: the time for it ran out"},
			{changeRecords(t.Context(), p), "Route 53 ChangeResourceRecordSets was not sent: this run only reads"},
		} {
			if got := Explain(test.err); got != test.want {
				t.Errorf("Explain:\n got %s\nwant %s\nfrom %v", got, test.want, test.err)
			}
			if IsBusy(test.err) {
				t.Errorf("%v passes by itself", test.err)
			}
		}
	})
}

// Without credentials anywhere, people are told where to put some, and soon:
// the machine's role is not looked for again and again.
func TestExplainNoCredentials(t *testing.T) {
	isolate(t)
	var asked atomic.Int32
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.NotFound(w, r)
	}))
	defer metadata.Close()
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.URL)
	for _, disabled := range []string{"true", "false"} {
		t.Setenv("AWS_EC2_METADATA_DISABLED", disabled)
		f := &fakeAWS{}
		o := options(f)
		o.Credentials = nil
		a := newAPI(t, o)
		_, assumed := a.Place(t.Context(), planner.Place{Account: "risk", Region: "us-east-1"})
		for _, err := range []error{assumed, describeVpcs(t.Context(), placeOf(t, a, "base", "us-east-1"))} {
			const want = "there are no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a machine role is attached"
			if got := Explain(err); got != want || IsBusy(err) {
				t.Errorf("Explain:\n got %s\nwant %s\nfrom %v", got, want, err)
			}
		}
		if len(f.seen) != 0 {
			t.Errorf("sent without credentials: %v", f.seen)
		}
	}
	// Per search: a token, and the role's name with it or without.
	if n := asked.Load(); n == 0 || n > 2*3 {
		t.Errorf("the machine's metadata was asked %d times for two searches", n)
	}
}

// What a program that should give credentials says instead may hold some, and
// the SDK's error repeats all of it.
func TestCredentialProcessIsNotQuoted(t *testing.T) {
	isolate(t)
	const secret = "wJalrXUtnFEMIplanted"
	profile := filepath.Join(t.TempDir(), "config")
	t.Setenv("AWS_CONFIG_FILE", profile)
	for name, says := range map[string]string{
		"no JSON":        `"login: {\"SecretAccessKey\": \"` + secret + `\"}"`,
		"wrong type":     `"{\"Version\": \"1\", \"SecretAccessKey\": \"` + secret + `\"}"`,
		"a wrong status": `"` + secret + `" && exit 3`,
	} {
		t.Run(name, func(t *testing.T) {
			text := "[default]\ncredential_process = echo " + says + "\n"
			if err := os.WriteFile(profile, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			o := options(&fakeAWS{})
			o.Credentials = nil
			a := newAPI(t, o)
			_, err := a.Place(t.Context(), planner.Place{Account: "risk", Region: "us-east-1"})
			const want = "the AWS credentials cannot be had: the credential_process of the AWS profile fails, or prints no credentials; run its command by hand to see why"
			if got := Explain(err); got != want {
				t.Errorf("Explain:\n got %s\nwant %s", got, want)
			}
			for layer := err; layer != nil; layer = errors.Unwrap(layer) {
				if strings.Contains(layer.Error(), secret) {
					t.Errorf("the error tells the secret: %v", layer)
				}
			}
			stopped, stop := context.WithCancel(t.Context())
			stop()
			if _, err := a.config.Credentials.Retrieve(stopped); err == nil || strings.Contains(err.Error(), secret) {
				t.Errorf("an interrupted search tells %v", err)
			}
		})
	}
}

func TestExplainInterruptedAssumeRole(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(t, options(&fakeAWS{answer: func(request) reply { return reply{after: time.Minute} }}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := a.Place(ctx, planner.Place{Account: "risk", Region: "us-east-1"})
		if got, want := Explain(err), "STS AssumeRole was given up: the time for it ran out"; got != want || IsBusy(err) {
			t.Errorf("Explain:\n got %s\nwant %s\nfrom %v", got, want, err)
		}
		time.Sleep(time.Hour) // the request goes on for whoever asks next
	})
}
