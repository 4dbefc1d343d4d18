package awsapi

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linkfleet/linkfleet/planner"
)

// A request is what a fake AWS sees of one.
type request struct {
	at                                 time.Time
	host, service, region, key, action string
	form                               url.Values
}

// A reply is what AWS says; lost, if set, is what the connection says instead.
type reply struct {
	status int
	body   io.Reader
	lost   error
	after  time.Duration // how long it takes
}

// A fakeAWS answers requests by a function and remembers them. What the
// function leaves unanswered (a reply without body) gets a fitting empty answer, and
// AssumeRole gets credentials that carry a number.
type fakeAWS struct {
	answer func(request) reply

	mu   sync.Mutex
	seen []request
}

// scope takes a signature's parts: key, region, service.
var scope = regexp.MustCompile(`Credential=([^/]+)/\d+/([^/]+)/([^/]+)/`)

func (f *fakeAWS) RoundTrip(r *http.Request) (*http.Response, error) {
	body := []byte{}
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	seen := request{at: time.Now(), host: r.URL.Host}
	if m := scope.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		seen.key, seen.region, seen.service = m[1], m[2], m[3]
	}
	seen.form, _ = url.ParseQuery(string(body))
	seen.action = seen.form.Get("Action")
	if seen.service == "route53" {
		seen.action = r.Method
	}
	f.mu.Lock()
	f.seen = append(f.seen, seen)
	n := 0
	for _, s := range f.seen {
		if s.action == "AssumeRole" {
			n++
		}
	}
	f.mu.Unlock()

	var said reply
	if f.answer != nil {
		said = f.answer(seen)
	}
	select {
	case <-time.After(said.after):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	switch {
	case said.lost != nil:
		return nil, said.lost
	case said.body != nil:
	case seen.action == "AssumeRole":
		said = ok(fmt.Sprintf(`<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA%d</AccessKeyId><SecretAccessKey>hush</SecretAccessKey><SessionToken>hush</SessionToken><Expiration>2001-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`, n))
	case seen.service == "route53":
		said = ok(`<ChangeResourceRecordSetsResponse><ChangeInfo><Id>/change/C1</Id><Status>PENDING</Status><SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt></ChangeInfo></ChangeResourceRecordSetsResponse>`)
	case seen.service == "tagging":
		said = ok(`{}`)
	default:
		said = ok(fmt.Sprintf(`<%[1]sResponse><%[1]sResult/></%[1]sResponse>`, seen.action))
	}
	return &http.Response{StatusCode: said.status, Header: http.Header{}, Body: io.NopCloser(said.body), Request: r}, nil
}

// sent are the requests so far of an action.
func (f *fakeAWS) sent(action string) []request {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []request
	for _, s := range f.seen {
		if s.action == action {
			found = append(found, s)
		}
	}
	return found
}

func ok(body string) reply { return reply{status: 200, body: strings.NewReader(body)} }

// ec2Error is an error the way EC2 words it.
func ec2Error(status int, code, message string) reply {
	return reply{status: status, body: strings.NewReader(`<Response><Errors><Error><Code>` + code + `</Code><Message>` + message + `</Message></Error></Errors><RequestID>11111111-2222-3333-4444-555555555555</RequestID></Response>`)}
}

// queryError is an error the way ELBv2, SNS, STS and Route 53 word it.
func queryError(status int, code, message string) reply {
	return reply{status: status, body: strings.NewReader(`<ErrorResponse><Error><Type>Sender</Type><Code>` + code + `</Code><Message>` + message + `</Message></Error><RequestId>11111111-2222-3333-4444-555555555555</RequestId></ErrorResponse>`)}
}

// options are those of most tests: two accounts with a role, one without.
func options(f *fakeAWS) Options {
	return Options{
		Accounts: map[string]Account{
			"platform": {ID: "111111111111", RoleARN: "arn:aws:iam::111111111111:role/deploy/linkfleet", ExternalID: "x-1"},
			"risk":     {ID: "222222222222", RoleARN: "arn:aws:iam::222222222222:role/linkfleet"},
			"base":     {ID: "333333333333"},
		},
		SessionName: "linkfleet 0a1b2c3",
		Credentials: &Credentials{AccessKeyID: "AKIABASE", SecretAccessKey: "hush"},
		Transport:   f,
	}
}

// isolate keeps the machine's own AWS configuration out of a test.
func isolate(t testing.TB) {
	t.Helper()
	none := t.TempDir() + "/none"
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	for _, name := range []string{"AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_MAX_ATTEMPTS", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CA_BUNDLE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

func newAPI(t *testing.T, o Options) *API {
	t.Helper()
	a, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func placeOf(t *testing.T, a *API, account, region string) *Place {
	t.Helper()
	p, err := a.Place(t.Context(), planner.Place{Account: account, Region: region})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
