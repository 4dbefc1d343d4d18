package awssim

import (
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// ownKeyPrefix begins the access keys that the simulator itself hands out, so
// that one it has forgotten is not taken for a stranger's.
const ownKeyPrefix = "ASIASIM"

// A scope is what a request's signature says: who calls which service where.
// The signature itself is not verified.
type scope struct{ key, region, service string }

// credentialScope reads "Credential=KEY/DATE/REGION/SERVICE/aws4_request" from
// the Authorization header, or from the query of a presigned request.
func credentialScope(r *http.Request) (scope, *Error) {
	text := r.URL.Query().Get("X-Amz-Credential")
	if _, after, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		text, _, _ = strings.Cut(after, ",")
	}
	parts := strings.Split(strings.TrimSpace(text), "/")
	if len(parts) != 5 {
		return scope{}, &Error{Code: "MissingAuthenticationToken", Message: "Request is missing Authentication Token", Status: http.StatusForbidden}
	}
	return scope{key: parts[0], region: parts[2], service: parts[3]}, nil
}

// A caller is who makes a request.
type caller struct {
	Account   string
	ARN       string // as GetCallerIdentity shows it: a user's, or an assumed role's
	UserID    string
	Principal string // as allow-lists see it; the role's ARN for an assumed role
	Session   string // the role session's name
	Role      *role  // nil for users
}

// A role is an IAM role and its policies.
type role struct {
	ARN        string
	Name       string
	ID         string // "AROA…"
	Trust      []string
	ExternalID string
	Actions    []string
	MaxSession time.Duration
}

// A session is an assumed role.
type session struct {
	Account string
	Role    string // name
	Name    string
	Token   string
	Expires time.Time
}

// identify tells who calls. An account's id is an access key of its
// administrator. Unknown keys are the default account's, and unknown accounts
// exist, unless authentication is strict.
func (s *Sim) identify(service string, scope scope, token string) (caller, error) {
	if held := s.world.Sessions[scope.key]; held != nil {
		return s.sessionCaller(service, held, token)
	}
	_, declared := s.options.World.Accounts[scope.key]
	if declared || isAccountID(scope.key) && !s.options.StrictAuth {
		return user(scope.key, "admin"), nil
	}
	if owner := s.world.AccessKeys[scope.key]; owner != "" {
		return user(owner, "admin"), nil
	}
	if s.options.StrictAuth || strings.HasPrefix(scope.key, ownKeyPrefix) {
		return caller{}, unknownKey(service)
	}
	return user(s.defaultAccount(), "developer"), nil
}

func (s *Sim) defaultAccount() string {
	return nonEmpty(s.options.World.DefaultAccount, "123456789012")
}

func isAccountID(text string) bool {
	return len(text) == 12 && strings.Trim(text, "0123456789") == ""
}

func user(account, name string) caller {
	arn := "arn:aws:iam::" + account + ":user/" + name
	return caller{Account: account, ARN: arn, UserID: "AIDASIM" + account, Principal: arn}
}

func (s *Sim) sessionCaller(service string, held *session, token string) (caller, error) {
	r := s.accountOf(held.Account).Roles[held.Role]
	if r == nil || token != held.Token {
		return caller{}, unknownKey(service)
	}
	if !s.now().Before(held.Expires) {
		return caller{}, expired(service)
	}
	return caller{
		Account: held.Account, Principal: r.ARN, Session: held.Name, Role: r,
		ARN:    "arn:aws:sts::" + held.Account + ":assumed-role/" + r.Name + "/" + held.Name,
		UserID: r.ID + ":" + held.Name,
	}, nil
}

// unknownKey refuses an access key, in the words of each family of services.
func unknownKey(service string) *Error {
	switch service {
	case "ec2":
		return &Error{Code: "AuthFailure", Message: "AWS was not able to validate the provided access credentials", Status: http.StatusUnauthorized}
	case "sqs":
		return &Error{Code: "UnrecognizedClientException", Message: "The security token included in the request is invalid.", Status: http.StatusForbidden}
	case "tagging", "dynamodb", "servicequotas":
		return refuse("UnrecognizedClientException", "The security token included in the request is invalid.")
	default:
		return &Error{Code: "InvalidClientTokenId", Message: "The security token included in the request is invalid", Status: http.StatusForbidden}
	}
}

// expired refuses a role session that has ended.
func expired(service string) *Error {
	switch service {
	case "ec2":
		return refuse("RequestExpired", "Request has expired.")
	case "sqs":
		return &Error{Code: "ExpiredTokenException", Message: "The security token included in the request is expired", Status: http.StatusForbidden}
	case "tagging", "dynamodb", "servicequotas":
		return refuse("ExpiredTokenException", "The security token included in the request is expired")
	default:
		return &Error{Code: "ExpiredToken", Message: "The security token included in the request is expired", Status: http.StatusForbidden}
	}
}

// authorize holds the call's IAM actions against the caller's role.
func (c *call) authorize() *Error {
	for _, action := range c.actions() {
		if !c.allowed(action) {
			return c.denied(action)
		}
	}
	return nil
}

// actions are the IAM actions a call needs: its own, those of other services
// that it depends on, and tagging's when it tags what it creates.
func (c *call) actions() []string {
	prefix := c.service
	if prefix == "tagging" {
		prefix = "tag"
	}
	if c.op == "GetCallerIdentity" {
		return nil // needs no permission
	}
	op := c.op
	if c.service == "sqs" { // a batch needs what its single operation needs
		op = strings.TrimSuffix(op, "Batch")
	}
	needed := append([]string{prefix + ":" + op}, DependentActions(c.service, c.op)...)
	tagged := c.in.has("Tags") || c.in.has("tags") || c.in.has("TagSpecifications")
	switch {
	case !tagged || !strings.HasPrefix(c.op, "Create"):
	case c.service == "ec2" && c.op != "CreateTags":
		needed = append(needed, "ec2:CreateTags")
	case c.service == "elasticloadbalancing":
		needed = append(needed, "elasticloadbalancing:AddTags")
	case c.service == "sns":
		needed = append(needed, "sns:TagResource")
	case c.service == "sqs":
		needed = append(needed, "sqs:TagQueue")
	}
	return needed
}

// DependentActions are the actions that an operation asks of its caller besides
// its own: Elastic Load Balancing looks around in EC2 in the caller's name. The
// role that it makes for itself in an account, iam:CreateServiceLinkedRole, is
// not among them: the simulator has no IAM.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-permissions.html
//
// That page does not have ec2:GetSecurityGroupsForVpc, for want of which AWS
// refuses CreateLoadBalancer since 2024
// (kubernetes-sigs/aws-load-balancer-controller#3917). That it is wanted for
// other security groups, too, is a guess.
func DependentActions(service, operation string) []string {
	if service != "elasticloadbalancing" {
		return nil
	}
	switch operation {
	case "CreateLoadBalancer":
		return []string{
			"ec2:DescribeAccountAttributes", "ec2:DescribeAddresses", "ec2:DescribeInternetGateways", "ec2:DescribeSecurityGroups",
			"ec2:DescribeSubnets", "ec2:DescribeVpcs", "ec2:GetSecurityGroupsForVpc",
		}
	case "CreateTargetGroup":
		return []string{"ec2:DescribeInternetGateways", "ec2:DescribeVpcs"}
	case "RegisterTargets":
		return []string{"ec2:DescribeInstances", "ec2:DescribeInternetGateways", "ec2:DescribeSubnets", "ec2:DescribeVpcs"}
	case "SetIpAddressType", "SetSubnets":
		return []string{"ec2:DescribeSubnets"}
	case "SetSecurityGroups":
		return []string{"ec2:GetSecurityGroupsForVpc"}
	}
	return nil
}

// allowed tells whether the caller's role lets it do an IAM action
// ("route53:AssociateVPCWithHostedZone"). Users, and roles without a list, may
// do anything.
func (c *call) allowed(action string) bool {
	r := c.caller.Role
	if r == nil || len(r.Actions) == 0 {
		return true
	}
	return slices.ContainsFunc(r.Actions, func(pattern string) bool {
		ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(action))
		return ok && err == nil
	})
}

// denied refuses for want of permission.
func (c *call) denied(action string) *Error {
	why := "User: " + c.caller.ARN + " is not authorized to perform: " + action +
		" on resource: * because no identity-based policy allows the " + action + " action"
	refusal := &Error{Code: "AccessDenied", Message: why, Status: http.StatusForbidden}
	switch c.service {
	case "ec2":
		refusal.Code, refusal.Message = "UnauthorizedOperation", "You are not authorized to perform this operation. "+why
	case "sns":
		refusal.Code = "AuthorizationError"
	case "sqs": // which writes operations in lower case
		refusal.Code, refusal.Message = "AccessDeniedException", strings.ReplaceAll(why, action, strings.ToLower(action))
	case "tagging", "dynamodb", "servicequotas":
		refusal.Code, refusal.Status = "AccessDeniedException", http.StatusBadRequest
	}
	return refusal
}
