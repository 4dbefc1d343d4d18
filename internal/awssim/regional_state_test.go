package awssim

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// A simulator that is stopped and started with its state file goes on where it
// was: what was under way ends, and everything can still be changed.
func TestStateKeepsBalancersZonesAndTopics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "state.json")
		start := func() *stage {
			sim, err := New(Options{World: stageWorld(), State: file})
			if err != nil {
				t.Fatal(err)
			}
			return &stage{T: t, sim: sim}
		}
		first := start()
		b, g := first.balancer(nlb("fraud", subnet1, subnet2)), first.group(tcpGroup("fraud"))
		first.listener(b, g, 8443)
		must(first, 0, first.register(g, targets("10.20.1.10")...))
		const name = "_x." + zoneOfStage
		try(first.change(txt(types.ChangeActionCreate, name, 300, `"one"`))).must(first)
		topic := first.topic(&sns.CreateTopicInput{Name: aws.String("events")})
		url := first.queue("events", snsPolicy(topic))
		try(first.subscribe(provider, topic, eventsQueue, "RawMessageDelivery=true")).must(first)
		first.publish(topic, "news")
		taken := first.receive(url, 0)

		second := start()
		before, _ := json.Marshal(first.sim.world.Cells)
		after, _ := json.Marshal(second.sim.world.Cells)
		if !bytes.Equal(before, after) {
			t.Errorf("the state changed on its way through the file:\n%s\n%s", before, after)
		}
		second.pass(5 * time.Minute)
		if state := second.describe(b.LoadBalancerArn).State.Code; state != elbtypes.LoadBalancerStateEnumActive {
			t.Errorf("the balancer is %s", state)
		}
		second.wantHealth(g, "after the restart", map[string]string{"10.20.1.10": "healthy"})
		if got := second.lookup(name); len(got) != 1 || got[0] != "one" {
			t.Errorf("name servers answer %q", got)
		}
		try(second.change(txt(types.ChangeActionDelete, name, 300, `"one"`))).must(second)
		second.wantBodies("in flight before, and back", second.receive(url, 0), "news")
		second.delete(url, taken[0]) // of a receive before: no effect
		second.publish(topic, "more")
		second.wantBodies("after the restart", second.receive(url, 0), "more")
		must(second, 0, second.setTopic(topic, "DisplayName", "Events"))
		must(second, 0, second.dropBalancer(b.LoadBalancerArn))
	})
}
