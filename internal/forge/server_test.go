package forge_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// newServer is the address of a server that ends with the test.
func newServer(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}
