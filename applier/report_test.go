package applier

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/linkfleet/linkfleet/planner"
)

// sample is a report with everything that can be in one.
func sample() *Report {
	at := func(action planner.Action, path, account string) planner.StepKey {
		addr, err := planner.ParsePath(path, planner.Place{Account: account, Region: "us-east-1"})
		if err != nil {
			panic(err)
		}
		return planner.StepKey{Action: action, Addr: addr}
	}
	fraud := planner.Group{Service: "fraud"}
	risk := planner.Group{Service: "fraud", Consumer: "risk"}
	endpoint := at(planner.Create, "endpoint/fraud/risk", "risk")
	old := at(planner.Delete, "security-group/fraud/old", "risk")
	old.ID = "sg-0aa"
	return &Report{
		Fleet:  "payments-platform",
		Commit: "4f2c0de",
		Began:  time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC),
		Took:   3*time.Minute + 12*time.Second + 345*time.Millisecond,
		Results: []Result{
			{StepKey: at(planner.Create, "endpoint-service/fraud", "platform"), Group: fraud, Origin: "fraud.cue:4",
				State: Done, Made: "vpce-svc-0abc", Reason: "Available", Took: 2340 * time.Millisecond},
			{StepKey: at(planner.Update, "service-permissions/fraud", "platform"), Group: fraud, Origin: "fraud.cue:30",
				State: Done, Made: "vpce-svc-0abc", Started: 2340 * time.Millisecond, Took: 150 * time.Millisecond},
			{StepKey: endpoint, Group: risk, Origin: "fraud.cue:38", State: Failed, Made: "vpce-0def", Reason: "failed",
				Err:     fmt.Errorf("%s: creating: AWS says failed\n(no capacity)", endpoint.Addr),
				Started: 2500 * time.Millisecond, Took: 61 * time.Second},
			{StepKey: at(planner.Create, "connection/fraud/risk", "platform"), Group: risk, Origin: "fraud.cue:38",
				State: Skipped, Because: &endpoint},
			{StepKey: at(planner.Create, "endpoint/fraud/lending", "lending"), Group: planner.Group{Service: "fraud", Consumer: "lending"},
				State: Unfinished, Made: "vpce-0123", Reason: "pendingAcceptance", Because: &endpoint,
				Started: 2500 * time.Millisecond, Took: 3 * time.Minute},
			{StepKey: at(planner.Create, "endpoint/fraud/ledger", "ledger"), State: Unfinished, Reason: "cut short while creating",
				Started: 3 * time.Minute, Took: 12 * time.Second},
			{StepKey: old, Group: risk, State: Done, Reason: "gone", Started: time.Second, Took: 1200 * time.Millisecond},
			{StepKey: at(planner.Create, "endpoint-private-dns/fraud/ledger", "ledger"), State: NotStarted},
		},
		Blocked: []planner.Blocked{{
			StepKey: at(planner.Create, "endpoint/fraud/partner", "partner"),
			Group:   planner.Group{Service: "fraud", Consumer: "partner"},
			Cause:   planner.CauseUnread,
			Reason:  "partner/us-east-1 could not be read: AccessDenied",
			Mend:    "let role linkfleet be assumed",
		}},
		Interrupted: ErrStopped,
	}
}

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; run with -update to accept):\n%s", path, diff)
	}
}

func TestReportGoldens(t *testing.T) {
	paint := func(s State, word string) string { return "<" + string(s) + ">" + word + "</>" }
	tests := []struct {
		file  string
		write func(io.Writer, *Report) error
	}{
		{"report.txt", func(w io.Writer, r *Report) error { return Text(w, r, TextOptions{}) }},
		{"report-terse-painted.txt", func(w io.Writer, r *Report) error { return Text(w, r, TextOptions{Terse: true, Paint: paint}) }},
		{"report.json", JSON},
		{"report-errors.txt", func(w io.Writer, r *Report) error { _, err := fmt.Fprintln(w, r.Err()); return err }},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			var b bytes.Buffer
			if err := tt.write(&b, sample()); err != nil {
				t.Fatal(err)
			}
			golden(t, tt.file, b.Bytes())
		})
	}
}

func TestSummary(t *testing.T) {
	tests := []struct {
		report Report
		want   string
	}{
		{Report{Took: 10 * time.Millisecond}, "Applied: 0 done in 10ms"},
		{Report{Results: []Result{{State: Done}, {State: Failed}, {State: Skipped}, {State: Skipped}}, Took: 192 * time.Second},
			"Applied: 1 done, 1 failed, 2 skipped in 3m12s"},
		{Report{Results: []Result{{State: Done}}, Blocked: make([]planner.Blocked, 2)}, "Applied: 1 done, 2 blocked in 0s"},
		{Report{Results: []Result{{State: Done}, {State: Unfinished}, {State: NotStarted}}, Took: time.Hour, Interrupted: ErrStopped},
			"Interrupted: 1 done, 1 unfinished, 1 not started in 1h; run again to go on"},
	}
	for _, tt := range tests {
		if got := tt.report.Summary(); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

func TestEmptyReport(t *testing.T) {
	rep, err := (&Applier{}).Apply(t.Context(), &planner.Plan{Fleet: "f"}, nil)
	if err != nil || rep.Err() != nil {
		t.Fatal(err, rep.Err())
	}
	var text, data bytes.Buffer
	if err := errors.Join(Text(&text, &Report{}, TextOptions{}), JSON(&data, &Report{})); err != nil {
		t.Fatal(err)
	}
	if text.String() != "Applied: 0 done in 0s\n" {
		t.Errorf("text: %q", text.String())
	}
	var lists struct{ Steps, Blocked []any }
	if err := json.Unmarshal(data.Bytes(), &lists); err != nil || lists.Steps == nil || lists.Blocked == nil {
		t.Errorf("lists are missing or null: %v\n%s", err, data.String())
	}
}

func TestTextReportsWriteError(t *testing.T) {
	r, w := io.Pipe()
	r.CloseWithError(context.Canceled)
	if err := Text(w, sample(), TextOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestLine(t *testing.T) {
	key := planner.StepKey{Action: planner.Create, Addr: planner.Addr{Kind: "endpoint", Name: "fraud/risk", Place: planner.Place{Account: "risk", Region: "us-east-1"}}}
	counts := Counts{Running: 2, Done: 11, Skipped: 1, Total: 31}
	tests := []struct {
		kind    EventKind
		reason  string
		elapsed time.Duration
		want    string
	}{
		{StepStarted, "", 0, "started"},
		{StepWaiting, "pendingAcceptance", 32 * time.Second, "waiting: pendingAcceptance (32s)"},
		{StepDone, "", 62*time.Second + 400*time.Millisecond, "done (1m2s)"},
		{StepFailed, "creating: AccessDenied", 312 * time.Microsecond, "failed: creating: AccessDenied (0s)"},
		{StepSkipped, "because of vpc/a@b/c", 0, "skipped: because of vpc/a@b/c"},
		{StepUnfinished, "pending", 90 * time.Minute, "unfinished: pending (1h30m)"},
	}
	for _, tt := range tests {
		got := Line(Event{Kind: tt.kind, StepKey: key, Reason: tt.reason, Elapsed: tt.elapsed, Counts: counts})
		if want := "[12/31] create endpoint/fraud/risk@risk/us-east-1: " + tt.want; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestBrief(t *testing.T) {
	tests := map[time.Duration]string{
		0: "0s", 1499 * time.Microsecond: "1ms", 999*time.Millisecond + 999*time.Microsecond: "1s",
		1250 * time.Millisecond: "1.3s", 59*time.Second + 990*time.Millisecond: "1m",
		15 * time.Minute: "15m", 10 * time.Second: "10s", 10*time.Hour + 10*time.Minute: "10h10m", 2 * time.Hour: "2h",
		time.Hour + time.Second: "1h0m1s",
	}
	for d, want := range tests {
		if got := brief(d); got != want {
			t.Errorf("brief(%v) = %s; want %s", d, got, want)
		}
	}
}
