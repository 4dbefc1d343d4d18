package page

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/linkfleet/linkfleet/internal/ledger"
)

type fleetOf struct{ fleet Fleet }

func (f fleetOf) Fleet() Fleet { return f.fleet }

// The page of a real state folder.
func TestOfALedger(t *testing.T) {
	ctx := t.Context()
	l, err := ledger.Open(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	began := noon.Add(-time.Hour)
	run := ledger.Run{Fleet: "payments", Kind: ledger.ApplyRun, Commit: "3fa9c1d2b0aa77e1", Subject: "risk: a subnet", Began: began}
	run.ID, err = l.BeginRun(ctx, run)
	must(err)
	run.Ended, run.Outcome, run.Report = began.Add(time.Minute), ledger.Done, json.RawMessage(aReport)
	must(l.EndRun(ctx, run))
	glance := ledger.Glance{Fleet: "payments", At: began, Run: run.ID}
	_, err = l.ObserveWaits(ctx, glance, []ledger.Wait{{Address: "connection/fraud/partner-c@platform/us-east-1", What: "partner-c has not connected"}})
	must(err)
	_, err = l.ObserveDrift(ctx, glance, []ledger.Drift{{Address: "listener/fraud/https@platform/us-east-1", Fields: []string{"idleTimeout"}}})
	must(err)
	glance.At = noon
	_, err = l.ObserveDrift(ctx, glance, nil)
	must(err)
	look := ledger.Run{Fleet: "payments", Kind: ledger.DriftRun, Commit: run.Commit, Began: began.Add(10 * time.Minute)}
	look.ID, err = l.BeginRun(ctx, look)
	must(err)
	look.Ended, look.Outcome, look.Digest = look.Began.Add(time.Minute), ledger.Nothing, "d"
	must(l.EndRun(ctx, look))
	for range runsShown { // of as many pull requests, previewed anew after the merge
		preview := ledger.Run{Fleet: "payments", Kind: ledger.PreviewRun, Pull: 7, Began: noon}
		preview.ID, err = l.BeginRun(ctx, preview)
		must(err)
		preview.Ended, preview.Outcome = noon, ledger.Failed
		must(l.EndRun(ctx, preview))
	}
	must(l.Pause(ctx, ledger.Pause{Fleet: "payments", Reason: "a migration", Who: "ana", Since: noon}))
	_, err = l.Enqueue(ctx, ledger.Job{Fleet: "payments", Kind: ledger.PushJob, Key: "main", Enqueued: noon})
	must(err)

	src := struct {
		*ledger.Ledger
		fleetOf
	}{l, fleetOf{Fleet{Name: "payments", Services: []Service{{"fraud", "platform", "us-east-1", []Consumer{{"partner-c", false}}}}}}}
	h := Handler(src, func() time.Time { return noon })
	for path, want := range map[string][]string{
		"/": {"1 waiting", "partner-c partner waiting partner-c has not connected 1 hour ago", "Nothing has drifted.", "Healed recently (1)",
			"Paused: the whole fleet. a migration", "push main waits", "Applied risk: a subnet 3fa9c1d2b0 by run 1", "fraud platform · us-east-1 ok", "Last run drift nothing done"},
		"/runs/2": {"nothing done", "Resources 1 drifted"},
		"/runs/1": {"endpoint/fraud/risk@risk/us-east-1 done"},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		text := plain(w.Body.String())
		for _, s := range want {
			if !strings.Contains(text, s) {
				t.Errorf("%s (%d) lacks %q:\n%s", path, w.Code, s, text)
			}
		}
	}
}
