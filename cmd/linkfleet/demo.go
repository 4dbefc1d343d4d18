package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	example "github.com/linkfleet/linkfleet/fleet.example"
	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// demoSpeed is how much faster than real time AWS's clock runs: what takes
// AWS six minutes can be watched in six seconds.
const demoSpeed = 60

// demoTimeout bounds each wait of a step, on AWS's clock. It is long because
// that clock does not stop while a busy machine gets on with the work.
const demoTimeout = 3 * time.Hour

func newDemoCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Watch the example fleet come up, drift and heal in a simulated AWS",
		Long: fmt.Sprintf(`demo brings the example fleet up in a simulated AWS inside this process, whose
clock runs %d times faster than real time; lets hands other than linkfleet's
change it; shows the plan that finds their changes; and heals it. What each act
comes to is checked against the simulated AWS itself.

It needs no credentials, sends nothing anywhere and leaves nothing behind.

Exit status:
  0  all came out as said
  1  something did not`, demoSpeed),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := a.newDemo(cmd.Context())
			if err != nil {
				return err
			}
			return d.play(cmd.Context())
		},
	}
}

// A demo is one showing of the example fleet.
type demo struct {
	*narrator
	sim   *awssim.Sim
	world awssim.World
	fleet *schema.Fleet
	hands hands

	// What the hands change, and what the checks after it are about.
	fraud    describedService
	stranger awssim.WorldActor
	pending  string // the stranger's endpoint
}

// The parts of the example fleet that the demo is about.
const (
	demoService  = "fraud"
	demoConsumer = "risk"
	demoStranger = "stranger"
	demoBlock    = "0.0.0.0/0"
	demoRule     = "tcp 22 " + demoBlock // as plans call it
)

func (a *app) newDemo(ctx context.Context) (*demo, error) {
	fleet, _, err := schema.LoadFS(ctx, example.Files, a.now())
	if err != nil {
		return nil, fmt.Errorf("loading the example fleet: %w", err)
	}
	world, err := awssim.LoadWorldFS(example.Files, example.World)
	if err != nil {
		return nil, fmt.Errorf("loading the example's world: %w", err)
	}
	sim, err := awssim.New(awssim.Options{World: world, Speed: demoSpeed, Logger: a.log})
	if err != nil {
		return nil, fmt.Errorf("starting the simulator: %w", err)
	}
	i := slices.IndexFunc(world.Actors, func(w awssim.WorldActor) bool { return w.Name == demoStranger })
	if i < 0 {
		return nil, fmt.Errorf("the example's world has no actor called %s", demoStranger)
	}
	return &demo{
		narrator: a.newNarrator(), sim: sim, world: world, fleet: fleet, stranger: world.Actors[i],
		hands: hands{client: sim.Client(), region: fleet.Services[demoService].Region},
	}, nil
}

// play goes through the acts. It ends at the first thing that comes out
// otherwise than said.
func (d *demo) play(ctx context.Context) error {
	began := time.Now()
	d.opening()
	for _, act := range []func(context.Context) error{d.bringUp, d.planAgain, d.disturb, d.heal} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	d.closing(began)
	return nil
}

func (d *demo) opening() {
	d.title("linkfleet demo")
	d.blank()
	managed, external := 0, 0
	for _, s := range d.fleet.Services {
		for _, c := range s.Consumers {
			if c.Endpoint != nil {
				managed++
			} else {
				external++
			}
		}
	}
	d.prose(fmt.Sprintf(`Fleet %s: %s, %s that linkfleet runs in its consumers' accounts, and %s who
		make their own. AWS is simulated in this process; its clock runs %d times as fast as yours.`,
		d.fleet.Name, plural(len(d.fleet.Services), "service"), plural(managed, "endpoint"), plural(external, "partner"), demoSpeed))
}

// run is a new process that looks at AWS with the fleet's own roles.
func (d *demo) run(ctx context.Context) (*reconcile.Run, error) {
	api, err := awsapi.New(ctx, awsapi.Options{
		Accounts:    reconcile.Accounts(d.fleet, false),
		SessionName: "linkfleet-demo",
		Credentials: &awsapi.Credentials{AccessKeyID: "DEMO", SecretAccessKey: "none"},
		Transport:   d.sim.Client().Transport,
		Speed:       demoSpeed,
	})
	if err != nil {
		return nil, err
	}
	return &reconcile.Run{Fleet: d.fleet, API: api, Log: d.a.log, Speed: demoSpeed, Timeout: demoTimeout}, nil
}

func (d *demo) planOf(ctx context.Context) (*reconcile.Run, *planner.Plan, error) {
	run, err := d.run(ctx)
	if err != nil {
		return nil, nil, err
	}
	plan, err := run.Plan(ctx)
	return run, plan, err
}

// apply carries a plan out and shows how that goes.
func (d *demo) apply(ctx context.Context, run *reconcile.Run, plan *planner.Plan) error {
	m := d.newMilestones(d.fleet, d.sim)
	run.Observe = m.observe
	result, err := run.Apply(ctx, nil, plan)
	m.close()
	return errors.Join(err, result.Err())
}

// bringUp takes the accounts from empty to what the fleet says, in one apply.
func (d *demo) bringUp(ctx context.Context) error {
	d.heading("Plan: the fleet's files against accounts that hold nothing of it")
	run, plan, err := d.planOf(ctx)
	if err != nil {
		return err
	}
	d.brief(plan)
	if err := d.expect("every account could be read, and nothing is blocked", len(plan.Unread)+len(plan.Blocked), 0); err != nil {
		return err
	}
	d.heading("Apply: provider, DNS and consumers in one pass")
	if err := d.apply(ctx, run, plan); err != nil {
		return err
	}
	return d.checkUp(ctx)
}

// planAgain finds nothing to do, and one partner who has not come.
func (d *demo) planAgain(ctx context.Context) error {
	d.heading("Plan again")
	_, plan, err := d.planOf(ctx)
	if err != nil {
		return err
	}
	d.prose(plan.Summary())
	return d.checkQuiet(plan)
}

// disturb changes AWS behind linkfleet's back, in three ways.
func (d *demo) disturb(ctx context.Context) error {
	d.heading("Hands other than linkfleet's change three things")
	service := d.fleet.Services[demoService]
	provider := d.fleet.Accounts[service.Account].ID
	for _, change := range []func(context.Context, string) error{d.openPort, d.letStrangerIn, d.turnNameOff} {
		if err := change(ctx, provider); err != nil {
			return err
		}
	}
	return d.checkStrangerPending(ctx, provider)
}

func (d *demo) openPort(ctx context.Context, provider string) error {
	group, err := d.hands.group(ctx, provider, "security-group/"+demoService)
	if err != nil {
		return err
	}
	d.changed("AuthorizeSecurityGroupIngress", "the load balancer's "+group.ID+" lets "+demoBlock+" in on port 22")
	return d.hands.change(ctx, provider, "AuthorizeSecurityGroupIngress", map[string]string{
		"GroupId":                  group.ID,
		"IpPermissions.1.FromPort": "22", "IpPermissions.1.ToPort": "22", "IpPermissions.1.IpProtocol": "tcp",
		"IpPermissions.1.IpRanges.1.CidrIp": demoBlock,
	})
}

func (d *demo) letStrangerIn(ctx context.Context, provider string) (err error) {
	if d.fraud, err = d.hands.service(ctx, provider, "endpoint-service/"+demoService); err != nil {
		return err
	}
	d.changed("ModifyVpcEndpointServicePermissions", "the allow-list names "+d.stranger.Principal)
	return d.hands.change(ctx, provider, "ModifyVpcEndpointServicePermissions", map[string]string{
		"ServiceId": d.fraud.ID, "AddAllowedPrincipals.1": d.stranger.Principal,
	})
}

func (d *demo) turnNameOff(ctx context.Context, _ string) error {
	consumer := d.fleet.Services[demoService].Consumers[demoConsumer]
	account := d.fleet.Accounts[consumer.Account].ID
	endpoint, err := d.hands.endpoint(ctx, account, "endpoint/"+demoService+"/"+demoConsumer)
	if err != nil {
		return err
	}
	d.changed("ModifyVpcEndpoint", demoConsumer+"'s "+endpoint.ID+" answers private DNS no more")
	return d.hands.change(ctx, account, "ModifyVpcEndpoint", map[string]string{
		"VpcEndpointId": endpoint.ID, "PrivateDnsEnabled": "false",
	})
}

// changed tells of a call made by hand.
func (d *demo) changed(call, what string) {
	d.line(d.warm("✎") + " " + call)
	d.line("  " + d.dim(what))
}

// heal finds all that the hands did and undoes it, and leaves the stranger's
// connection alone.
func (d *demo) heal(ctx context.Context) error {
	d.heading("Plan: what they did")
	run, plan, err := d.planOf(ctx)
	if err != nil {
		return err
	}
	if err := d.plan(plan); err != nil {
		return err
	}
	d.blank()
	if err := d.checkDriftFound(plan); err != nil {
		return err
	}
	d.heading("Apply: heal it")
	if err := d.apply(ctx, run, plan); err != nil {
		return err
	}
	if err := d.checkHealed(ctx); err != nil {
		return err
	}
	return d.checkLeftAlone(ctx)
}

func (d *demo) closing(began time.Time) {
	d.heading("All came out as said")
	d.prose(fmt.Sprintf("%s of AWS's time in %s of yours; %d calls to %d simulated accounts.",
		clock(d.sim.Now().Sub(began)), time.Since(began).Round(100*time.Millisecond), len(d.sim.Calls()), len(d.world.Accounts)))
	d.blank()
	for _, next := range [][2]string{
		{"linkfleet init DIR", "write a fleet of your own"},
		{"linkfleet sim --world fleet.example/sandbox/world.cue", "serve this AWS to the aws command"},
		{"linkfleet iam-policy fleet.example", "print the rights that roles need on AWS"},
	} {
		d.line(fmt.Sprintf("%-54s %s", next[0], d.dim(next[1])))
	}
	d.blank()
}

// partners are the consumers of the service that make their own endpoints,
// in order; those whose actor never comes are the late ones.
func (d *demo) partners() (come, late []*schema.Consumer) {
	service := d.fleet.Services[demoService]
	for _, name := range slices.Sorted(maps.Keys(service.Consumers)) {
		c := service.Consumers[name]
		if c.Endpoint != nil {
			continue
		}
		id := d.fleet.Accounts[c.Account].ID
		comes := slices.ContainsFunc(d.world.Actors, func(a awssim.WorldActor) bool { return a.Account == id && a.Behaviour != "never" })
		if comes {
			come = append(come, c)
		} else {
			late = append(late, c)
		}
	}
	return come, late
}

func names(consumers []*schema.Consumer) []string {
	var all []string
	for _, c := range consumers {
		all = append(all, c.Name)
	}
	return all
}
