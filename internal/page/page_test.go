package page

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/linkfleet/linkfleet/internal/ledger"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// A source is a Source whose answers are known.
type source struct {
	fleet   Fleet
	applied *ledger.Run
	runs    []ledger.Run
	waits   []ledger.Wait
	drifts  []ledger.Drift
	pauses  []ledger.Pause
	jobs    []ledger.Job
	err     error
}

func (s *source) Fleet() Fleet { return s.fleet }

func (s *source) LastApplied(context.Context, string) (ledger.Run, bool, error) {
	if s.applied == nil {
		return ledger.Run{}, false, s.err
	}
	return *s.applied, true, s.err
}

func (s *source) LastSuccess(ctx context.Context, fleet string) (ledger.Run, bool, error) {
	whole, err := s.Runs(ctx, ledger.RunFilter{Fleet: fleet, Whole: true})
	for _, r := range whole {
		if r.Outcome.Well() {
			return r, true, err
		}
	}
	return ledger.Run{}, false, err
}

func (s *source) Runs(_ context.Context, f ledger.RunFilter) (found []ledger.Run, err error) {
	for _, r := range s.runs {
		wanted := (f.Fleet == "" || f.Fleet == r.Fleet) && (f.Kind == "" || f.Kind == r.Kind) &&
			(f.Before == 0 || r.ID < f.Before) && (!f.Whole || r.Kind.Whole())
		if wanted && (f.Limit == 0 || len(found) < f.Limit) {
			found = append(found, r)
		}
	}
	return found, s.err
}

func (s *source) Run(_ context.Context, id int64) (ledger.Run, bool, error) {
	for _, r := range s.runs {
		if r.ID == id {
			return r, true, s.err
		}
	}
	return ledger.Run{}, false, s.err
}

func (s *source) Waits(context.Context, string) ([]ledger.Wait, error) { return s.waits, s.err }

type withFleet interface{ Fleet() Fleet }

// A ledger is a source but for the fleet.
var _ Source = struct {
	*ledger.Ledger
	withFleet
}{}

func (s *source) Drifts(context.Context, string) (open []ledger.Drift, err error) {
	for _, d := range s.drifts {
		if d.Healed.IsZero() {
			open = append(open, d)
		}
	}
	return open, s.err
}

func (s *source) DriftOf(context.Context, ledger.Run) (ledger.DriftCount, bool, error) {
	return ledger.DriftCount{}, false, s.err
}

func (s *source) DriftHistory(context.Context, string, int) ([]ledger.Drift, error) {
	return s.drifts, s.err
}

func (s *source) Pauses(context.Context, string) ([]ledger.Pause, error) { return s.pauses, s.err }

func (s *source) Jobs(context.Context, string) ([]ledger.Job, error) { return s.jobs, s.err }

const aReport = `{"plan": {"summary": {"text": "Plan: 1 to create, 1 to change; waiting for partner-c"},
"steps": [
 {"action":"create","addr":{"kind":"endpoint","name":"fraud/risk","place":{"account":"risk","region":"us-east-1"}},"verb":"create","fields":[{"path":"subnets","added":["subnet-1","subnet-2"]}]},
 {"action":"update","addr":{"kind":"load-balancer","name":"fraud","place":{"account":"platform","region":"us-east-1"}},"verb":"update","fields":[{"path":"crossZone","before":"false","after":"true"}]}],
"blocked": [{"action":"delete","addr":{"kind":"endpoint-service","name":"ledger","place":{"account":"platform","region":"us-east-1"}},"verb":"delete","group":{},"cause":"guard","reason":"2 endpoints use it","mend":"say so in the service's allowDelete"}],
"notes": [{"kind":"waiting","group":{},"addr":{"kind":"connection","name":"fraud/partner-c","place":{"account":"platform","region":"us-east-1"}},"text":"partner-c has not connected"}],
"unread": [{"place":{"account":"dns","region":"global"},"reason":"the role cannot be assumed"}]},
"report": {"steps": [
 {"action":"create","addr":{"kind":"endpoint","name":"fraud/risk","place":{"account":"risk","region":"us-east-1"}},"state":"done","made":"vpce-1","seconds":62.5},
 {"action":"update","addr":{"kind":"load-balancer","name":"fraud","place":{"account":"platform","region":"us-east-1"}},"state":"failed","error":"load-balancer/fraud: AccessDenied"},
 {"action":"update","addr":{"kind":"connection","name":"fraud/partner-b","place":{"account":"platform","region":"us-east-1"}},"state":"done","reason":"accepted"}]}}`

func busy() *source {
	hours := func(n float64) time.Time { return noon.Add(-time.Duration(n * float64(time.Hour))) }
	applied := ledger.Run{ID: 41, Fleet: "payments-platform", Kind: ledger.ApplyRun, Commit: "3fa9c1d2b0aa77e13fa9c1d2b0aa77e13fa9c1d2", Subject: "risk: a second subnet (#118)", Ref: "main",
		Began: hours(5), Ended: hours(5).Add(94 * time.Second), Outcome: ledger.Done, Counts: ledger.Counts{Created: 3, Changed: 1}}
	return &source{
		fleet: Fleet{Name: "payments-platform", Services: []Service{
			{"fraud", "platform", "us-east-1", []Consumer{{"risk", true}, {"lending", true}, {"partner-a", false}, {"partner-c", false}}},
			{"ledger", "platform", "eu-central-1", []Consumer{{"https", true}, {"reporting", true}}},
			{"tokens", "vault", "us-east-1", nil},
		}},
		applied: &applied,
		waits: []ledger.Wait{
			{Address: "connection/fraud/partner-c@platform/us-east-1", What: "partner-c has not connected to fraud", Since: hours(76)},
			{Address: "endpoint/fraud/risk@risk/us-east-1", Blocked: true, What: "account risk could not be read: its role cannot be assumed", Since: hours(2)},
		},
		drifts: []ledger.Drift{
			{ID: 3, Address: "listener/ledger/https@platform/eu-central-1", Fields: []string{"idleTimeout"}, Found: hours(1), Run: 43},
			{ID: 2, Address: "security-group/ledger@platform/eu-central-1", Fields: []string{"ingress"}, Found: hours(30), Healed: hours(29.9)},
			{ID: 1, Address: "endpoint/fraud/lending@lending/us-east-1", Found: hours(50), Healed: hours(49)},
		},
		pauses: []ledger.Pause{{Fleet: "payments-platform", Service: "tokens", Reason: "the vault is being moved to its own account", Who: "ana", Since: hours(20)}},
		jobs: []ledger.Job{
			{ID: 9, Kind: ledger.PullJob, Key: "121", Commit: "b0aa77e13fa9", Enqueued: hours(0.02), Taken: hours(0.01), Attempts: 1},
			{ID: 10, Kind: ledger.PushJob, Key: "main", Commit: "77e13fa9c1d2", Enqueued: hours(0.5), NotBefore: noon.Add(21 * time.Hour), Attempts: 2, LastError: "outside the windows"},
		},
		runs: []ledger.Run{
			{ID: 44, Fleet: "payments-platform", Kind: ledger.PreviewRun, Pull: 121, Commit: "b0aa77e13fa9", Subject: "fraud: let partner-d in", Began: noon.Add(-30 * time.Second), Outcome: ledger.Running},
			{ID: 43, Fleet: "payments-platform", Kind: ledger.HealRun, Commit: applied.Commit, Subject: applied.Subject, Began: hours(1), Ended: hours(0.98), Outcome: ledger.Failed,
				Error: "load-balancer/fraud@platform/us-east-1: AccessDenied", Counts: ledger.Counts{Created: 1, Blocked: 1, Waiting: 1}, Digest: "c3699b36804caad2", Report: json.RawMessage(aReport)},
			{ID: 42, Fleet: "payments-platform", Kind: ledger.DriftRun, Commit: applied.Commit, Subject: applied.Subject, Began: hours(3), Ended: hours(2.99), Outcome: ledger.Nothing},
			applied,
			{ID: 40, Fleet: "payments-platform", Kind: ledger.ApplyRun, Commit: "1111c1d2b0aa", Subject: "tokens: the new vault", Began: hours(29), Ended: hours(28), Outcome: ledger.Refused, Error: "4 deletes, but the fleet allows 2 at once"},
			{ID: 39, Fleet: "payments-platform", Kind: ledger.ApplyRun, Commit: "2222c1d2b0aa", Began: hours(29.2), Ended: hours(29.1), Outcome: ledger.Interrupted},
		},
	}
}

func get(t *testing.T, src Source, path string) *httptest.ResponseRecorder {
	t.Helper()
	return do(src, httptest.NewRequest(http.MethodGet, path, nil))
}

func do(src Source, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	Handler(src, func() time.Time { return noon }).ServeHTTP(w, r)
	return w
}

// row is the table row with a text, without its tags.
func row(t *testing.T, page, with string) string {
	t.Helper()
	for _, part := range strings.Split(page, "<tr")[1:] {
		text := plain("<tr" + strings.SplitN(part, "</tr>", 2)[0])
		if strings.Contains(text, with) {
			return text
		}
	}
	t.Fatalf("no row has %q", with)
	return ""
}

func plain(html string) string {
	var b strings.Builder
	for _, part := range strings.Split(html, "<") {
		_, text, _ := strings.Cut(part, ">")
		b.WriteString(" " + text)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func TestFront(t *testing.T) {
	w := get(t, busy(), "/")
	if w.Code != http.StatusOK {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	page := w.Body.String()
	for with, want := range map[string]string{
		"fraud platform":         "fraud platform · us-east-1 ok",
		"risk managed":           "risk managed blocked account risk could not be read: its role cannot be assumed 2 hours ago",
		"lending managed":        "lending managed ok",
		"partner-c partner":      "partner-c partner waiting partner-c has not connected to fraud 3 days ago",
		"ledger platform":        "ledger platform · eu-central-1 drifted listener: idleTimeout 1 hour ago",
		"https managed":          "https managed ok", // a consumer, not the listener
		"tokens vault":           "tokens vault · us-east-1 ok paused",
		"no consumers":           "no consumers",
		"listener/ledger/https@": "listener/ledger/https@platform/eu-central-1 idleTimeout 1 hour ago run 43",
		"endpoint/fraud/lending": "endpoint/fraud/lending@lending/us-east-1 missing, or not to be there 2 days ago",
		"pull 121":               "pull 121 at b0aa77e13f runs just now",
		"push main":              "push main at 77e13fa9c1 waits, due in 21 hours , attempt 2 outside the windows 30 minutes ago",
		"preview of 121":         "44 preview of 121 running fraud: let partner-d in b0aa77e13f just now",
		"41 apply":               "41 apply done 3 created, 1 changed risk: a second subnet (#118) 3fa9c1d2b0 5 hours ago 1m 34s",
		"42 drift":               "42 drift nothing to do risk: a second subnet (#118) 3fa9c1d2b0 3 hours ago 36s",
	} {
		if got := row(t, page, with); got != want {
			t.Errorf("row %q:\n got %s\nwant %s", with, got, want)
		}
	}
	text := plain(page)
	for _, want := range []string{
		"1 blocked · 1 drifted · 1 waiting",
		"Paused: service tokens. the vault is being moved to its own account · by ana, 20 hours ago",
		"Last run heal failed 1 hour ago , took 1m 12s",
		"Applied risk: a second subnet (#118) 3fa9c1d2b0 by run 41 , 5 hours ago",
		"Healed recently (2)",
		"as of 2026-11-22 12:00:00 UTC",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, want := range []string{`<html lang="en">`, `<title>payments-platform · linkfleet</title>`, `http-equiv="refresh" content="30"`,
		`<time datetime="2026-11-22T07:00:00Z" title="2026-11-22 07:00:00 UTC">5 hours ago</time>`, `href="runs/43"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

func TestQuietFleets(t *testing.T) {
	quiet := busy()
	quiet.waits, quiet.drifts, quiet.runs = nil, nil, quiet.runs[2:4]
	if text := plain(get(t, quiet, "/").Body.String()); !strings.Contains(text, "As the repository wants it") {
		t.Errorf("a fleet with nothing amiss says %s", text)
	}
	quiet.runs = append([]ledger.Run{
		{ID: 50, Fleet: quiet.fleet.Name, Kind: ledger.PreviewRun, Outcome: ledger.Failed}, {ID: 49, Fleet: quiet.fleet.Name, Kind: ledger.HealRun, Outcome: ledger.Refused},
	}, quiet.runs...)
	if text := plain(get(t, quiet, "/").Body.String()); !strings.Contains(text, "Run 49: refused") {
		t.Errorf("after a run that was refused it says %s", text)
	}
	part := busy()
	part.waits, part.drifts, part.runs = nil, nil, []ledger.Run{{ID: 50, Fleet: part.fleet.Name, Kind: ledger.ShardRun, Outcome: ledger.Done}}
	if text := plain(get(t, part, "/").Body.String()); !strings.Contains(text, "No run has looked at AWS yet") {
		t.Errorf("after a run of a part it says %s", text)
	}
	text := plain(get(t, &source{}, "/").Body.String())
	for _, want := range []string{"not loaded yet", "No run has looked at AWS yet", "no commit yet", "There was no run yet."} {
		if !strings.Contains(text, want) {
			t.Errorf("an empty ledger's page lacks %q", want)
		}
	}
	fresh := busy()
	fresh.waits, fresh.drifts, fresh.runs, fresh.applied = nil, nil, nil, nil
	if got := row(t, get(t, fresh, "/").Body.String(), "risk managed"); got != "risk managed unknown" {
		t.Errorf("before any run, a consumer is %q", got)
	}
}

func TestRun(t *testing.T) {
	w := get(t, busy(), "/runs/43")
	if w.Code != http.StatusOK {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	page := w.Body.String()
	for with, want := range map[string]string{
		"endpoint/fraud/risk":   "create endpoint/fraud/risk@risk/us-east-1 done 1m 02s subnets subnet-1, subnet-2",
		"load-balancer/fraud":   "update load-balancer/fraud@platform/us-east-1 failed load-balancer/fraud: AccessDenied crossZone false true",
		"connection/fraud/part": "update connection/fraud/partner-b@platform/us-east-1 done accepted",
		"2 endpoints use it":    "delete endpoint-service/ledger@platform/us-east-1 2 endpoints use it say so in the service's allowDelete",
		"dns/global":            "dns/global unread the role cannot be assumed",
		"has not connected":     "connection/fraud/partner-c@platform/us-east-1 waiting partner-c has not connected",
	} {
		got := strings.ReplaceAll(row(t, page, with), "&#39;", "'")
		if got != want {
			t.Errorf("row %q:\n got %s\nwant %s", with, got, want)
		}
	}
	text := plain(page)
	for _, want := range []string{"Run 43", "heal · failed", "load-balancer/fraud@platform/us-east-1: AccessDenied", "Plan: 1 to create, 1 to change", "c3699b36804caad2"} {
		if !strings.Contains(text, want) {
			t.Errorf("the run's page lacks %q", want)
		}
	}
	if strings.Contains(page, "http-equiv") {
		t.Error("a run's page refreshes, though it is read at leisure")
	}
}

func TestRunsThatAreNotWhole(t *testing.T) {
	src := busy()
	src.runs[1].Report = json.RawMessage(`{"plan": {"steps": 7}}`)
	src.runs[2].Report = json.RawMessage(`{"plan": null, "report": null}`)
	for path, want := range map[string]string{
		"/runs/44": "The steps are shown when the run has ended.",
		"/runs/43": "cannot be read",
		"/runs/42": "There was nothing to do.",
	} {
		if text := plain(get(t, src, path).Body.String()); !strings.Contains(text, want) {
			t.Errorf("%s lacks %q: %s", path, want, text)
		}
	}
}

func TestLongRunsAreCut(t *testing.T) {
	src := busy()
	step := `{"action":"create","addr":{"kind":"endpoint","name":"s/c","place":{"account":"a","region":"r"}}}`
	src.runs[1].Report = json.RawMessage(`{"plan":{"steps":[` + strings.Repeat(step+",", stepsShown+6) + step + `]}}`)
	text := plain(get(t, src, "/runs/43").Body.String())
	if !strings.Contains(text, "7 more steps are not shown.") || strings.Count(text, "endpoint/s/c@a/r") != stepsShown {
		t.Errorf("%d steps are shown", strings.Count(text, "endpoint/s/c@a/r"))
	}
}

func TestAnswers(t *testing.T) {
	for _, tt := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/", 200}, {"HEAD", "/", 200}, {"POST", "/", 405}, {"DELETE", "/runs/43", 405}, {"PUT", "/", 405},
		{"GET", "/runs/43", 200}, {"GET", "/runs/99", 404}, {"GET", "/runs/x", 404}, {"GET", "/runs/", 404},
		{"GET", "/runs/99999999999999999999", 404}, {"GET", "/favicon.ico", 404}, {"GET", "/runs/43/x", 404},
	} {
		w := do(busy(), httptest.NewRequest(tt.method, tt.path, nil))
		if w.Code != tt.want {
			t.Errorf("%s %s: %d, want %d", tt.method, tt.path, w.Code, tt.want)
		}
		h := w.Header()
		if csp := h.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; style-src 'sha256-") {
			t.Errorf("%s %s: policy %q", tt.method, tt.path, csp)
		}
		if h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s %s: headers %v", tt.method, tt.path, h)
		}
	}
	first := get(t, busy(), "/")
	again := httptest.NewRequest(http.MethodGet, "/", nil)
	again.Header.Set("If-None-Match", first.Header().Get("ETag"))
	if w := do(busy(), again); first.Header().Get("ETag") == "" || w.Code != http.StatusNotModified {
		t.Errorf("what has not changed is sent again: %d", w.Code)
	}
}

func TestTroubleIsNotTold(t *testing.T) {
	src := busy()
	src.err = errors.New("open /var/lib/secret-place: denied")
	for _, path := range []string{"/", "/runs/43"} {
		w := get(t, src, path)
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "secret-place") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// Whatever others wrote is shown and does nothing.
func TestHostileText(t *testing.T) {
	const evil = "</style></title><script>alert(1)</script>\" onload=x '\x1b[2J\u202egnp\u200b\x00\xff"
	src := busy()
	src.fleet = Fleet{Name: evil, Services: []Service{{evil, evil, evil, []Consumer{{evil, false}}}}}
	src.waits = []ledger.Wait{{Address: evil, What: evil, Since: noon}, {Address: "endpoint/" + evil + "@", Blocked: true, What: evil}}
	src.drifts = []ledger.Drift{{Address: evil, Fields: []string{evil}}, {Address: evil, Healed: noon}}
	src.pauses = []ledger.Pause{{Service: evil, Reason: evil, Who: evil}}
	src.jobs = []ledger.Job{{Kind: evil, Key: evil, Commit: evil, LastError: evil}}
	report, err := json.Marshal(map[string]any{
		"plan": map[string]any{"summary": map[string]any{"text": evil},
			"steps":   []any{map[string]any{"verb": evil, "action": evil, "addr": map[string]any{"kind": evil, "name": evil}, "fields": []any{map[string]any{"path": evil, "before": evil, "added": []string{evil}}}}},
			"blocked": []any{map[string]any{"verb": evil, "reason": evil, "mend": evil}},
			"notes":   []any{map[string]any{"kind": evil, "text": evil}},
			"unread":  []any{map[string]any{"place": map[string]any{"account": evil}, "reason": evil}}},
		"report": map[string]any{"interrupted": evil, "steps": []any{map[string]any{"action": evil, "state": evil, "error": evil}}}})
	if err != nil {
		t.Fatal(err)
	}
	src.runs = []ledger.Run{{ID: 1, Fleet: evil, Kind: evil, Commit: evil, Subject: evil, Ref: evil, Outcome: evil, Digest: evil, Error: evil, Report: report}}
	for _, path := range []string{"/", "/runs/1"} {
		page := get(t, src, path).Body.String()
		if strings.Contains(page, "<script") || strings.Contains(page, `" onload`) || strings.Count(page, "</style>") != 1 || strings.Count(page, "</title>") != 1 {
			t.Errorf("%s lets markup through:\n%s", path, page)
		}
		if strings.ContainsAny(page, "\x00\x1b\u202e\u200b") || !utf8.ValidString(page) {
			t.Errorf("%s lets characters through that are not seen", path)
		}
		if !strings.Contains(page, `\u202egnp\u200b`) {
			t.Errorf("%s hides them", path)
		}
	}
}

func TestAgo(t *testing.T) {
	p := &pages{now: func() time.Time { return noon }}
	for d, want := range map[time.Duration]string{
		0: "just now", 59 * time.Second: "just now", time.Minute: "1 minute ago", 119 * time.Minute: "1 hour ago",
		47 * time.Hour: "47 hours ago", 48 * time.Hour: "2 days ago", 100 * 24 * time.Hour: "14 August 2026",
		-30 * time.Second: "in a moment", -5 * time.Minute: "in 5 minutes",
	} {
		if got := p.at(noon.Add(-d)).Ago; got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
