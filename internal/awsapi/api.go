// Package awsapi is how linkfleet reaches AWS: it turns the fleet's accounts
// and their roles into clients, keeps to AWS's request rates, sorts AWS's
// errors into the few classes the rest of the program acts on, and counts
// every request.
//
// It knows nothing of what linkfleet keeps in AWS; that is the kinds'.
//
// A request that AWS carried out but whose answer was lost is sent again.
// Creates must bear that: EC2's are given a ClientToken where they take one,
// and ELBv2, SNS and Route 53 answer a second create with the first one's
// result or with a Duplicate error. CreateSecurityGroup takes no token: its
// second answer is InvalidGroup.Duplicate, which the caller has to resolve by
// looking whose group that is.
package awsapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/logging"

	"github.com/linkfleet/linkfleet/planner"
)

// Options say how to reach AWS. The zero Options reach it the way the AWS CLI
// would in the same environment, and know no account.
type Options struct {
	// Accounts are the accounts that can be reached, by the fleet's name.
	Accounts map[string]Account
	// SessionName names the role sessions; it carries the commit, so that
	// CloudTrail tells which commit did what. What STS would refuse in it
	// is mended.
	SessionName string
	// Endpoint overrides every service's endpoint. Empty means the SDK's
	// own rules, which heed AWS_ENDPOINT_URL and profiles.
	Endpoint string
	// Credentials are what roles are assumed with. Nil means the SDK's
	// chain: environment, profile, SSO, the machine's role.
	Credentials *Credentials
	// Transport carries the requests to AWS's services. Nil means HTTP, by
	// which the SDK's chain looks for credentials in any case. With
	// Credentials as well, nothing of the environment counts.
	Transport http.RoundTripper
	// Speed is how much faster than the wall AWS's clock runs, which it
	// does in a simulator; 0 means 1.
	Speed float64
	// ReadOnly refuses every call that could change something with
	// ErrReadOnly, before it is sent.
	ReadOnly bool
}

// An Account is how to act in one AWS account.
type Account struct {
	// ID is the 12-digit account id; it may be left out where RoleARN tells.
	ID string
	// RoleARN is the role to assume. Empty means to act there with the
	// credentials that roles are assumed with.
	RoleARN string
	// ExternalID is what the role's trust policy may ask for.
	ExternalID string
}

// Credentials are an access key, and the token that belongs to it where the
// key is a temporary one.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
}

// An API is AWS as one run sees it. It is safe for concurrent use.
type API struct {
	config   aws.Config // of the base credentials, in no region
	accounts map[string]Account
	session  string  // role session name
	speed    float64 // never 0
	readOnly bool
	limits   *limits
	counts   *counts

	mu       sync.Mutex
	sessions map[planner.Place]*session
	places   map[planner.Place]*Place
}

// homeRegion is where AWS keeps what is outside any region: Route 53's
// endpoint signs for it.
// https://docs.aws.amazon.com/general/latest/gr/r53.html
const homeRegion = "us-east-1"

// New reads the SDK's configuration and checks the options. It sends nothing
// to AWS.
func New(ctx context.Context, o Options) (*API, error) {
	accounts, err := checkAccounts(o.Accounts)
	if err != nil {
		return nil, err
	}
	if o.Speed < 0 {
		return nil, fmt.Errorf("the speed of AWS's clock is %v: it must be above 0", o.Speed)
	}
	a := &API{
		accounts: accounts,
		session:  sessionName(o.SessionName),
		speed:    o.Speed,
		readOnly: o.ReadOnly,
		counts:   newCounts(),
		sessions: map[planner.Place]*session{},
		places:   map[planner.Place]*Place{},
	}
	if a.speed == 0 {
		a.speed = 1
	}
	a.limits = newLimits(a.speed)
	a.config, err = loadConfig(ctx, o, a.speed)
	if err != nil {
		return nil, err
	}
	return a, nil
}

// checkAccounts gives the accounts with their ids filled in.
func checkAccounts(accounts map[string]Account) (map[string]Account, error) {
	checked := make(map[string]Account, len(accounts))
	for _, name := range slices.Sorted(maps.Keys(accounts)) {
		account := accounts[name]
		if account.RoleARN != "" {
			owner, err := roleOwner(account.RoleARN)
			if err != nil {
				return nil, fmt.Errorf("account %q: %w", name, err)
			}
			if account.ID != "" && account.ID != owner {
				return nil, fmt.Errorf("account %q has the id %s, but its role %s is one of account %s", name, account.ID, account.RoleARN, owner)
			}
			account.ID = owner
		}
		checked[name] = account
	}
	return checked, nil
}

// loadConfig is the SDK's configuration with our retries and connections.
func loadConfig(ctx context.Context, o Options, speed float64) (aws.Config, error) {
	if err := checkEndpoint(o.Endpoint); err != nil {
		return aws.Config{}, err
	}
	retryer := newRetryer(speed)
	if o.Credentials != nil && o.Transport != nil {
		return selfContained(o, retryer), nil
	}
	load := []func(*config.LoadOptions) error{
		// Web identity and SSO need some region; places bring their own.
		config.WithDefaultRegion(homeRegion),
		config.WithRetryer(func() aws.Retryer { return retryer }),
		config.WithHTTPClient(httpClient()),
		config.WithAppID("linkfleet"),
		config.WithLogger(logging.Nop{}), // what matters comes as an error
	}
	if o.Endpoint != "" {
		load = append(load, config.WithBaseEndpoint(o.Endpoint))
	}
	if o.Credentials != nil {
		load = append(load, config.WithCredentialsProvider(o.Credentials.provider()))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("the AWS configuration cannot be loaded: %w", plainConfigError(err))
	}
	cfg.Credentials = baseCredentials{cfg.Credentials}
	if o.Transport != nil { // only now: loading fails if AWS_CA_BUNDLE cannot be added to the client
		cfg.HTTPClient = &http.Client{Transport: o.Transport}
	}
	return cfg, nil
}

func checkEndpoint(endpoint string) error {
	if endpoint == "" {
		return nil
	}
	if u, err := url.Parse(endpoint); err != nil || u.Host == "" {
		return fmt.Errorf("the endpoint %q is not an address like http://127.0.0.1:4566", endpoint)
	}
	return nil
}

// selfContained is the configuration of options that say it all: no file or
// variable of whoever runs the program bears on it, nor can be at fault.
func selfContained(o Options, retryer aws.Retryer) aws.Config {
	cfg := aws.Config{
		Region:      homeRegion,
		Credentials: baseCredentials{o.Credentials.provider()},
		HTTPClient:  &http.Client{Transport: o.Transport},
		Retryer:     func() aws.Retryer { return retryer },
		Logger:      logging.Nop{},
		AppID:       "linkfleet",
	}
	if o.Endpoint != "" {
		cfg.BaseEndpoint = aws.String(o.Endpoint)
	}
	return cfg
}

func (c *Credentials) provider() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)
}

// plainConfigError says the commonest mistake without the SDK's preamble.
func plainConfigError(err error) error {
	if missing, ok := errors.AsType[config.SharedConfigProfileNotExistError](err); ok {
		return fmt.Errorf("there is no profile %q; see AWS_PROFILE", missing.Profile)
	}
	return err
}

// Every account talks to the same few hosts, one per service and region. With
// the SDK's 10 idle connections per host, hundreds of accounts side by side
// would spend their time in TLS handshakes.
const idlePerHost = 128

// answerTimeout bounds one request. AWS answers in seconds; without a bound a
// connection that died silently would hang its account for the whole run.
const answerTimeout = time.Minute

// httpClient is the SDK's own, because only to that can it add AWS_CA_BUNDLE.
func httpClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().
		WithTimeout(answerTimeout).
		WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConns = 8 * idlePerHost
			t.MaxIdleConnsPerHost = idlePerHost
		})
}
