package awssim

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// Client returns an HTTP client whose requests, whatever their host, the
// simulator answers without a socket. Give it to an SDK as its HTTPClient. It
// works inside a testing/synctest bubble.
func (s *Sim) Client() *http.Client { return &http.Client{Transport: transport{s}} }

type transport struct{ sim *Sim }

// RoundTrip serves a request. A connection that a fault drops is an error, as
// it would be of a socket.
func (t transport) RoundTrip(r *http.Request) (answer *http.Response, err error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p == http.ErrAbortHandler && r.Context().Err() != nil {
			answer, err = nil, r.Context().Err()
		} else if p == http.ErrAbortHandler {
			answer, err = nil, fmt.Errorf("awssim: %s %s: %w", r.Method, r.URL, io.ErrUnexpectedEOF)
		} else if p != nil {
			panic(p)
		}
	}()
	if r.Body == nil {
		r = r.Clone(r.Context())
		r.Body = http.NoBody
	}
	defer r.Body.Close()
	w := &recorder{header: make(http.Header), status: http.StatusOK}
	t.sim.ServeHTTP(w, r)
	return &http.Response{
		Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.header, Request: r,
		Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()),
	}, nil
}

// A recorder is a ResponseWriter in memory.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header            { return w.header }
func (w *recorder) WriteHeader(status int)         { w.status = status }
func (w *recorder) Write(part []byte) (int, error) { return w.body.Write(part) }
