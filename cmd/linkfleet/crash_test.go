package main

import (
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/schema"
)

// everywhere asks for a crash at every call.
var everywhere = os.Getenv("LINKFLEET_CRASHES") == "all"

// A killer serves AWS and kills the process that calls it, at its nth call:
// before the call has its effect or after, and always before the answer.
type killer struct {
	aws   http.Handler
	nth   int // 0: it lets live
	after bool

	mu     sync.Mutex
	calls  int
	victim *os.Process
	struck bool
}

func (k *killer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch k.turn() {
	case spare:
		k.aws.ServeHTTP(w, r)
	case strikeNow:
		if k.after {
			k.aws.ServeHTTP(httptest.NewRecorder(), r)
		}
		_ = k.victim.Kill() // it may have gone by itself
		panic(http.ErrAbortHandler)
	default: // the process is dead and could not have sent it
		panic(http.ErrAbortHandler)
	}
}

const (
	spare = iota
	strikeNow
	tooLate
)

func (k *killer) turn() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls++
	switch {
	case k.struck:
		return tooLate
	case k.calls == k.nth:
		k.struck = true
		return strikeNow
	}
	return spare
}

// reprieve lets every later process live.
func (k *killer) reprieve() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.nth, k.struck = 0, false
}

// A crashSite is a fleet in a folder, and an AWS of its own that processes reach.
type crashSite struct {
	t       *testing.T
	dir     string
	fleet   string
	address string
	sim     *awssim.Sim
	killer  *killer
}

// crashSpeed is how much faster than the wall the simulator's clock runs.
const crashSpeed = 2000

// crashPatience is minutes by the wall: at that speed a busy machine takes
// hours for what AWS does in seconds.
const crashPatience = "100h"

func newCrashSite(t *testing.T, unpack func(t *testing.T, dir string)) *crashSite {
	t.Helper()
	s := &crashSite{t: t, dir: t.TempDir()}
	unpack(t, s.dir)
	s.fleet = filepath.Join(s.dir, "fleet")
	world, err := awssim.LoadWorld(filepath.Join(s.dir, "world.cue"))
	if err != nil {
		t.Fatal(err)
	}
	if s.sim, err = awssim.New(awssim.Options{World: world, Speed: crashSpeed}); err != nil {
		t.Fatal(err)
	}
	s.killer = &killer{aws: s.sim}
	server := httptest.NewUnstartedServer(s.killer)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	s.address = server.URL
	return s
}

// unpackSmall writes the small fleet.
func unpackSmall(t *testing.T, dir string) {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/fixture/small.txtar")
	if err == nil {
		err = txtar.Write(archive, dir)
	}
	if err == nil {
		_, err = schema.WriteSchema(filepath.Join(dir, "fleet"))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// unpackExample copies the example.
func unpackExample(t *testing.T, dir string) {
	t.Helper()
	const from = "../../fleet.example"
	if err := os.CopyFS(filepath.Join(dir, "fleet"), os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "fleet", "sandbox", "world.cue"), filepath.Join(dir, "world.cue")); err != nil {
		t.Fatal(err)
	}
}

// apply is a process of its own.
func (s *crashSite) apply() (string, error) {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), "linkfleet", "apply", s.fleet, "--yes",
		"--endpoint-url", s.address, "--speed", fmt.Sprint(crashSpeed), "--timeout", crashPatience)
	cmd.Env = append(os.Environ(), "HOME="+s.dir, "XDG_CACHE_HOME=", "NO_COLOR=1",
		"AWS_ACCESS_KEY_ID=AKIAHUB", "AWS_SECRET_ACCESS_KEY=secret",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true")
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.killer.mu.Lock()
	s.killer.victim = cmd.Process
	s.killer.mu.Unlock()
	err := cmd.Wait()
	return out.String(), err
}

// mustApply wants a process that does all there is to do.
func (s *crashSite) mustApply() {
	s.t.Helper()
	if out, err := s.apply(); err != nil {
		s.t.Fatalf("%v: %s", err, out)
	}
}

// remove takes every service out of the files, and names them.
func (s *crashSite) remove() {
	s.t.Helper()
	fleet, _, err := schema.Load(s.t.Context(), s.fleet, time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(fleet.Services)) {
		names = append(names, fmt.Sprintf("%q", "services/"+name))
	}
	err = filepath.WalkDir(s.fleet, func(path string, d os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".cue") || filepath.Base(path) == "schema.cue" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), "\nservices:") {
			return err
		}
		return os.Remove(path)
	})
	if err == nil {
		text := "package fleet\n\nfleet: removed: [" + strings.Join(names, ", ") + "]\n" +
			"fleet: limits: {deletes: {count: 1000, percent: 100}, rejections: {count: 1000, percent: 100}}\n"
		err = os.WriteFile(filepath.Join(s.fleet, "removed.cue"), []byte(text), 0o644)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// standing counts what stands by type, place and tags.
func (s *crashSite) standing() map[string]int {
	counts := map[string]int{}
	for _, o := range s.sim.Inventory() {
		tags := make([]string, 0, len(o.Tags))
		for _, key := range slices.Sorted(maps.Keys(o.Tags)) {
			tags = append(tags, key+"="+o.Tags[key])
		}
		counts[fmt.Sprintf("%s %s/%s %s", o.Type, o.Account, o.Region, strings.Join(tags, " "))]++
	}
	return counts
}

// A crashCase is what is cut short: the apply of a fleet, or its destruction.
type crashCase struct {
	unpack  func(t *testing.T, dir string)
	destroy bool
}

func (c crashCase) begin(t *testing.T) *crashSite {
	s := newCrashSite(t, c.unpack)
	if c.destroy {
		s.mustApply()
		s.remove()
	}
	s.killer.calls = 0
	return s
}

// try kills a process and wants the next to leave what one alone would have.
func (c crashCase) try(t *testing.T, nth int, after bool, want map[string]int) {
	s := c.begin(t)
	s.killer.nth, s.killer.after = nth, after
	out, err := s.apply()
	if !s.killer.struck {
		return // it made fewer calls this time
	}
	if err == nil || strings.Contains(out, "Applied:") {
		t.Fatalf("the process lived: %v: %s", err, out)
	}
	s.killer.reprieve()
	s.mustApply()
	var got map[string]int
	for range 100 { // partners come by themselves
		if got = s.standing(); maps.Equal(got, want) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	for what, n := range want {
		if got[what] != n {
			t.Errorf("%d × %s, want %d", got[what], what, n)
		}
	}
	for what, n := range got {
		if want[what] == 0 {
			t.Errorf("%d × %s, want none", n, what)
		}
	}
}

// run kills at calls a stride apart.
func (c crashCase) run(t *testing.T, stride int) {
	s := c.begin(t)
	s.mustApply()
	calls := s.killer.calls
	time.Sleep(50 * time.Millisecond) // partners come
	want := s.standing()
	for nth := 1; nth <= calls; nth += stride {
		t.Run(fmt.Sprint(nth), func(t *testing.T) {
			t.Parallel()
			if everywhere {
				c.try(t, nth, false, want)
			}
			c.try(t, nth, true, want)
		})
	}
}

// A process killed with SIGKILL at a call of its apply, or of its destroy,
// leaves nothing that the next process does not find: not twice, not
// forgotten. With LINKFLEET_CRASHES=all this is so before and after every call,
// of the example.
func TestKilledProcess(t *testing.T) {
	unpack, stride := unpackSmall, 12
	if everywhere {
		unpack, stride = unpackExample, 1
	}
	t.Run("apply", func(t *testing.T) { crashCase{unpack: unpack}.run(t, stride) })
	t.Run("destroy", func(t *testing.T) { crashCase{unpack: unpack, destroy: true}.run(t, stride) })
}
