package main

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linkfleet/linkfleet/internal/forge/forgetest"
	"github.com/linkfleet/linkfleet/internal/ledger"
)

// killedServers is how many seeds TestKilledServer has; LINKFLEET_SEEDS says
// another number, LINKFLEET_SEED asks for one.
const killedServers = 3

// A server that is killed again and again while it lives the story loses no
// job, applies nothing twice and leaves one comment. What it is told while it
// is dead, nobody tells it again: it looks by itself when it starts.
func TestKilledServer(t *testing.T) {
	first, n := uint64(1), uint64(killedServers)
	if text := os.Getenv("LINKFLEET_SEEDS"); text != "" {
		n, _ = strconv.ParseUint(text, 10, 64)
	}
	if text := os.Getenv("LINKFLEET_SEED"); text != "" {
		first, _ = strconv.ParseUint(text, 10, 64)
		n = 1
	}
	for seed := first; seed < first+n; seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			m := &mortal{rng: rand.New(rand.NewPCG(seed, 0))}
			m.server = newStory(t, forgetest.Kinds[seed%3]).byHTTP().serves(m.flags()...)
			m.live()
		})
	}
}

// A mortal is a server that is killed at random times.
type mortal struct {
	*server
	rng    *rand.Rand
	killed int
}

func (m *mortal) flags() []string { return []string{"--drift", "* * * * *", "--drift-jitter", "0s"} }

// live goes through the story under fire, and then looks at what is left.
func (m *mortal) live() {
	spare, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		m.fire(spare)
	}()
	cease := sync.OnceFunc(func() { close(spare); <-gone })
	defer cease()
	m.tells(forgetest.Delivery{Branch: "main", After: m.repo.Git("rev-parse", "main")})
	m.eventually("the fleet stands", m.isOpen)
	pull := m.opens(9443)
	m.tells(forgetest.Delivery{Number: pull, Action: "opened"})
	m.eventually("the pull request has a comment", func() bool { return m.says(pull, "9443") })
	m.pushes(pull, 9444)
	m.tells(forgetest.Delivery{Number: pull, Action: "updated"})
	m.eventually("the comment is of the second push", func() bool { return m.says(pull, "9444") })
	merged := m.merges(pull)
	m.tells(forgetest.Delivery{Branch: "main", After: merged})
	m.eventually("the merge is rolled out", func() bool { return m.listens(9444) })
	m.hand()
	cease()
	m.eventually("drift is healed", m.isOpen)
	m.eventually("the merge is rolled out to the end", func() bool { return m.applied(merged) })
	m.eventually("no job is left", m.isIdle)
	m.comment(pull) // one
	m.wantOnce()
	m.ends()
	if m.killed == 0 {
		m.Log("the server was never killed")
	}
}

// fire kills the server and starts it again, until it is to be spared. It
// lets it live ever longer, so that a slow machine gets somewhere too.
func (m *mortal) fire(spare <-chan struct{}) {
	listen := strings.TrimPrefix(m.url, "http://")
	for {
		select {
		case <-spare:
			return
		case <-time.After(time.Duration(50+m.rng.IntN(1000*(2+m.killed))) * time.Millisecond):
		}
		m.killed++
		_ = m.process.Process.Kill()
		_ = m.process.Wait()
		if _, err := m.begins(m.usual(listen, m.flags()...), "LINKFLEET_WEBHOOK_SECRET="+webhookSecret); err != nil {
			m.Errorf("the server could not be started again: %v", err)
			return
		}
	}
}

// tells sends a webhook, once: a forge whose call is not answered does not try
// again.
func (m *mortal) tells(d forgetest.Delivery) {
	status, err := m.forge.Deliver(m.Context(), m.url+"/hooks", []byte(webhookSecret), d)
	if err == nil && status >= 300 {
		m.Errorf("a webhook was answered with %d", status)
	}
}

// isIdle tells whether there is nothing left to do.
func (m *mortal) isIdle() bool {
	kept, err := ledger.OpenReadOnly(m.Context(), m.state)
	if err != nil {
		return false
	}
	defer kept.Close()
	jobs, err := kept.Jobs(m.Context(), "")
	return err == nil && len(jobs) == 0
}

// wantOnce wants no commit to be rolled out twice, and nothing to stand twice.
func (m *mortal) wantOnce() {
	m.Helper()
	var lines []runLine
	if err := json.Unmarshal([]byte(m.runs(exitDone, "history", "--format", "json", "--limit", "0")), &lines); err != nil {
		m.Fatal(err)
	}
	done := map[string]int64{}
	for _, l := range lines {
		if l.Kind != ledger.ApplyRun || l.Outcome != ledger.Done {
			continue
		}
		if other := done[l.Commit]; other != 0 {
			m.Errorf("commit %.12s was rolled out by run %d and by run %d", l.Commit, l.ID, other)
		}
		done[l.Commit] = l.ID
	}
	stand := map[string]string{}
	for _, o := range m.sim.Inventory() {
		at := o.Tags["linkfleet:address"]
		if at == "" || o.State == "deleted" || o.State == "rejected" || o.State == "expired" {
			continue
		}
		key := o.Type + " " + at + " " + o.Account
		if twin := stand[key]; twin != "" {
			m.Errorf("%s stands twice: %s and %s", key, twin, o.ID)
		}
		stand[key] = o.ID
	}
}
