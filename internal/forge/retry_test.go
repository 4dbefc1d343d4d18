package forge_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/linkfleet/linkfleet/internal/forge"
	"github.com/linkfleet/linkfleet/internal/forge/forgetest"
)

// A wire brings requests to a server without a socket, so that time may be a
// test's own.
type wire struct{ to http.Handler }

func direct(s *forgetest.Server) *http.Client { return &http.Client{Transport: wire{s}} }

func (w wire) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	defer func() {
		if cut := recover(); cut != nil {
			resp, err = nil, io.ErrUnexpectedEOF
		}
	}()
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	in := httptest.NewRequestWithContext(req.Context(), req.Method, req.URL.String(), req.Body)
	for name, values := range req.Header {
		in.Header[http.CanonicalHeaderKey(name)] = values // as a socket would
	}
	out := httptest.NewRecorder()
	w.to.ServeHTTP(out, in)
	return out.Result(), nil
}

// eachForgeInItsTime runs a test with every kind of forge, in a bubble of
// synctest.
func eachForgeInItsTime(t *testing.T, test func(*testing.T, *forgetest.Server, forge.Forge)) {
	for _, kind := range forgetest.Kinds {
		t.Run(string(kind), func(t *testing.T) {
			s := forgetest.New(t, kind)
			c := configOf(s)
			c.HTTPClient = direct(s)
			synctest.Test(t, func(t *testing.T) { test(t, s, connect(t, c)) })
		})
	}
}

// posts counts how often a comment was asked to be made.
func posts(s *forgetest.Server) int {
	n := 0
	for _, r := range s.Requests() {
		if strings.HasPrefix(r, "POST ") {
			n++
		}
	}
	return n
}

func TestLostAnswerMakesNoSecondComment(t *testing.T) {
	eachForgeInItsTime(t, func(t *testing.T, s *forgetest.Server, f forge.Forge) {
		n := s.OpenPR(forgetest.PullRequest{})
		s.Fault(forgetest.Fault{Method: "POST", Lost: true})
		if _, err := f.Comment(t.Context(), n, marker, "the plan"); err != nil {
			t.Fatal(err)
		}
		wantBodies(t, s, n, s.Login+": the plan")
		if n := posts(s); n != 1 {
			t.Errorf("it was posted %d times", n)
		}
	})
}

func TestFailedCreationIsTriedAgain(t *testing.T) {
	eachForgeInItsTime(t, func(t *testing.T, s *forgetest.Server, f forge.Forge) {
		n := s.OpenPR(forgetest.PullRequest{})
		s.Fault(forgetest.Fault{Method: "POST", Status: 502, Times: 2})
		if _, err := f.Comment(t.Context(), n, marker, "the plan"); err != nil {
			t.Fatal(err)
		}
		wantBodies(t, s, n, s.Login+": the plan")
	})
}

func TestForgeThatIsDownIsGivenUp(t *testing.T) {
	eachForgeInItsTime(t, func(t *testing.T, s *forgetest.Server, f forge.Forge) {
		n := s.OpenPR(forgetest.PullRequest{})
		s.Fault(forgetest.Fault{Status: 503, Times: 1000})
		start := time.Now()
		_, err := f.Comment(t.Context(), n, marker, "the plan")
		e, ok := errors.AsType[*forge.Error](err)
		if !ok || e.Status != 503 {
			t.Errorf("got %v", err)
		}
		if took := time.Since(start); took < time.Second || took > time.Minute {
			t.Errorf("it was given up after %v", took)
		}
	})
}

func TestStatusIsSetThroughFailures(t *testing.T) {
	commit := strings.Repeat("c", 40)
	status := forge.Status{Context: forge.Context("payments"), State: forge.Pending}
	eachForgeInItsTime(t, func(t *testing.T, s *forgetest.Server, f forge.Forge) {
		s.Fault(forgetest.Fault{Method: "POST", Status: 500})
		s.Fault(forgetest.Fault{Method: "POST", Lost: true})
		if err := f.SetStatus(t.Context(), commit, status); err != nil {
			t.Fatal(err)
		}
		if all := s.Statuses(commit); len(all) == 0 || all[0].State != "pending" {
			t.Errorf("statuses are %+v", all)
		}
	})
}

// The ways in which the forges say that they have had enough of us.
func TestRateLimitsAreWaitedFor(t *testing.T) {
	reset := func(in time.Duration) string { return strconv.FormatInt(time.Now().Add(in).Unix(), 10) }
	tests := map[string]struct {
		status int
		header func() http.Header
		wait   time.Duration
	}{
		"in words only":          {403, func() http.Header { return nil }, time.Minute},
		"Retry-After in seconds": {429, func() http.Header { return http.Header{"Retry-After": {"17"}} }, 17 * time.Second},
		"Retry-After as a date": {429, func() http.Header {
			return http.Header{"Retry-After": {time.Now().Add(30 * time.Second).UTC().Format(http.TimeFormat)}}
		}, 30 * time.Second},
		"GitHub's primary limit": {403, func() http.Header {
			return http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {reset(90 * time.Second)}}
		}, 90 * time.Second},
		"GitHub's secondary limit": {403, func() http.Header { return http.Header{"Retry-After": {"60"}} }, time.Minute},
		"GitHub's secondary limit, the primary not spent": {403, func() http.Header {
			return http.Header{"X-Ratelimit-Remaining": {"4000"}, "X-Ratelimit-Reset": {reset(50 * time.Minute)}}
		}, time.Minute},
		"GitLab's":      {429, func() http.Header { return http.Header{"Ratelimit-Reset": {reset(40 * time.Second)}} }, 40 * time.Second},
		"no time given": {429, func() http.Header { return nil }, time.Minute},
	}
	eachForgeInItsTime(t, func(t *testing.T, s *forgetest.Server, f forge.Forge) {
		n := s.OpenPR(forgetest.PullRequest{})
		for name, test := range tests {
			// A POST was not done either, so it is safe to send again.
			s.Fault(forgetest.Fault{Method: "POST", Status: test.status, Header: test.header(), Message: "You have exceeded a secondary rate limit."})
			start := time.Now()
			err := f.SetStatus(t.Context(), fmt.Sprintf("%040x", n), forge.Status{Context: name, State: forge.Success})
			// Resets are told in whole seconds.
			if took := time.Since(start); err != nil || took < test.wait-time.Second || took > test.wait+2*time.Second {
				t.Errorf("%s: %v after %v, want none after %v", name, err, took, test.wait)
			}
		}
	})
}

func TestLongRateLimitIsForTheCallerToPlan(t *testing.T) {
	eachForgeInItsTime(t, func(t *testing.T, s *forgetest.Server, f forge.Forge) {
		s.Fault(forgetest.Fault{Status: 429, Header: http.Header{"Retry-After": {"1800"}}})
		start := time.Now()
		_, err := f.PullRequest(t.Context(), 1)
		limited, ok := errors.AsType[*forge.RateLimited](err)
		if !ok || limited.Until.Sub(start).Round(time.Minute) != 30*time.Minute || time.Since(start) > time.Second {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
		if asked := len(s.Requests()); asked != 1 {
			t.Errorf("the forge was asked %d times", asked)
		}
	})
}

func TestContextBoundsTheWaiting(t *testing.T) {
	eachForgeInItsTime(t, func(t *testing.T, s *forgetest.Server, f forge.Forge) {
		s.Fault(forgetest.Fault{Status: 429, Header: http.Header{"Retry-After": {"100"}}})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
		defer cancel()
		start := time.Now()
		_, err := f.PullRequest(ctx, 1)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 50*time.Second {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
	})
}
