package awsapi

import (
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/google/go-cmp/cmp"

	"github.com/linkfleet/linkfleet/planner"
)

func TestNewRefuses(t *testing.T) {
	isolate(t)
	account := func(a Account) Options { return Options{Accounts: map[string]Account{"risk": a}} }
	for _, test := range []struct {
		name    string
		options Options
		profile string
		want    string
	}{
		{"role that is none", account(Account{RoleARN: "linkfleet"}), "",
			`account "risk": "linkfleet" is not the ARN of a role, like arn:aws:iam::111111111111:role/linkfleet`},
		{"user", account(Account{RoleARN: "arn:aws:iam::222222222222:user/eve"}), "",
			`account "risk": "arn:aws:iam::222222222222:user/eve" is not the ARN of a role, like arn:aws:iam::111111111111:role/linkfleet`},
		{"role of another account", account(Account{ID: "111111111111", RoleARN: "arn:aws:iam::222222222222:role/x"}), "",
			`account "risk" has the id 111111111111, but its role arn:aws:iam::222222222222:role/x is one of account 222222222222`},
		{"endpoint", Options{Endpoint: "localhost"}, "",
			`the endpoint "localhost" is not an address like http://127.0.0.1:4566`},
		{"speed", Options{Speed: -1}, "",
			`the speed of AWS's clock is -1: it must be above 0`},
		{"profile", Options{}, "nobody",
			`the AWS configuration cannot be loaded: there is no profile "nobody"; see AWS_PROFILE`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("AWS_PROFILE", test.profile)
			_, err := New(t.Context(), test.options)
			if err == nil || err.Error() != test.want {
				t.Errorf("New: %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestPlace(t *testing.T) {
	isolate(t)
	f := &fakeAWS{}
	a := newAPI(t, options(f))

	p := placeOf(t, a, "platform", "eu-west-1")
	if p.AccountID != "111111111111" || p.Account != "platform" || p.Region != "eu-west-1" {
		t.Errorf("the place is %s of account %s", p.Place, p.AccountID)
	}
	if placeOf(t, a, "platform", "eu-west-1") != p {
		t.Error("the same place has other clients the second time")
	}
	base := placeOf(t, a, "base", planner.Global)
	for _, p := range []*Place{p, base} {
		if _, err := p.EC2.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, r := range f.seen {
		got = append(got, strings.Join([]string{r.service, r.region, r.action, r.key}, " "))
	}
	want := []string{
		"sts eu-west-1 AssumeRole AKIABASE",
		"ec2 eu-west-1 DescribeVpcs ASIA1",
		"ec2 us-east-1 DescribeVpcs AKIABASE",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("requests (-want +got):\n" + diff)
	}

	_, err := a.Place(t.Context(), planner.Place{Account: "nobody", Region: "eu-west-1"})
	if want := `no way is known into account "nobody": the fleet does not declare it, or has no role there`; err == nil || err.Error() != want {
		t.Errorf("Place of an unknown account: %v\nwant %s", err, want)
	}
}

func TestEndpointOverridesAll(t *testing.T) {
	isolate(t)
	f := &fakeAWS{}
	o := options(f)
	o.Endpoint = "http://127.0.0.1:4566"
	p := placeOf(t, newAPI(t, o), "platform", "us-east-1")
	if _, err := p.EC2.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{}); err != nil {
		t.Fatal(err)
	}
	for _, r := range f.seen {
		if r.host != "127.0.0.1:4566" {
			t.Errorf("%s went to %s", r.action, r.host)
		}
	}
}

// Requests side by side keep their connections for the next ones.
func TestConnectionsAreReused(t *testing.T) {
	isolate(t)
	const side = 40 // no more twice than EC2's bucket holds, and more than the SDK keeps
	var connections atomic.Int32
	arrived, release := make(chan bool), make(chan bool)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived <- true
		<-release // once all are there
		io.WriteString(w, "<DescribeVpcsResponse/>")
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	o := options(nil)
	o.Transport = nil
	o.Endpoint = server.URL
	p := placeOf(t, newAPI(t, o), "base", "us-east-1")
	for range 2 {
		var wg sync.WaitGroup
		for range side {
			wg.Go(func() {
				if err := describeVpcs(t.Context(), p); err != nil {
					t.Error(err)
				}
			})
		}
		for range side {
			<-arrived
		}
		for range side {
			release <- true
		}
		wg.Wait()
	}
	// A connection may still be on its way back when it is wanted.
	if n := connections.Load(); n > side+side/4 {
		t.Errorf("%d connections for %d requests at a time", n, side)
	}
}

// A bundle of certificates in the environment is for HTTP, and no hindrance
// to another transport.
func TestTransportWithCABundle(t *testing.T) {
	isolate(t)
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(bundle, text, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", bundle)
	placeOf(t, newAPI(t, options(&fakeAWS{})), "risk", "us-east-1")
}

// BenchmarkPlaces says what hundreds of accounts in one process weigh.
func BenchmarkPlaces(b *testing.B) {
	isolate(b)
	f := &fakeAWS{}
	a, err := New(b.Context(), options(f))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		p := planner.Place{Account: "platform", Region: "r" + time.Duration(i).String()}
		if _, err := a.Place(b.Context(), p); err != nil {
			b.Fatal(err)
		}
	}
}

// Options that say it all work whatever is wrong with the settings of whoever
// runs the program.
func TestSelfContained(t *testing.T) {
	t.Setenv("AWS_PROFILE", "nope")
	t.Setenv("AWS_CA_BUNDLE", "/nowhere")
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	complete := Options{Credentials: &Credentials{AccessKeyID: "A", SecretAccessKey: "S"}, Transport: http.DefaultTransport}
	if _, err := New(t.Context(), complete); err != nil {
		t.Errorf("with credentials and a transport: %v", err)
	}
	complete.Transport = nil
	if _, err := New(t.Context(), complete); err == nil {
		t.Error("without a transport the environment counts, but there is no error")
	}
}
