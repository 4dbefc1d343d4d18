package stage

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// CrashAt plans and applies in a new process that dies when AWS has done the
// nth operation of that name, before the process hears of it. It tells
// whether the process came so far.
func (s *Stage) CrashAt(operation string, nth int) bool {
	s.T.Helper()
	ctx, kill := context.WithCancel(s.T.Context())
	defer kill()
	w := &operationWire{cut: &cut{nth: nth, after: true, kill: kill}, operation: operation}
	s.Wire = func(next http.RoundTripper) http.RoundTripper { w.next = next; return w }
	run := s.Run()
	s.Wire = nil
	if plan, err := run.Plan(ctx); err == nil {
		_, _ = run.Apply(ctx, nil, plan) // whatever it says, nobody is there to hear it
	}
	return w.dead
}

// An operationWire ends the process at a call of one operation.
type operationWire struct {
	*cut
	operation string
	next      http.RoundTripper
}

func (w *operationWire) RoundTrip(r *http.Request) (*http.Response, error) {
	return w.carry(r, w.next, operationOf(r) == w.operation)
}

// operationOf is the operation that a request asks for: a form's Action, or
// ChangeResourceRecordSets, the one write that Route 53 is asked for.
func operationOf(r *http.Request) string {
	if strings.HasSuffix(r.URL.Path, "/rrset") || strings.HasSuffix(r.URL.Path, "/rrset/") {
		return map[string]string{http.MethodPost: "ChangeResourceRecordSets"}[r.Method]
	}
	if r.Body == nil {
		return ""
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return ""
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return ""
	}
	return form.Get("Action")
}
