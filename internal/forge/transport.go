package forge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// attempts is how often a request is sent at most.
	attempts = 5
	// attemptTime is how long one attempt may take, its answer read.
	attemptTime = 30 * time.Second
	// longestWait is how long a forge's rate limit is waited for here. GitHub
	// asks for a minute after a secondary limit without a time of its own;
	// what is longer is the caller's to plan: [RateLimited].
	longestWait = 2 * time.Minute
	// secondaryWait is that minute.
	// https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
	secondaryWait = time.Minute
	// largestAnswer bounds what a forge can make us hold.
	largestAnswer = 64 << 20
)

// A transport sends requests with our credentials, as often as it takes and is
// safe, and turns answers of 400 and more into errors.
type transport struct {
	next http.RoundTripper
	// host alone gets the credentials.
	host      string
	authorize func(*http.Request) error
}

// client is an http.Client over the transport. It follows no redirect to
// another host: the forge does not live there.
func client(c *http.Client, base *url.URL, authorize func(*http.Request) error) *http.Client {
	next := http.DefaultTransport
	if c != nil && c.Transport != nil {
		next = c.Transport
	}
	return &http.Client{
		Transport: &transport{next: next, host: base.Host, authorize: authorize},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if req.URL.Host != base.Host || req.URL.Scheme != base.Scheme || len(via) > 5 {
				return fmt.Errorf("the forge sends us on to %s: give the address that it really has", req.URL.Host)
			}
			return nil
		},
	}
}

// bearer authorizes with a token, under the scheme that the forge has for it.
func bearer(scheme, token string) func(*http.Request) error {
	return func(req *http.Request) error {
		req.Header.Set("Authorization", scheme+" "+token)
		return nil
	}
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := drain(req)
	if err != nil {
		return nil, err
	}
	for n := 1; ; n++ {
		resp, err := t.once(req, body)
		wait, again := verdict(req.Method, resp, err, n)
		switch {
		case again && wait > longestWait:
			return nil, &RateLimited{Until: time.Now().Add(wait)}
		case again && n < attempts && req.Context().Err() == nil:
			if err := sleep(req.Context(), wait); err != nil {
				return nil, err
			}
			continue
		case err != nil:
			return nil, err
		case resp.StatusCode >= 400:
			return nil, newRefusal(resp)
		}
		return resp, nil
	}
}

// drain takes the body out of a request, so that it can be sent many times.
func drain(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	defer req.Body.Close()
	return io.ReadAll(req.Body)
}

// once sends the request one time and reads the whole answer.
func (t *transport) once(req *http.Request, body []byte) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), attemptTime)
	defer cancel()
	sent := req.Clone(ctx)
	if body != nil {
		sent.Body, sent.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	if req.URL.Host == t.host {
		if err := t.authorize(sent); err != nil {
			return nil, err
		}
	}
	resp, err := t.next.RoundTrip(sent)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, largestAnswer+1))
	if err == nil && len(answer) > largestAnswer {
		err = fmt.Errorf("the forge's answer has more than %d bytes", largestAnswer)
	}
	if err != nil {
		return nil, err
	}
	resp.Body, resp.Request = io.NopCloser(bytes.NewReader(answer)), req
	return resp, nil
}

// verdict tells whether a request is to be sent again, and how long to wait
// before. What may have had its effect is not repeated if it creates.
func verdict(method string, resp *http.Response, err error, attempt int) (time.Duration, bool) {
	switch {
	case err != nil && isOurs(err):
		return 0, false
	case err == nil && limited(resp):
		return pause(resp.Header), true
	case err != nil, resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented:
		return backoff(attempt), method != http.MethodPost
	}
	return 0, false
}

// isOurs tells that an error was made on the way out, by the credentials: it
// was tried again there already.
func isOurs(err error) bool {
	if _, is := errors.AsType[*refusal](err); is {
		return true
	}
	_, is := errors.AsType[*RateLimited](err)
	return is
}

// limited tells whether the forge refused an answer for our rate. GitHub says
// so with 403 as well as with 429, and of its secondary limits at times only
// in words.
func limited(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
		return true
	case http.StatusForbidden:
		h := resp.Header
		return h.Get("Retry-After") != "" || h.Get("X-Ratelimit-Remaining") == "0" || strings.Contains(words(resp), "secondary rate limit")
	}
	return false
}

// words are an answer's body, which can be read again.
func words(resp *http.Response) string {
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return ""
	}
	resp.Body = io.NopCloser(bytes.NewReader(text))
	return string(text)
}

// pause is how long the forge asks us to wait.
func pause(h http.Header) time.Duration {
	after := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(after); err == nil {
		return time.Duration(max(seconds, 0))*time.Second + jitter()
	}
	if at, err := http.ParseTime(after); err == nil {
		return max(time.Until(at), 0) + jitter()
	}
	// GitHub's name, and GitLab's; both count seconds since 1970. GitHub tells
	// of its primary limit also where the secondary one is meant: it is the
	// primary only if nothing remains of it.
	reset := h.Get("Ratelimit-Reset")
	if h.Get("X-Ratelimit-Remaining") == "0" {
		reset = h.Get("X-Ratelimit-Reset")
	}
	if at, err := strconv.ParseInt(reset, 10, 64); err == nil {
		return max(time.Until(time.Unix(at, 0)), 0) + jitter()
	}
	return secondaryWait + jitter()
}

// backoff is half a second, doubled for each attempt.
func backoff(attempt int) time.Duration {
	return 250*time.Millisecond<<attempt + jitter()
}

// jitter keeps runs that were refused together from coming back together.
func jitter() time.Duration { return rand.N(250 * time.Millisecond) }

func sleep(ctx context.Context, d time.Duration) error {
	if until, ok := ctx.Deadline(); ok && time.Until(until) < d {
		return context.DeadlineExceeded
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// repeat does a thing again until it is sure to have been done. It is for what
// may be done twice.
func repeat(ctx context.Context, do func() error) error {
	for n := 1; ; n++ {
		err := do()
		if !unsure(err) || n == attempts || ctx.Err() != nil {
			return err
		}
		if stopped := sleep(ctx, backoff(n)); stopped != nil {
			return err
		}
	}
}

// newRefusal reads an answer of 400 or more. GitHub and Gitea explain in
// "message", GitLab there or in "error"; each may be text or more.
func newRefusal(resp *http.Response) *refusal {
	r := &refusal{status: resp.StatusCode, message: http.StatusText(resp.StatusCode)}
	var answer struct {
		Message, Error json.RawMessage
		Errors         []struct{ Message string }
	}
	if json.NewDecoder(resp.Body).Decode(&answer) != nil {
		return r
	}
	for _, raw := range []json.RawMessage{answer.Message, answer.Error} {
		if len(raw) > 0 {
			r.message = oneLine(raw)
			break
		}
	}
	for _, e := range answer.Errors {
		if e.Message != "" {
			r.message += ": " + e.Message
		}
	}
	return r
}

// oneLine is a forge's message as it fits into one of ours.
func oneLine(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	}
	return cut(strings.Join(strings.Fields(text), " "), 300)
}
