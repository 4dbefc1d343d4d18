package applier

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linkfleet/linkfleet/planner"
)

var errRefused = errors.New("AccessDenied: not you")

// A nature is how a resource of the toy world behaves.
type nature struct {
	call   time.Duration // how long its calls take
	usable time.Duration // from the call's end until usable (or gone, or broken)
	ready  time.Duration // from usable until ready
	needs  string        // not ready before this resource is usable
	busy   int           // how many calls are refused as busy
	half   int           // the call that is so only after it has had half of its effect
	err    error         // what every call is refused with
	broken string        // the state it breaks in once it should be usable
	late   string        // the state it breaks in once it should be ready
	stuck  bool          // never usable, or gone
	limbo  bool          // usable, but never ready
}

// A world is a toy AWS, and the actuator of every kind in it.
type world struct {
	natures map[string]nature // by name

	mu        sync.Mutex
	since     map[string]time.Time // by name: since when it is usable (or gone)
	calls     []string             // what was called, with the time since start
	asked     []string             // each question: kind, place, names
	tries     map[string]int
	underWay  int
	mostCalls int
	start     time.Time
	askTakes  time.Duration            // how long a question takes
	unread    func(question int) error // what a question is answered with, if not nil
	tooEarly  []string                 // calls before what they wait for was usable
	waitsFor  map[string][]string      // by name
}

func newWorld(natures map[string]nature) *world {
	return &world{natures: natures, since: map[string]time.Time{}, tries: map[string]int{}, start: time.Now()}
}

// change is a call about one resource.
func (w *world) change(ctx context.Context, verb string, r planner.Resource) error {
	n := w.natures[r.Addr.Name]
	w.mu.Lock()
	w.calls = append(w.calls, fmt.Sprintf("%v %s %s", time.Since(w.start), verb, r.Addr.Name))
	for _, on := range w.waitsFor[r.Addr.Name] {
		if !w.stands(on, 0) || w.natures[on].broken != "" {
			w.tooEarly = append(w.tooEarly, r.Addr.Name+" before "+on)
		}
	}
	w.tries[r.Addr.Name]++
	try := w.tries[r.Addr.Name]
	w.underWay++
	w.mostCalls = max(w.mostCalls, w.underWay)
	w.mu.Unlock()

	timer := time.NewTimer(n.call)
	defer timer.Stop()
	var err error
	select {
	case <-timer.C:
	case <-ctx.Done():
		err = fmt.Errorf("request cancelled: %w", ctx.Err())
	}

	w.mu.Lock()
	defer w.mu.Unlock()
	w.underWay--
	switch {
	case err != nil:
		return err
	case try <= n.busy && try == n.half:
		return Busy{Err: errors.New("DependencyViolation: halfway"), Half: true}
	case try <= n.busy:
		return fmt.Errorf("calling: %w", Busy{Err: errors.New("DependencyViolation: still\nin use")})
	case n.err != nil:
		return n.err
	}
	if !n.stuck {
		w.since[r.Addr.Name] = time.Now().Add(n.usable)
	}
	return nil
}

func (w *world) Create(ctx context.Context, want planner.Resource) (Made, error) {
	id := "id-" + want.Addr.Name
	return Made{ID: id, Outputs: planner.Outputs{"id": id}}, errors.Join(checkKnown(want), w.change(ctx, "create", want))
}

func (w *world) Update(ctx context.Context, was, want planner.Resource) (Made, error) {
	return Made{ID: was.ID, Outputs: was.Outputs}, errors.Join(checkKnown(want), w.change(ctx, "update", want))
}

func (w *world) Delete(ctx context.Context, was planner.Resource) error {
	return w.change(ctx, "delete", was)
}

// stands tells whether a resource has been usable for d.
func (w *world) stands(name string, d time.Duration) bool {
	since, ok := w.since[name]
	return ok && time.Since(since) >= d
}

// ask takes a question down, and answers by the state of the world then.
func ask[T any](ctx context.Context, w *world, place planner.Place, rs []planner.Resource, answer func(name string) T) ([]T, error) {
	w.mu.Lock()
	var names []string
	var answers []T
	for _, r := range rs {
		if r.Addr.Kind != rs[0].Addr.Kind || r.Addr.Place != place {
			w.mu.Unlock()
			return nil, fmt.Errorf("asked about %s together with %s", r.Addr, rs[0].Addr)
		}
		names = append(names, r.Addr.Name)
		answers = append(answers, answer(r.Addr.Name))
	}
	w.asked = append(w.asked, fmt.Sprintf("%v %s@%s: %s", time.Since(w.start), rs[0].Addr.Kind, place, strings.Join(names, " ")))
	n := len(w.asked)
	w.mu.Unlock()

	timer := time.NewTimer(w.askTakes)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if w.unread != nil {
		if err := w.unread(n); err != nil {
			return nil, err
		}
	}
	return answers, nil
}

func (w *world) Settled(ctx context.Context, place planner.Place, rs []planner.Resource) ([]Status, error) {
	return ask(ctx, w, place, rs, w.status)
}

func (w *world) Gone(ctx context.Context, place planner.Place, rs []planner.Resource) ([]bool, error) {
	return ask(ctx, w, place, rs, func(name string) bool { return w.stands(name, 0) })
}

func (w *world) status(name string) Status {
	n := w.natures[name]
	switch {
	case !w.stands(name, 0):
		return Status{Waiting, "provisioning"}
	case n.broken != "":
		return Status{Broken, n.broken}
	case n.needs != "" && !w.stands(n.needs, 0):
		return Status{Usable, "pendingAcceptance"}
	case n.limbo || !w.stands(name, n.ready):
		return Status{Usable, "pending"}
	case n.late != "":
		return Status{Broken, n.late}
	}
	return Status{Ready, "available"}
}

// planText reads "a; b: a; ~c: a b; -d" as steps that create a, create b once
// a stands, update c, delete d. A name may have a kind before it and a place
// after it: "endpoint/risk@risk/us-east-1".
func planText(text string) *planner.Plan {
	p := &planner.Plan{Fleet: "toy"}
	keys := map[string]planner.StepKey{}
	for part := range strings.SplitSeq(text, ";") {
		head, on, _ := strings.Cut(part, ":")
		s := toyStep(strings.TrimSpace(head))
		var spec toySpec
		for name := range strings.FieldsSeq(on) {
			s.WaitsFor = append(s.WaitsFor, keys[name])
			if keys[name].Action != planner.Delete {
				spec.On = append(spec.On, planner.Ref(keys[name].Addr, "id"))
			}
		}
		if s.Action != planner.Delete {
			s.After.Spec = spec
		}
		keys[s.Addr.Name] = s.StepKey
		p.Steps = append(p.Steps, s)
	}
	return p
}

func toyStep(text string) planner.Step {
	action := planner.Create
	switch text[0] {
	case '~':
		action = planner.Update
	case '-':
		action = planner.Delete
	}
	path, place, ok := strings.Cut(strings.TrimLeft(text, "~-"), "@")
	if !ok {
		place = "main/us-east-1"
	}
	account, region, _ := strings.Cut(place, "/")
	kind, name, ok := strings.Cut(path, "/")
	if !ok {
		kind, name = "thing", path
	}
	addr := planner.Addr{Kind: kind, Name: name, Place: planner.Place{Account: account, Region: region}}
	live := planner.Resource{Addr: addr, Spec: toySpec{}, ID: "id-" + name, Outputs: planner.Outputs{"id": "id-" + name}}
	s := planner.Step{StepKey: planner.StepKey{Action: action, Addr: addr}}
	switch action {
	case planner.Create:
		s.After = planner.Resource{Addr: addr}
	case planner.Update:
		s.Before, s.After = live, planner.Resource{Addr: addr}
	case planner.Delete:
		s.Before, s.ID = live, live.ID
	}
	return s
}

// A toySpec points to the ids of what its resource waits for.
type toySpec struct {
	On []planner.Value `json:"on"`
}

// checkKnown says whether a spec came with its values, which are ids.
func checkKnown(r planner.Resource) error {
	for _, v := range r.Spec.(toySpec).On {
		if v.IsRef() || !strings.HasPrefix(v.Known, "id-") {
			return fmt.Errorf("a value is not known: %+v", v)
		}
	}
	return nil
}

// everyKind has w for an actuator of every kind in p.
func (w *world) everyKind(p *planner.Plan) map[string]Actuator {
	m := map[string]Actuator{}
	for _, s := range p.Steps {
		m[s.Addr.Kind] = w
	}
	return m
}

// apply applies p in w and checks what holds of every run.
func (w *world) apply(t *testing.T, a Applier, p *planner.Plan, stop <-chan struct{}) (*Report, error) {
	t.Helper()
	return w.applyIn(t.Context(), t, a, p, stop)
}

func (w *world) applyIn(ctx context.Context, t *testing.T, a Applier, p *planner.Plan, stop <-chan struct{}) (*Report, error) {
	t.Helper()
	a.Actuators = w.everyKind(p)
	w.waitsFor = map[string][]string{}
	for _, s := range p.Steps {
		for _, on := range s.WaitsFor {
			w.waitsFor[s.Addr.Name] = append(w.waitsFor[s.Addr.Name], on.Addr.Name)
		}
	}
	observe := a.Observe
	var events []Event
	a.Observe = func(e Event) {
		events = append(events, e)
		if observe != nil {
			observe(e)
		}
	}
	rep, err := a.Apply(ctx, p, stop)
	checkAccounts(t, p, rep, events)
	if len(w.tooEarly) > 0 {
		t.Errorf("called too early: %v", w.tooEarly)
	}
	if (err == nil) != (rep.Err() == nil) {
		t.Errorf("Apply's error is %v, the report's %v", err, rep.Err())
	}
	return rep, err
}

// checkAccounts checks that report and events account for every step, once
// and alike.
func checkAccounts(t *testing.T, p *planner.Plan, rep *Report, events []Event) {
	t.Helper()
	if len(rep.Results) != len(p.Steps) {
		t.Fatalf("%d results of %d steps", len(rep.Results), len(p.Steps))
	}
	var starts, ends = map[planner.StepKey]int{}, map[planner.StepKey][]string{}
	for _, e := range events {
		switch {
		case len(ends[e.StepKey]) > 0:
			t.Errorf("%s: after its end", Line(e))
		case e.Kind == StepStarted:
			starts[e.StepKey]++
		case e.Kind != StepWaiting:
			ends[e.StepKey] = append(ends[e.StepKey], string(e.Kind))
		case starts[e.StepKey] == 0:
			t.Errorf("%s: before its start", Line(e))
		}
	}
	for i, res := range rep.Results {
		if res.StepKey != p.Steps[i].StepKey {
			t.Errorf("result %d is of %v; want %v", i, res.StepKey, p.Steps[i].StepKey)
		}
		wantStarts, wantEnds := 1, []string{string(res.State)}
		switch res.State {
		case Skipped:
			wantStarts = 0
		case NotStarted:
			wantStarts, wantEnds = 0, nil
		}
		if starts[res.StepKey] != wantStarts || !slices.Equal(ends[res.StepKey], wantEnds) {
			t.Errorf("%s is %s, but the events say: started %d times, %v", res.Addr, res.State, starts[res.StepKey], ends[res.StepKey])
		}
		if (res.Err != nil) != (res.State == Failed) || res.State == Skipped && res.Because == nil {
			t.Errorf("%s is %s, with error %v, because %v", res.Addr, res.State, res.Err, res.Because)
		}
	}
	if len(events) > 0 {
		checkCounts(t, rep, events[len(events)-1].Counts)
	}
}

func checkCounts(t *testing.T, rep *Report, c Counts) {
	t.Helper()
	want := Counts{
		Done: rep.Count(Done), Failed: rep.Count(Failed), Skipped: rep.Count(Skipped),
		Unfinished: rep.Count(Unfinished), Total: len(rep.Results),
	}
	if c != want {
		t.Errorf("the last event counts %+v, the report %+v", c, want)
	}
}

// states is "a done; b failed".
func states(rep *Report) string {
	var parts []string
	for _, r := range rep.Results {
		part := r.Addr.Name + " " + string(r.State)
		if r.Because != nil {
			part += " because of " + r.Because.Addr.Name
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}
