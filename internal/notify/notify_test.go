package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var drift = Notice{Kind: Drift, Fleet: "payments", Title: "2 resources have drifted", Text: "listener/fraud/https@platform/us-east-1: idleTimeout\nendpoint/fraud/risk@risk/us-east-1: missing",
	Commit: "3fa9c1d2b0aa77e13fa9c1d2b0aa77e13fa9c1d2", RunURL: "https://linkfleet.example.com/runs/43"}

func TestSlackMessage(t *testing.T) {
	var got map[string]any
	var kind string
	s := sender(t, func(w http.ResponseWriter, r *http.Request) {
		kind = r.Method + " " + r.URL.Path + " " + r.Header.Get("Content-Type")
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, "ok")
	})
	if err := s.Send(t.Context(), drift); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"text": "2 resources have drifted", "mrkdwn": false, "link_names": false,
		"attachments": []any{map[string]any{
			"color": "#b57500", "fallback": "2 resources have drifted", "title": "The run", "title_link": "https://linkfleet.example.com/runs/43",
			"text":   "listener/fraud/https@platform/us-east-1: idleTimeout\nendpoint/fraud/risk@risk/us-east-1: missing",
			"footer": "linkfleet · fleet payments · commit 3fa9c1d2b0aa", "mrkdwn_in": []any{},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	if kind != "POST /services/T0/B0/hunter2 application/json" {
		t.Errorf("it came as %s", kind)
	}
}

func TestTame(t *testing.T) {
	for text, want := range map[string]string{
		"a < b && c > d":                  "a &lt; b &amp;&amp; c &gt; d",
		"<!channel> <@U123> <#C1|x>":      "&lt;!channel&gt; &lt;@\u200bU123&gt; &lt;#C1|x&gt;",
		"@here @channel @all @ana":        "@\u200bhere @\u200bchannel @\u200ball @\u200bana",
		"x@everyone.com X@HERE":           "x@\u200beveryone.com X@\u200bHERE",
		"endpoint/a/b@risk/us-east-1":     "endpoint/a/b@risk/us-east-1",
		"[the run](https://evil.example)": "[the run]\u200b(https://evil.example)",
		"&lt;!here&gt;":                   "&amp;lt;!here&amp;gt;",
		"@@here@":                         "@\u200b@\u200bhere@",
		"日本@here":                         "日本@\u200bhere",
	} {
		if got := tame(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func FuzzTame(f *testing.F) {
	f.Add("<!channel> @here & x@everyone \u200b@\u200dall")
	f.Fuzz(func(t *testing.T, text string) {
		body, err := json.Marshal(slackForm(Notice{Title: text, Text: text, Fleet: text, Commit: text, RunURL: text}))
		if err != nil {
			t.Fatal(err)
		}
		var m slackMessage
		if err := json.Unmarshal(body, &m); err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{m.Text, m.Attachments[0].Text, m.Attachments[0].Footer, m.Attachments[0].Fallback} {
			low := strings.ToLower(s)
			for _, bad := range []string{"<", ">", "@here", "@channel", "@all", "@everyone", "](", "\u202e", "\x1b"} {
				if strings.Contains(low, bad) {
					t.Errorf("%q lets %q through: %q", text, bad, s)
				}
			}
		}
	})
}

func TestSlackLimits(t *testing.T) {
	m := slackForm(Notice{Title: strings.Repeat("é", 5000), Text: strings.Repeat("line\n", 5000), Fleet: strings.Repeat("f", 500), Commit: strings.Repeat("ü", 99)})
	if n := utf8.RuneCountInString(m.Text); n > titleLimit || !strings.HasSuffix(m.Text, "…") {
		t.Errorf("the title has %d characters", n)
	}
	if n := utf8.RuneCountInString(m.Attachments[0].Text); n > textLimit || !strings.HasSuffix(m.Attachments[0].Text, "…") {
		t.Errorf("the text has %d characters", n)
	}
	if n := utf8.RuneCountInString(m.Attachments[0].Footer); n > 150 {
		t.Errorf("the footer has %d characters", n)
	}
	for _, bad := range []string{"javascript:alert(1)", "ftp://x/y", "/runs/1", "https://user:pass@x/", ":"} {
		if a := slackForm(Notice{RunURL: bad}).Attachments[0]; a.TitleLink != "" || a.Title != "" {
			t.Errorf("it links to %q", bad)
		}
	}
}

// sender is of a webhook with a secret in its path.
func sender(t *testing.T, answer http.HandlerFunc) Sender {
	t.Helper()
	srv := httptest.NewServer(answer)
	t.Cleanup(srv.Close)
	s, err := Slack(Secret(srv.URL + "/services/T0/B0/hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSlackAnswers(t *testing.T) {
	for _, tt := range []struct {
		status     int
		retryAfter string
		body       string
		permanent  bool
		after      time.Duration
		text       string
	}{
		{429, "30", "", false, 30 * time.Second, "webhook: the receiver answers 429 Too Many Requests"},
		{429, "0.25", "", false, 250 * time.Millisecond, "webhook: the receiver answers 429 Too Many Requests"},
		{429, "", "rate_limited", false, 0, "webhook: the receiver answers 429 Too Many Requests (rate_limited)"},
		{429, "999999999999999999999", "", false, time.Hour, "webhook: the receiver answers 429 Too Many Requests"},
		{429, "-5", "", false, 0, "webhook: the receiver answers 429 Too Many Requests"},
		{503, "7", "", false, 7 * time.Second, "webhook: the receiver answers 503 Service Unavailable"},
		{500, "", "", false, 0, "webhook: the receiver answers 500 Internal Server Error"},
		{408, "", "", false, 0, "webhook: the receiver answers 408 Request Timeout"},
		{400, "", "invalid_payload", true, 0, "webhook: the receiver answers 400 Bad Request (invalid_payload)"},
		{404, "", "no such hook: /services/T0/B0/hunter2", true, 0, "webhook: the receiver answers 404 Not Found"},
		{410, "", "channel_is_archived\n", true, 0, "webhook: the receiver answers 410 Gone (channel_is_archived)"},
		{302, "", "", true, 0, "webhook: the receiver answers 302 Found"},
	} {
		s := sender(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", tt.retryAfter)
			w.Header().Set("Location", "https://elsewhere.invalid/")
			w.WriteHeader(tt.status)
			_, _ = io.WriteString(w, tt.body)
		})
		e, ok := errors.AsType[*Error](s.Send(t.Context(), drift))
		if !ok || e.Permanent != tt.permanent || e.After != tt.after || e.Status != tt.status || e.Error() != tt.text {
			t.Errorf("%d %q %q: %+v", tt.status, tt.retryAfter, tt.body, e)
		}
	}
}

func TestRetryAfterAsDate(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"Sun, 22 Nov 2026 12:00:40 GMT": 40 * time.Second, "Sun, 22 Nov 2026 11:00:00 GMT": 0, "Mon, 23 Nov 2026 12:00:40 GMT": time.Hour, "soon": 0, "NaN": 0, "Inf": time.Hour,
	} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

// The address lets anybody post, so it is in no error, whatever goes wrong.
func TestTheAddressIsSecret(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		ctx context.Context
		url string
	}{
		{t.Context(), closed.URL + "/hunter2"}, {gone, closed.URL + "/hunter2"}, {t.Context(), "https://name.invalid/hunter2"},
		{t.Context(), "hunter2://x"}, {t.Context(), "https://x/hunter2%zz"}, {t.Context(), "https://x:hunter2/"}, {t.Context(), "\x00hunter2"},
	} {
		s, err := Slack(Secret(tt.url))
		if err == nil {
			err = s.Send(tt.ctx, drift)
		}
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("error: %v", err)
		}
		if tt.ctx == gone && !errors.Is(err, context.Canceled) {
			t.Errorf("the end of the context is lost in %v", err)
		}
		if e, ok := errors.AsType[*Error](err); s != nil && (!ok || e.Permanent) {
			t.Errorf("%v is for good", err)
		}
	}
	secret := Secret("https://x/hunter2")
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("to", "url", secret)
	asJSON, err := json.Marshal(map[string]any{"url": secret})
	if err != nil {
		t.Fatal(err)
	}
	printed := fmt.Sprintf("%s %v %q %#v %x %d %+v", secret, secret, secret, secret, secret, secret, struct{ S Secret }{secret}) + log.String() + string(asJSON)
	if strings.Contains(printed, "hunter2") || strings.Contains(printed, "68756e") {
		t.Errorf("it prints: %s", printed)
	}
}

func TestSlackHonoursTheContext(t *testing.T) {
	hang := make(chan struct{})
	s := sender(t, func(http.ResponseWriter, *http.Request) { <-hang })
	t.Cleanup(func() { close(hang) })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.Send(ctx, drift); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a receiver that never answers: %v", err)
	}
}

type topic struct {
	subject, message string
	err              error
}

func (t *topic) Publish(_ context.Context, subject, message string) error {
	t.subject, t.message = subject, message
	return t.err
}

func TestSNS(t *testing.T) {
	to := &topic{}
	if err := SNS(to).Send(t.Context(), drift); err != nil {
		t.Fatal(err)
	}
	if to.subject != "linkfleet payments: 2 resources have drifted" {
		t.Errorf("subject %q", to.subject)
	}
	const want = "2 resources have drifted\n\nlistener/fraud/https@platform/us-east-1: idleTimeout\nendpoint/fraud/risk@risk/us-east-1: missing\n\nhttps://linkfleet.example.com/runs/43\n\nlinkfleet · fleet payments · commit 3fa9c1d2b0aa"
	if to.message != want {
		t.Errorf("message:\n%s", to.message)
	}
	long := Notice{Title: strings.Repeat("ü", 300), Fleet: "payments", Text: strings.Repeat("日", 100_000)}
	if s := subject(long); len(s) != subjectLimit || !strings.HasSuffix(s, "??...") {
		t.Errorf("a long subject is %q", s)
	}
	if m := message(long); len(m) > 256<<10 || !utf8.ValidString(m) || !strings.HasSuffix(m, "日…\n") {
		t.Errorf("a long message has %d bytes and ends %q", len(m), m[len(m)-20:])
	}
	to.err = errors.New("the topic is gone")
	if err := SNS(to).Send(t.Context(), drift); !errors.Is(err, to.err) || err.Error() != "topic: the topic is gone" {
		t.Errorf("error %v", err)
	}
}

func FuzzSNS(f *testing.F) {
	f.Add("é\n\x1b[2J", strings.Repeat("日", 100))
	f.Add("", "")
	f.Fuzz(func(t *testing.T, title, fleet string) {
		n := Notice{Title: title, Fleet: fleet, Text: title}
		s := subject(n)
		if s == "" || len(s) > subjectLimit || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) || s[0] == ' ' {
			t.Errorf("subject %q", s)
		}
		if m := message(n); m == "" || len(m) > 256<<10 || !utf8.ValidString(m) {
			t.Errorf("a message of %d bytes", len(m))
		}
	})
}
