package reconcile_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/lease"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/internal/stage"
)

// What makes the test binary a process that applies: the simulator's address,
// the lease's path and the name of the session.
const (
	applierEndpoint = "LINKFLEET_TEST_ENDPOINT"
	applierLease    = "LINKFLEET_TEST_LEASE"
	applierName     = "LINKFLEET_TEST_NAME"
)

// applierSpeed is how much faster than the wall the simulator's clock runs.
const applierSpeed = 100

var processGrid = stage.Grid{Services: 1, Consumers: 2}

// TestApplierProcess is no test: it is what the processes of the others run.
// It exits with 3 if another holds the lease.
func TestApplierProcess(t *testing.T) {
	endpoint := os.Getenv(applierEndpoint)
	if endpoint == "" {
		t.Skip("this is run by other tests")
	}
	fleet := processGrid.Fleet()
	api, err := awsapi.New(t.Context(), awsapi.Options{
		Accounts: reconcile.Accounts(fleet, false), SessionName: os.Getenv(applierName), Endpoint: endpoint, Speed: applierSpeed,
		Credentials: &awsapi.Credentials{AccessKeyID: "AKIAHUB", SecretAccessKey: "x"},
	})
	if err != nil {
		t.Fatal(err)
	}
	a := leaseholder{Run: &reconcile.Run{
		Fleet: fleet, API: api, Speed: applierSpeed,
		Lease:  &lease.File{Fleet: fleet.Name, Path: os.Getenv(applierLease)},
		Holder: lease.Holder{Who: os.Getenv(applierName), Process: os.Getpid()},
	}}
	_, err = a.apply(t.Context())
	if _, ok := errors.AsType[*lease.HeldError](err); ok {
		fmt.Println(err)
		os.Exit(3)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A site is a simulator that processes reach.
type site struct {
	*stage.Stage
	url, lease string
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := stage.New(t, awssim.World{}, processGrid.Fleet())
	sim, err := awssim.New(awssim.Options{World: processGrid.World(), Speed: applierSpeed})
	if err != nil {
		t.Fatal(err)
	}
	s.Sim = sim
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	return &site{Stage: s, url: server.URL, lease: filepath.Join(t.TempDir(), "lease")}
}

// A child is an applier that is a process of its own.
type child struct {
	*exec.Cmd
	name string
	out  strings.Builder
}

func (s *site) start(t *testing.T, name string) *child {
	t.Helper()
	c := &child{Cmd: exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestApplierProcess$", "-test.count=1"), name: name}
	c.Env = append(os.Environ(), applierEndpoint+"="+s.url, applierLease+"="+s.lease, applierName+"="+name)
	c.Stdout, c.Stderr = &c.out, &c.out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// Ten processes start together and share a lease file: one acts.
func TestOneProcessActs(t *testing.T) {
	s := newSite(t)
	children := make([]*child, 10)
	for i := range children {
		children[i] = s.start(t, fmt.Sprintf("process-%d", i))
	}
	var all sync.WaitGroup
	for _, c := range children {
		all.Go(func() { _ = c.Wait() })
	}
	all.Wait()
	order, told := wantTurns(t, s.Sim.Calls()), 0
	if len(order) != 1 {
		t.Fatalf("these acted: %q", order)
	}
	for _, c := range children {
		switch c.ProcessState.ExitCode() {
		case 0:
		case 3:
			told++
			if !strings.Contains(c.out.String(), "is being applied by "+order[0]+" (process ") {
				t.Errorf("%s was told: %s", c.name, c.out.String())
			}
		default:
			t.Errorf("%s: %s", c.name, c.out.String())
		}
	}
	if told == 0 {
		t.Error("nobody was told")
	}
}

// Holders are killed while they act. The next one goes on at once, and no two
// ever act at a time.
func TestHoldersAreKilled(t *testing.T) {
	s := newSite(t)
	for round := range 4 {
		var crowd []*child
		for i := range 3 {
			crowd = append(crowd, s.start(t, fmt.Sprintf("round-%d-%d", round, i)))
		}
		acted := s.waitForChange(fmt.Sprintf("round-%d-", round))
		for _, c := range crowd {
			if c.name == acted {
				_ = c.Process.Kill()
			}
		}
		for _, c := range crowd {
			_ = c.Wait()
		}
	}
	for i := range 5 {
		last := s.start(t, fmt.Sprintf("last-%d", i))
		if err := last.Wait(); err != nil {
			t.Fatalf("%v: %s", err, last.out.String())
		}
	}
	wantTurns(t, s.Sim.Calls())
	for addr, rs := range s.Live().Live {
		if len(rs) > 1 {
			t.Errorf("%s is there %d times", addr, len(rs))
		}
	}
	s.WantEmpty()
}

// waitForChange waits until a session of that prefix has changed something,
// and gives its name; none if there is nothing left to change.
func (s *site) waitForChange(prefix string) string {
	for range 500 {
		for _, c := range changes(s.Sim.Calls()) {
			if strings.HasPrefix(c.Session, prefix) {
				return c.Session
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	return ""
}
