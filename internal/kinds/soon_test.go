package kinds_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/stage"
)

// AWS may not find by its id, for some seconds, what it has just said it made.
// One apply comes through all the same.
func TestNewThingsAreNotFoundYet(t *testing.T) {
	for _, c := range []struct{ service, operation, code string }{
		{"ec2", "AuthorizeSecurityGroupIngress", "InvalidGroup.NotFound"},
		{"elasticloadbalancing", "CreateLoadBalancer", "InvalidSecurityGroup"},
		{"elasticloadbalancing", "DescribeLoadBalancerAttributes", "LoadBalancerNotFound"},
		{"elasticloadbalancing", "ModifyLoadBalancerAttributes", "LoadBalancerNotFound"},
		{"elasticloadbalancing", "ModifyTargetGroupAttributes", "TargetGroupNotFound"},
		{"elasticloadbalancing", "RegisterTargets", "TargetGroupNotFound"},
		{"elasticloadbalancing", "CreateListener", "TargetGroupNotFound"},
		{"elasticloadbalancing", "ModifyListenerAttributes", "ListenerNotFound"},
		{"ec2", "ModifyVpcEndpointServicePermissions", "InvalidVpcEndpointServiceId.NotFound"},
		{"ec2", "ModifyVpcEndpointServiceConfiguration", "InvalidVpcEndpointServiceId.NotFound"},
		{"ec2", "CreateVpcEndpointConnectionNotification", "InvalidVpcEndpointServiceId.NotFound"},
		{"ec2", "StartVpcEndpointServicePrivateDnsVerification", "InvalidVpcEndpointServiceId.NotFound"},
		{"ec2", "CreateVpcEndpoint", "InvalidGroup.NotFound"},
		{"ec2", "AcceptVpcEndpointConnections", "InvalidVpcEndpointId.NotFound"},
		{"ec2", "ModifyVpcEndpoint", "InvalidVpcEndpointId.NotFound"},
		{"sns", "SetTopicAttributes", "NotFound"},
	} {
		t.Run(c.operation+" "+c.code, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t, narrow)
				l := s.fraud.Listeners["https"]
				l.IdleTimeout, l.Targets.DeregistrationDelay = 60, 10
				s.must(s.Sim.Inject(awssim.Fault{
					Service: c.service, Operation: c.operation, Nth: 1, Effect: awssim.FaultError, Status: 400, Code: c.code,
				}))
				s.Converge()
				for _, call := range s.Sim.Calls() {
					if call.Operation == c.operation && call.Code == c.code {
						return
					}
				}
				t.Errorf("%s was never called", c.operation)
			})
		})
	}
}

// So it is with whatever is made and is named by something else at once, also
// in the place of something that went.
func TestAllNewThingsAreNotFoundYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world, err := awssim.LoadWorld(exampleDir + "/sandbox/world.cue")
		if err != nil {
			t.Fatal(err)
		}
		world.Knobs.Latencies = map[string]time.Duration{"idLag": 20 * time.Second, "loadBalancerProvision": 5 * time.Second, "endpointProvision": 5 * time.Second}
		s := &scene{T: t, Stage: stage.New(t, world, exampleFleet(t))}
		s.fraud = s.Fleet.Services["fraud"]
		s.Converge()
		s.fraud.Listeners["https"].Targets.Port = 9443
		s.Converge()
		clear(s.Fleet.Services)
		s.Converge()
	})
}

// What is not linkfleet's to make is not waited for.
func TestWhatNobodyMakesIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, narrow)
		s.must(s.Sim.Inject(awssim.Fault{
			Service: "elasticloadbalancing", Operation: "CreateLoadBalancer", Effect: awssim.FaultError, Status: 400, Code: "SubnetNotFound",
		}))
		began := time.Now()
		if err := s.Apply().Err(); err == nil || time.Since(began) > 5*time.Minute {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

// An endpoint that is found again as it should be is left alone: any
// modification puts it to pending.
func TestNothingIsModifiedWhereNothingDiffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, narrow)
		s.riskEndpoint().PrivateDNS = false
		s.must(s.Sim.Inject(awssim.Fault{Service: "ec2", Operation: "CreateVpcEndpoint", Account: riskID, Nth: 1, Effect: awssim.FaultLost}))
		s.must(s.Sim.Inject(awssim.Fault{
			Service: "ec2", Operation: "CreateVpcEndpoint", Account: riskID, Nth: 2,
			Effect: awssim.FaultError, Status: 400, Code: "IdempotentParameterMismatch",
		}))
		s.Converge()
		for _, call := range s.Sim.Calls() {
			if call.Operation == "ModifyVpcEndpoint" && call.Account == riskID {
				t.Error("the endpoint was modified")
			}
		}
	})
}
