package awssim

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"
)

func stsOperations() map[string]operation {
	return map[string]operation{
		"GetCallerIdentity": getCallerIdentity,
		"AssumeRole":        assumeRole,
	}
}

func getCallerIdentity(c *call) (M, error) {
	return M{"Account": c.caller.Account, "Arn": c.caller.ARN, "UserId": c.caller.UserID}, nil
}

// chainedSession is the longest session of a role assumed by a role.
const chainedSession = time.Hour

func assumeRole(c *call) (M, error) {
	r := c.sim.roleOf(c.in.str("RoleArn"))
	if r == nil || !r.trusts(c.caller) || r.ExternalID != "" && r.ExternalID != c.in.str("ExternalId") {
		return nil, &Error{Code: "AccessDenied", Status: http.StatusForbidden,
			Message: "User: " + c.caller.ARN + " is not authorized to perform: sts:AssumeRole on resource: " + c.in.str("RoleArn")}
	}
	length := time.Hour
	if c.in.has("DurationSeconds") {
		length = time.Duration(c.in.num("DurationSeconds")) * time.Second
	}
	if c.caller.Role != nil && length > chainedSession {
		return nil, refuse("ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	}
	if length > r.MaxSession {
		return nil, refuse("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return c.beginSession(r, length), nil
}

// beginSession hands out keys. Expiration is told on the caller's clock, which
// is the machine's, because SDKs hold it against theirs; the simulator itself
// goes by its own.
func (c *call) beginSession(r *role, length time.Duration) M {
	name := c.in.str("RoleSessionName")
	account := strings.Split(r.ARN, ":")[4]
	held := &session{
		Account: account, Role: r.Name, Name: name, Expires: c.now.Add(length),
		Token: base64.StdEncoding.EncodeToString([]byte("session/" + c.newHex(64))),
	}
	key := ownKeyPrefix + strings.ToUpper(c.newHex(13))
	c.sim.forgetSessions()
	c.sim.world.Sessions[key] = held
	return M{
		"Credentials": M{
			"AccessKeyId": key, "SecretAccessKey": c.newHex(40), "SessionToken": held.Token,
			"Expiration": c.sim.clock.machine(held.Expires),
		},
		"AssumedRoleUser": M{
			"AssumedRoleId": r.ID + ":" + name,
			"Arn":           "arn:aws:sts::" + account + ":assumed-role/" + r.Name + "/" + name,
		},
	}
}

// forgetSessions drops sessions that ended more than a day ago; until then
// their keys are refused as expired rather than as unknown.
func (s *Sim) forgetSessions() {
	for key, held := range s.world.Sessions {
		if s.now().Sub(held.Expires) > 24*time.Hour {
			delete(s.world.Sessions, key)
		}
	}
}

// roleOf finds a role by ARN, nil if there is none.
func (s *Sim) roleOf(arn string) *role {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || s.world.Accounts[parts[4]] == nil {
		return nil
	}
	r := s.world.Accounts[parts[4]].Roles[arn[strings.LastIndex(arn, "/")+1:]]
	if r == nil || r.ARN != arn {
		return nil
	}
	return r
}

// trusts tells whether the role's trust policy admits a caller: everybody, an
// account (by id or root ARN), or a principal.
func (r *role) trusts(by caller) bool {
	return slices.ContainsFunc(r.Trust, func(who string) bool {
		return who == "*" || who == by.Account || who == by.Principal || who == by.ARN ||
			who == "arn:aws:iam::"+by.Account+":root"
	})
}
