package metrics

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/linkfleet/linkfleet/internal/ledger"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func busy() *Metrics {
	m := New("v1.2.3")
	m.RunEnded(ledger.Run{Fleet: "payments", Kind: ledger.ApplyRun, Outcome: ledger.Done, Commit: "3fa9c1d2", Began: noon, Ended: noon.Add(94 * time.Second)})
	m.RunEnded(ledger.Run{Fleet: "payments", Kind: ledger.HealRun, Outcome: ledger.Failed, Began: noon, Ended: noon.Add(2 * time.Second)})
	m.RunEnded(ledger.Run{Fleet: "payments", Kind: "audit", Outcome: "mixed", Began: noon})
	m.Succeeded(ledger.Run{Fleet: "payments", Kind: ledger.DriftRun, Outcome: ledger.Nothing, Ended: noon.Add(-time.Hour)})
	m.Standing(Standing{Drifted: 3, Waiting: 2, Blocked: 1, Paused: 1})
	m.Jobs([]ledger.Job{{Kind: ledger.PushJob}, {Kind: ledger.PushJob}, {Kind: ledger.PullJob, Taken: noon}, {Kind: "audit"}})
	m.Webhook(Queued)
	m.Webhook(Refused)
	m.Webhook(Refused)
	m.Webhook("mangled")
	m.Notice("ops", Sent)
	m.Notice("ops", "lost")
	m.AWS([]AWSCalls{
		{Service: "ec2", Operation: "DescribeVpcEndpoints", Account: "risk", Region: "us-east-1", Calls: 4, Throttled: 1},
		{Service: "ec2", Operation: "DescribeVpcEndpoints", Account: "platform", Region: "us-east-1", Calls: 2, Errors: 1},
	})
	m.AWS([]AWSCalls{{Service: "sts", Operation: "AssumeRole", Account: "risk", Calls: 1}})
	return m
}

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// ours are the lines of our own metrics.
func ours(text string) string {
	var lines strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimPrefix(strings.TrimPrefix(line, "# HELP "), "# TYPE "), "linkfleet_") {
			lines.WriteString(line)
		}
	}
	return lines.String()
}

// What Prometheus reads is an interface: dashboards and alerts name it.
func TestExposition(t *testing.T) {
	const golden = "testdata/exposition.txt"
	got := strings.ReplaceAll(ours(scrape(t, busy())), runtime.Version(), "GOVERSION")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the exposition changed (-want +got); UPDATE=1 accepts it:\n%s", diff)
	}
}

func TestPrometheusHasNothingToSayAgainstTheNames(t *testing.T) {
	problems, err := testutil.GatherAndLint(busy().registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// However much goes on, there are no more series.
func TestSeriesAreBounded(t *testing.T) {
	m, before := busy(), 0
	for n := range 100 {
		word := fmt.Sprintf("w%d", n)
		m.RunEnded(ledger.Run{Fleet: "payments", Kind: ledger.RunKind(word), Outcome: ledger.Outcome(word), Commit: word, Ref: word, Subject: word})
		m.Jobs([]ledger.Job{{Kind: ledger.JobKind(word), Key: word, Commit: word}})
		m.Webhook(WebhookResult(word))
		m.Notice("ops", NoticeResult(word))
		m.AWS([]AWSCalls{{Service: "ec2", Operation: "DescribeVpcEndpoints", Account: word, Region: word, Calls: 1}})
		if n == 0 {
			before = strings.Count(ours(scrape(t, m)), "\n")
		}
	}
	if after := ours(scrape(t, m)); strings.Count(after, "\n") != before || regexp.MustCompile(`"w\d`).MatchString(after) {
		t.Errorf("%d lines have become more:\n%s", before, after)
	}
}

// An alert on a rise sees the first one only in a series that was there before.
func TestEveryRiseIsSeen(t *testing.T) {
	text := scrape(t, New("", "slack", "sns"))
	for _, want := range []string{
		`linkfleet_notices_total{channel="slack",result="given_up"} 0`, `linkfleet_notices_total{channel="sns",result="delayed"} 0`,
		`linkfleet_notices_total{channel="sns",result="sent"} 0`, `linkfleet_runs_total{kind="apply",outcome="failed"} 0`,
		`linkfleet_webhooks_total{result="refused"} 0`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("there is no %s", want)
		}
	}
}

// A job that left the queue is counted no more.
func TestJobsGoBackToZero(t *testing.T) {
	m := New("")
	m.Jobs([]ledger.Job{{Kind: ledger.PushJob}, {Kind: "audit", Taken: noon}})
	m.Jobs(nil)
	text := scrape(t, m)
	for _, want := range []string{`{kind="push",state="waiting"} 0`, `{kind="other",state="running"} 0`} {
		if !strings.Contains(text, "linkfleet_queue_jobs"+want) {
			t.Errorf("the queue is not empty:\n%s", ours(text))
		}
	}
}

// Two registries know nothing of each other, and goroutines share one.
func TestManyAtOnce(t *testing.T) {
	m, idle := New("a"), New("b")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				m.Webhook(Queued)
				m.Jobs([]ledger.Job{{Kind: ledger.PushJob}})
				m.AWS([]AWSCalls{{Service: "ec2", Operation: "X", Calls: 1}})
			}
			scrape(t, m)
		})
	}
	all.Wait()
	if text := scrape(t, m); !strings.Contains(text, `linkfleet_webhooks_total{result="queued"} 400`) {
		t.Errorf("counts were lost:\n%s", ours(text))
	}
	if text := scrape(t, idle); !strings.Contains(text, `linkfleet_webhooks_total{result="queued"} 0`) {
		t.Errorf("counts went astray:\n%s", ours(text))
	}
}

// Who runs a server is told of each metric, and of none that is not there.
func TestMetricsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	names := func(pattern, text string) map[string]bool {
		found := map[string]bool{}
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			found[m[1]] = true
		}
		return found
	}
	have := names(`(?m)^# TYPE (linkfleet_\w+)`, scrape(t, busy()))
	if diff := cmp.Diff(have, names("(?m)^\\| `(linkfleet_\\w+)", string(page))); diff != "" {
		t.Error("its table (-metrics +table):\n" + diff)
	}
	for name := range names(`(linkfleet_\w+)`, string(page)) {
		if !have[name] {
			t.Errorf("it tells of %s, which there is not", name)
		}
	}
}
