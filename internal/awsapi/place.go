package awsapi

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/linkfleet/linkfleet/planner"
)

// A Place is the clients of one region of one account.
type Place struct {
	planner.Place
	// AccountID is the 12-digit id; empty where the fleet tells neither an
	// id nor a role.
	AccountID string

	Dynamo  *dynamodb.Client
	EC2     *ec2.Client
	ELB     *elasticloadbalancingv2.Client
	Route53 *route53.Client
	SNS     *sns.Client
	SQS     *sqs.Client
	Tagging *resourcegroupstaggingapi.Client
	Quotas  *servicequotas.Client
}

// Place gives the clients of p, the same ones each time. The account's role
// is assumed when the place is first asked for, and again shortly before the
// session ends; beyond that nothing is verified. The clients of
// [planner.Global] are those of us-east-1.
func (a *API) Place(ctx context.Context, p planner.Place) (*Place, error) {
	account, ok := a.accounts[p.Account]
	if !ok {
		return nil, fmt.Errorf("no way is known into account %q: the fleet does not declare it, or has no role there", p.Account)
	}
	s := a.sessionOf(p, account)
	if s != nil {
		if err := s.assume(ctx); err != nil {
			return nil, err
		}
	}
	return a.place(p, account, s), nil
}

// place finds or makes p's clients, which act in session s.
func (a *API) place(p planner.Place, account Account, s *session) *Place {
	a.mu.Lock()
	defer a.mu.Unlock()
	if known, ok := a.places[p]; ok {
		return known
	}
	cfg := a.configOf(p, account, s)
	made := &Place{
		Place:     p,
		AccountID: account.ID,
		Dynamo:    dynamodb.NewFromConfig(cfg),
		EC2:       ec2.NewFromConfig(cfg),
		ELB:       elasticloadbalancingv2.NewFromConfig(cfg),
		Route53:   route53.NewFromConfig(cfg),
		SNS:       sns.NewFromConfig(cfg),
		SQS:       sqs.NewFromConfig(cfg),
		Tagging:   resourcegroupstaggingapi.NewFromConfig(cfg),
		Quotas:    servicequotas.NewFromConfig(cfg),
	}
	a.places[p] = made
	return made
}

// configOf is the SDK configuration of p's clients, which act in session s,
// or with the base credentials when that is nil.
func (a *API) configOf(p planner.Place, account Account, s *session) aws.Config {
	cfg := a.config.Copy()
	cfg.Region = region(p)
	if s != nil {
		cfg.Credentials = s.cache
	}
	cfg.APIOptions = append(cfg.APIOptions, a.pipeline(caller{
		account: p.Account,
		bucket:  bucketOwner(p.Account, account),
		region:  cfg.Region,
		session: s,
	}).attach)
	return cfg
}

// bucketOwner is whose request rates count: two names of one account share
// them.
func bucketOwner(name string, account Account) string {
	if account.ID != "" {
		return account.ID
	}
	return name
}

// region is where the requests of p go.
func region(p planner.Place) string {
	if p.Region == "" || p.Region == planner.Global {
		return homeRegion
	}
	return p.Region
}
