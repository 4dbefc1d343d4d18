package awssim

import (
	"regexp"
	"slices"
	"strings"
)

// A permission lets a principal discover a service and connect to it.
type permission struct {
	ID        string // vpce-svc-perm-…
	Principal string // IAM ARN, service principal, organisational unit's ARN, or *
	Type      string // All, Service, OrganizationUnit, Account, User, Role
}

// admits tells whether a principal of an account may connect to the service.
// Nobody may by default but the owner's own account, for which AWS asks no
// permission (Terraform's acceptance tests connect so).
func (e *endpointService) admits(account, principal string) bool {
	if account == e.Owner {
		return true
	}
	for _, p := range []string{"*", rootARN(account), withoutPath(principal)} {
		if e.Permissions.has(p) {
			return true
		}
	}
	return false
}

func rootARN(account string) string { return "arn:aws:iam::" + account + ":root" }

// withoutPath strips the path from a role's or user's ARN: allow-lists know
// principals by their names only.
func withoutPath(arn string) string {
	head, rest, ok := strings.Cut(arn, "/")
	if !ok {
		return arn
	}
	return head + "/" + rest[strings.LastIndex(rest, "/")+1:]
}

// principalForms are the principals AWS takes, most particular first. Paths and
// assumed-role ARNs are not among them (PrivateLink guide, "Manage permissions").
var principalForms = []struct {
	form *regexp.Regexp
	kind string
}{
	{regexp.MustCompile(`^\*$`), "All"},
	{regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:root$`), "Account"},
	{regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:user/[\w+=,.@-]+$`), "User"},
	{regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@-]+$`), "Role"},
	{regexp.MustCompile(`^arn:aws[a-z-]*:organizations::\d{12}:ou/o-[a-z0-9]+/ou-[a-z0-9-]+$`), "OrganizationUnit"},
	{regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com$`), "Service"},
}

var accountID = regexp.MustCompile(`^\d{12}$`)

// canonicalPrincipal returns a principal as AWS stores it, and its type. A bare
// account id becomes the account's root. Others are refused: InvalidPrincipal.
func canonicalPrincipal(p string) (principal, kind string, err error) {
	if accountID.MatchString(p) {
		p = rootARN(p)
	}
	for _, f := range principalForms {
		if f.form.MatchString(p) {
			return p, f.kind, nil
		}
	}
	return "", "", refuse("InvalidPrincipal", "Invalid Principal: '%s'", p)
}

// modifyServicePermissions serves ModifyVpcEndpointServicePermissions. Adding a
// principal that is there and removing one that is not change nothing.
// Connections that stand are not touched: to evict, the owner rejects.
func modifyServicePermissions(c *call) (M, error) {
	svc, err := c.ownService(c.in.str("ServiceId"))
	if err != nil {
		return nil, err
	}
	add, err := permissionsOf(c.in.strs("AddAllowedPrincipals"))
	if err != nil {
		return nil, err
	}
	remove, err := permissionsOf(c.in.strs("RemoveAllowedPrincipals"))
	if err != nil {
		return nil, err
	}
	if len(add)+len(remove) == 0 {
		return nil, refuse("MissingParameter", "The request must contain the parameter AddAllowedPrincipals or RemoveAllowedPrincipals")
	}
	add = slices.DeleteFunc(add, func(p *permission) bool { return svc.Permissions.has(p.Principal) })
	if len(svc.Permissions.Order)+len(add) > c.quota("principalsPerService") {
		return nil, refuse("VpcEndpointServicePermissionLimitExceeded", "The maximum number of allowed principals has been reached.")
	}
	for _, p := range remove {
		svc.Permissions.drop(p.Principal)
	}
	for _, p := range add {
		p.ID = c.newID("vpce-svc-perm")
		svc.Permissions.put(p.Principal, p)
	}
	return M{"AddedPrincipals": listBy(add, svc.permissionItem), "ReturnValue": true}, nil
}

// permissionsOf reads principals, each taken once.
func permissionsOf(principals []string) ([]*permission, error) {
	var all []*permission
	for _, given := range principals {
		principal, kind, err := canonicalPrincipal(given)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(all, func(p *permission) bool { return p.Principal == principal }) {
			all = append(all, &permission{Principal: principal, Type: kind})
		}
	}
	return all, nil
}

// permissionItem renders a permission.
func (e *endpointService) permissionItem(p *permission) M {
	return M{"PrincipalType": p.Type, "Principal": p.Principal, "ServicePermissionId": p.ID, "ServiceId": e.ID}
}

// describeServicePermissions serves DescribeVpcEndpointServicePermissions.
func describeServicePermissions(c *call) (M, error) {
	svc, err := c.ownService(c.in.str("ServiceId"))
	if err != nil {
		return nil, err
	}
	return listing[*permission]{
		Key: func(p *permission) string { return p.ID },
		Filters: filterSet[*permission]{
			"principal":      one(func(p *permission) string { return p.Principal }),
			"principal-type": one(func(p *permission) string { return p.Type }),
		},
		Paging: clippedPaging(),
	}.reply(c, asRead(c, svc.ID, svc).Permissions.all(), "AllowedPrincipals", svc.permissionItem)
}
