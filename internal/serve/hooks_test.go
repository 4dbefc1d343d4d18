package serve

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/linkfleet/linkfleet/internal/forge"
	"github.com/linkfleet/linkfleet/internal/forge/forgetest"
	"github.com/linkfleet/linkfleet/internal/forge/webhook"
)

var (
	secret    = []byte("a-secret-of-the-test-0123456789")
	oldSecret = []byte("the-secret-before-0123456789abcd")
	noSecret  = []byte("a-secret-of-a-stranger-123456789")
	commitA   = strings.Repeat("a", 40)
)

const maxBody = 64 << 10

// A hooked server takes webhooks of a fake forge, and does nothing else.
type hooked struct {
	*bench
	forge   *forgetest.Server
	handler http.Handler
}

func newHooked(t *testing.T, kind forgetest.Kind) *hooked {
	t.Helper()
	h := &hooked{bench: newBench(t, t.TempDir()), forge: forgetest.New(t, kind)}
	receiver, err := webhook.NewReceiver(forge.Kind(kind), [][]byte{secret, oldSecret}, maxBody)
	if err != nil {
		t.Fatal(err)
	}
	h.Config.Receiver, h.Config.Forge, h.Config.Repo = receiver, forge.Kind(kind), h.forge.Repo
	if h.server, err = New(h.Config); err != nil {
		t.Fatal(err)
	}
	h.handler = h.server.Handler()
	return h
}

func newReceiver(t testing.TB) *webhook.Receiver {
	t.Helper()
	receiver, err := webhook.NewReceiver(forge.GitHub, [][]byte{secret}, maxBody)
	if err != nil {
		t.Fatal(err)
	}
	return receiver
}

func (h *hooked) delivery(key []byte, d forgetest.Delivery) *http.Request {
	h.Helper()
	req, err := h.forge.Webhook(h.Context(), "http://linkfleet.invalid/hooks", key, d)
	if err != nil {
		h.Fatal(err)
	}
	return req
}

// sends a request, and gives the status of the answer.
func (h *hooked) sends(req *http.Request) int {
	h.Helper()
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, req)
	for _, s := range [][]byte{secret, oldSecret} {
		if strings.Contains(w.Body.String(), string(s)) {
			h.Errorf("the answer shows the secret: %s", w.Body)
		}
	}
	return w.Code
}

func TestDeliveriesAskForJobs(t *testing.T) {
	for _, kind := range []forgetest.Kind{forgetest.GitHub, forgetest.GitLab, forgetest.Gitea} {
		t.Run(string(kind), func(t *testing.T) {
			for name, c := range map[string]struct {
				sent   forgetest.Delivery
				status int
				jobs   []string
			}{
				"push":             {forgetest.Delivery{Branch: "main", After: commitA}, 202, []string{"push " + commitA}},
				"push elsewhere":   {forgetest.Delivery{Branch: "next", After: commitA}, 200, []string{}},
				"branch deleted":   {forgetest.Delivery{Branch: "main"}, 200, []string{}},
				"opened":           {forgetest.Delivery{Number: 1, Action: "opened"}, 202, []string{"pull "}},
				"updated":          {forgetest.Delivery{Number: 1, Action: "updated"}, 202, []string{"pull "}},
				"reopened":         {forgetest.Delivery{Number: 1, Action: "reopened"}, 202, []string{"pull "}},
				"closed":           {forgetest.Delivery{Number: 1, Action: "closed"}, 200, []string{}},
				"merged":           {forgetest.Delivery{Number: 1, Action: "merged"}, 200, []string{}},
				"labelled":         {forgetest.Delivery{Number: 1, Action: "labelled"}, 200, []string{}},
				"to another base":  {forgetest.Delivery{Number: 2, Action: "opened"}, 200, []string{}},
				"with the old key": {forgetest.Delivery{Branch: "main", After: commitA, ID: "old"}, 202, []string{"push " + commitA}},
			} {
				t.Run(name, func(t *testing.T) {
					h := newHooked(t, kind)
					ours := h.forge.OpenPR(forgetest.PullRequest{Base: forgetest.Side{Branch: "main"}, Head: forgetest.Side{Branch: "f", Commit: commitA}})
					others := h.forge.OpenPR(forgetest.PullRequest{Base: forgetest.Side{Branch: "next"}, Head: forgetest.Side{Branch: "g", Commit: commitA}})
					c.sent.Number = []int{0, ours, others}[c.sent.Number]
					key := secret
					if c.sent.ID == "old" {
						key = oldSecret
					}
					want(t, "status", h.sends(h.delivery(key, c.sent)), c.status)
					want(t, "jobs", len(h.waits()), len(c.jobs))
					for i, j := range h.waits() {
						if !strings.HasPrefix(j, c.jobs[i]) {
							t.Errorf("queued was %s, want %s", j, c.jobs[i])
						}
					}
				})
			}
		})
	}
}

// tamper makes a request other than its forge had sent it.
func tamper(req *http.Request, what func(*http.Request)) *http.Request {
	what(req)
	return req
}

func bodyOf(text string) io.ReadCloser { return io.NopCloser(strings.NewReader(text)) }

// What cannot be trusted or read is refused. Nothing is queued, and neither
// log nor answer shows a secret or what the delivery says.
func TestDeliveriesThatAreRefused(t *testing.T) {
	const content = "c0nfidential"
	for name, c := range map[string]struct {
		sent   func(h *hooked) *http.Request
		status int
	}{
		"forged": {func(h *hooked) *http.Request {
			return h.delivery(noSecret, forgetest.Delivery{Branch: content, After: commitA})
		}, 403},
		"unsigned": {func(h *hooked) *http.Request {
			return tamper(h.delivery(secret, forgetest.Delivery{Branch: content, After: commitA}), func(r *http.Request) { r.Header.Del("X-Hub-Signature-256") })
		}, 401},
		"signed with nothing": {func(h *hooked) *http.Request {
			return tamper(h.delivery(secret, forgetest.Delivery{Branch: content, After: commitA}), func(r *http.Request) { r.Header.Set("X-Hub-Signature-256", "sha256=") })
		}, 403},
		"another body": {func(h *hooked) *http.Request {
			return tamper(h.delivery(secret, forgetest.Delivery{Branch: "main", After: commitA}), func(r *http.Request) { r.Body = bodyOf(`{"ref":"` + content + `"}`) })
		}, 403},
		"oversized": {func(h *hooked) *http.Request {
			return tamper(h.delivery(secret, forgetest.Delivery{Branch: "main", After: commitA}), func(r *http.Request) { r.Body = bodyOf(strings.Repeat(content, maxBody)) })
		}, 413},
		"malformed": {func(h *hooked) *http.Request { return h.signed(`{"ref":"` + content) }, 400},
		"empty":     {func(h *hooked) *http.Request { return h.signed("") }, 400},
		"no commit": {func(h *hooked) *http.Request {
			return h.signed(`{"ref":"refs/heads/main","after":"` + content + `","repository":{"full_name":"` + h.Config.Repo + `"}}`)
		}, 400},
		"another repository": {func(h *hooked) *http.Request {
			return h.signed(`{"ref":"refs/heads/main","after":"` + commitA + `","repository":{"full_name":"` + content + `/fleet"}}`)
		}, 403},
		"a GET": {func(h *hooked) *http.Request {
			return tamper(h.delivery(secret, forgetest.Delivery{Branch: "main", After: commitA}), func(r *http.Request) { r.Method = http.MethodGet })
		}, 405},
		"no JSON": {func(h *hooked) *http.Request {
			return tamper(h.delivery(secret, forgetest.Delivery{Branch: "main", After: commitA}), func(r *http.Request) { r.Header.Set("Content-Type", "text/"+content) })
		}, 415},
		"cut off": {func(h *hooked) *http.Request {
			return tamper(h.delivery(secret, forgetest.Delivery{Branch: "main", After: commitA}), func(r *http.Request) { r.Body = io.NopCloser(cutOff{}) })
		}, 400},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHooked(t, forgetest.GitHub)
			counted := new(counting)
			h.server.Observer = counted
			want(t, "status", h.sends(c.sent(h)), c.status)
			want(t, "jobs", h.waits(), []string{})
			want(t, "counted", counted.deliveries, []DeliveryResult{DeliveryRefused})
			log := h.log.String()
			if strings.Count(log, "\n") != 1 || !strings.Contains(log, "webhook refused") {
				t.Errorf("logged was %q, want one line", log)
			}
			for _, no := range []string{content, string(secret), string(oldSecret), string(noSecret)} {
				if strings.Contains(log, no) {
					t.Errorf("the log shows %q: %s", no, log)
				}
			}
		})
	}
}

// signed is a push of GitHub's with some body, signed as it should be.
func (h *hooked) signed(body string) *http.Request { return signedAs("push", body) }

func signedAs(event, body string) *http.Request {
	req := httptest.NewRequest(http.MethodPost, "/hooks", strings.NewReader(body))
	req.Header.Set("X-Hub-Signature-256", signature([]byte(body)))
	req.Header.Set("X-GitHub-Event", event)
	req.Header.Set("Content-Type", "application/json")
	return req
}

// signature is GitHub's of a body.
func signature(body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// cutOff is a body whose sender goes away.
type cutOff struct{}

func (cutOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// counting counts what it is told.
type counting struct {
	mu         sync.Mutex
	deliveries []DeliveryResult
	runs       []Ended
	notices    []string // "channel result"
}

func (c *counting) Noticed(channel string, r NoticeResult) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.notices = append(c.notices, fmt.Sprint(channel, " ", r))
}

func (c *counting) Delivered(r DeliveryResult) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deliveries = append(c.deliveries, r)
}

func (c *counting) RunEnded(e Ended) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs = append(c.runs, e)
}

// Who sends a delivery again, under whichever name, has nothing done twice;
// the forge that does so because an answer was lost is told that all is well.
func TestReplays(t *testing.T) {
	h := newHooked(t, forgetest.GitHub)
	first := h.delivery(secret, forgetest.Delivery{Branch: "main", After: commitA})
	body, err := io.ReadAll(first.Body)
	if err != nil {
		t.Fatal(err)
	}
	for n, status := range []int{202, 200, 200} {
		first.Body = io.NopCloser(bytes.NewReader(body))
		first.Header.Set("X-GitHub-Delivery", fmt.Sprint("delivery-", n))
		want(t, "status", h.sends(first), status)
		j, found, err := h.server.Ledger.Take(t.Context(), h.server.Now())
		if err != nil || found != (n == 0) {
			t.Errorf("delivery %d has a job: %v, %v", n, found, err)
		}
		if found {
			if err := h.server.Ledger.Done(t.Context(), j); err != nil {
				t.Error(err)
			}
		}
	}
}

// A delivery that cannot be kept is one that the forge has to send again.
func TestDeliveryThatCannotBeKept(t *testing.T) {
	h := newHooked(t, forgetest.GitHub)
	ctx, end := context.WithCancel(t.Context())
	end()
	want(t, "status", h.sends(h.delivery(secret, forgetest.Delivery{Branch: "main", After: commitA}).WithContext(ctx)), 500)
	want(t, "jobs", h.waits(), []string{})
	want(t, "status of the next", h.sends(h.delivery(secret, forgetest.Delivery{Branch: "main", After: commitA})), 202)
}

func TestTooManyDeliveriesAtOnce(t *testing.T) {
	h := newHooked(t, forgetest.GitHub)
	var all sync.WaitGroup
	arrived, release := make(chan bool), make(chan bool)
	for range deliveriesAtOnce {
		req := h.delivery(secret, forgetest.Delivery{Branch: "next", After: commitA})
		req.Body = io.NopCloser(io.MultiReader(gate{arrived, release}, req.Body))
		all.Go(func() { want(t, "status of a slow one", h.sends(req), 200) })
		<-arrived
	}
	want(t, "status of one too many", h.sends(h.delivery(secret, forgetest.Delivery{Branch: "main", After: commitA})), 503)
	close(release)
	all.Wait()
	want(t, "status when there is room", h.sends(h.delivery(secret, forgetest.Delivery{Branch: "main", After: commitA})), 202)
}

// A gate is read when it is opened.
type gate struct{ arrived, release chan bool }

func (g gate) Read([]byte) (int, error) {
	g.arrived <- true
	<-g.release
	return 0, io.EOF
}

func TestServersThatAreNotMade(t *testing.T) {
	h := newHooked(t, forgetest.GitHub)
	for name, change := range map[string]func(*Config){
		"told nothing":   func(c *Config) { c.Receiver, c.Poll = nil, 0 },
		"of no repo":     func(c *Config) { c.Repo = "" },
		"poll backwards": func(c *Config) { c.Poll = -1 },
		"few previews":   func(c *Config) { c.Previews = -1 },
	} {
		c := h.Config
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: a server was made", name)
		}
	}
	polls := h.Config
	polls.Receiver = nil
	s, err := New(polls)
	if err != nil {
		t.Fatal(err)
	}
	h.handler = s.Handler()
	want(t, "status without a receiver", h.sends(h.delivery(secret, forgetest.Delivery{Branch: "main", After: commitA})), 404)
}

// FuzzHook sends what anybody may send. Only what bears a proof of our secret
// and is of our repository may queue anything.
func FuzzHook(f *testing.F) {
	payload := `{"ref":"refs/heads/main","after":"` + commitA + `","repository":{"full_name":"a/b"}}`
	f.Add([]byte(payload), "push", "", true)
	f.Add([]byte(payload), "push", "sha256=00", false)
	f.Add([]byte(`{"action":"opened","number":1,"pull_request":{"base":{"ref":"main"},"head":{"sha":"`+commitA+`"}},"repository":{"full_name":"a/b"}}`), "pull_request", "", true)
	f.Add([]byte(`{"ref":"refs/heads/main"`), "push", "", true)
	receiver := newReceiver(f)
	f.Fuzz(func(t *testing.T, body []byte, event, proof string, sign bool) {
		b := newBench(t, t.TempDir())
		b.Config.Receiver, b.Config.Forge, b.Config.Repo = receiver, forge.GitHub, "a/b"
		s, err := New(b.Config)
		if err != nil {
			t.Fatal(err)
		}
		if sign {
			proof = signature(body)
		}
		req := httptest.NewRequest(http.MethodPost, "/hooks", bytes.NewReader(body))
		req.Header["X-Hub-Signature-256"], req.Header["X-Github-Event"] = []string{proof}, []string{event}
		req.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, req)
		queued := len(b.waits()) > 0
		if queued != (w.Code == http.StatusAccepted) {
			t.Errorf("answered with %d, and there wait %v", w.Code, b.waits())
		}
		if queued && (!sign || !bytes.Contains(bytes.ToLower(body), []byte("a/b"))) && !bytes.Contains(body, []byte("\\")) {
			t.Errorf("queued was what nobody known has sent: %s", body)
		}
		if !sign && w.Code < 400 {
			t.Errorf("unsigned, and answered with %d", w.Code)
		}
	})
}
