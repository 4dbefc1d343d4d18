package awssim

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func roleNamed(name string) *string {
	return aws.String("arn:aws:iam::" + roleAccount + ":role/" + name)
}

func TestWhoCalls(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		whoami := func(c aws.Config) string {
			out, err := sts.NewFromConfig(c).GetCallerIdentity(r.Context(), nil)
			r.must(err)
			return *out.Arn
		}
		session, err := r.assume(r.as("anything"), &sts.AssumeRoleInput{RoleArn: roleNamed("open"), RoleSessionName: aws.String("commit-1")})
		r.must(err)
		for _, test := range []struct {
			config aws.Config
			want   string
		}{
			{r.as("AKIAHOMEHOMEHOME0001"), "arn:aws:iam::" + homeAccount + ":user/admin"},
			{r.as("222222222222"), "arn:aws:iam::222222222222:user/admin"},
			{r.as("AKIAUNKNOWN000000001"), "arn:aws:iam::123456789012:user/developer"},
			{r.with(session), "arn:aws:sts::" + roleAccount + ":assumed-role/open/commit-1"},
		} {
			if got := whoami(test.config); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		}
		last := r.sim.Calls()[len(r.sim.Calls())-1]
		if last.Session != "commit-1" || last.Principal != *roleNamed("open") || last.Account != roleAccount {
			t.Errorf("the log says %+v", last)
		}
	})
}

func TestAssumeRoleRefusals(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		home := r.as("developer")
		for name, test := range map[string]struct {
			in         sts.AssumeRoleInput
			code, text string
		}{
			"not trusted":      {sts.AssumeRoleInput{RoleArn: roleNamed("nobody")}, "AccessDenied", "is not authorized to perform: sts:AssumeRole on resource: " + *roleNamed("nobody")},
			"no such role":     {sts.AssumeRoleInput{RoleArn: roleNamed("ghost")}, "AccessDenied", "sts:AssumeRole"},
			"wrong path":       {sts.AssumeRoleInput{RoleArn: roleNamed("anybody")}, "AccessDenied", "sts:AssumeRole"},
			"no external id":   {sts.AssumeRoleInput{RoleArn: roleNamed("narrow")}, "AccessDenied", "sts:AssumeRole"},
			"too long":         {sts.AssumeRoleInput{RoleArn: roleNamed("open"), DurationSeconds: aws.Int32(7200)}, "ValidationError", "MaxSessionDuration"},
			"too short":        {sts.AssumeRoleInput{RoleArn: roleNamed("open"), DurationSeconds: aws.Int32(60)}, "ValidationError", "greater than or equal to 900"},
			"bad session name": {sts.AssumeRoleInput{RoleArn: roleNamed("open"), RoleSessionName: aws.String("a b")}, "ValidationError", "regular expression pattern"},
		} {
			_, err := r.assume(home, &test.in)
			t.Log(name)
			r.refused(err, test.code, test.text)
		}
		_, err := r.assume(home, &sts.AssumeRoleInput{RoleArn: roleNamed("narrow"), ExternalId: aws.String("secret")})
		r.must(err)
		_, err = r.assume(home, &sts.AssumeRoleInput{RoleArn: roleNamed("teams/anybody")})
		r.must(err)
	})
}

func TestRoleChaining(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		_, err := r.assume(r.as("developer"), &sts.AssumeRoleInput{RoleArn: roleNamed("chained")})
		r.refused(err, "AccessDenied", "chained")
		open, err := r.assume(r.as("developer"), &sts.AssumeRoleInput{RoleArn: roleNamed("open")})
		r.must(err)
		_, err = r.assume(r.with(open), &sts.AssumeRoleInput{RoleArn: roleNamed("chained"), DurationSeconds: aws.Int32(7200)})
		r.refused(err, "ValidationError", "role chaining")
		_, err = r.assume(r.with(open), &sts.AssumeRoleInput{RoleArn: roleNamed("chained")})
		r.must(err)
	})
}

func TestSessionsExpire(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		session, err := r.assume(r.as("developer"), &sts.AssumeRoleInput{RoleArn: roleNamed("open"), DurationSeconds: aws.Int32(900)})
		r.must(err)
		if left := time.Until(session.Expires); left != 15*time.Minute {
			t.Errorf("expires in %s", left)
		}
		describe := func(c aws.Credentials) error {
			_, err := ec2.NewFromConfig(r.with(c)).DescribeVpcs(r.Context(), nil)
			return err
		}
		time.Sleep(15*time.Minute - time.Second)
		r.must(describe(session))
		time.Sleep(time.Second)
		r.refused(describe(session), "RequestExpired", "expired")
		_, err = sts.NewFromConfig(r.with(session)).GetCallerIdentity(r.Context(), nil)
		r.refused(err, "ExpiredToken", "expired")

		session.SessionToken = "another"
		r.refused(describe(session), "AuthFailure", "credentials")
		session.AccessKeyID = ownKeyPrefix + "0000000000000"
		r.refused(describe(session), "AuthFailure", "credentials")
	})
}

// With another speed, sessions end by the simulator's clock but are told on
// the caller's, which is the one that SDKs refresh by.
func TestExpiryOnTheCallersClock(t *testing.T) {
	inBubble(t, Options{Speed: 60}, func(r *rig) {
		session, err := r.assume(r.as("developer"), &sts.AssumeRoleInput{RoleArn: roleNamed("open")})
		r.must(err)
		if left := time.Until(session.Expires); left != time.Minute {
			t.Errorf("expires in %s, want a minute", left)
		}
	})
}

func TestStrictAuth(t *testing.T) {
	inBubble(t, Options{StrictAuth: true}, func(r *rig) {
		_, err := ec2.NewFromConfig(r.as("AKIAUNKNOWN000000001")).DescribeVpcs(r.Context(), nil)
		r.refused(err, "AuthFailure", "credentials")
		_, err = sts.NewFromConfig(r.as("AKIAUNKNOWN000000001")).GetCallerIdentity(r.Context(), nil)
		r.refused(err, "InvalidClientTokenId", "invalid")
		_, err = sts.NewFromConfig(r.as("222222222222")).GetCallerIdentity(r.Context(), nil)
		r.refused(err, "InvalidClientTokenId", "invalid")
		_, err = sts.NewFromConfig(r.as(roleAccount)).GetCallerIdentity(r.Context(), nil)
		r.must(err)
		_, err = ec2.NewFromConfig(r.as("AKIAHOMEHOMEHOME0001")).DescribeVpcs(r.Context(), nil)
		r.must(err)
	})
}

func TestRolePermissions(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		session, err := r.assume(r.as("developer"), &sts.AssumeRoleInput{RoleArn: roleNamed("narrow"), ExternalId: aws.String("secret")})
		r.must(err)
		client := ec2.NewFromConfig(r.with(session))
		_, err = client.DescribeVpcs(r.Context(), nil)
		r.must(err)
		_, err = client.CreateSecurityGroup(r.Context(), &ec2.CreateSecurityGroupInput{GroupName: aws.String("x"), Description: aws.String("x"), VpcId: aws.String(homeVPC)})
		r.refused(err, "UnauthorizedOperation", "is not authorized to perform: ec2:CreateSecurityGroup")
		_, err = client.DescribeVpcs(r.Context(), &ec2.DescribeVpcsInput{DryRun: aws.Bool(true)})
		r.refused(err, "DryRunOperation", "would have succeeded")
	})
}

// Tagging at creation needs the permission to tag.
func TestTaggingPermission(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		session, err := r.assume(r.as("developer"), &sts.AssumeRoleInput{RoleArn: roleNamed("endpoint")})
		r.must(err)
		_, err = ec2.NewFromConfig(r.with(session)).CreateSecurityGroup(r.Context(), groupInput("x", "Name", "x"))
		r.refused(err, "UnauthorizedOperation", "ec2:CreateTags")
	})
}

func TestUnsigned(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		req := newRequest(r, "Action=GetCallerIdentity&Version=2011-06-15")
		status, body := r.send(req)
		if status != 403 || !strings.Contains(body, "<Code>MissingAuthenticationToken</Code>") {
			t.Errorf("%d %s", status, body)
		}
	})
}
