package gittest

import (
	"crypto/subtle"
	"io"
	"log"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"path/filepath"
)

// HTTP is a repository behind http with basic authentication.
type HTTP struct {
	URL  string // without credentials
	User string // that the server insists on
	// Token may read and push.
	Token string
}

// HTTP serves the repository by git-http-backend until the test ends.
func (r *Repo) HTTP() HTTP {
	r.t.Helper()
	h := HTTP{User: "x-access-token", Token: "token-of-tests"}
	program := filepath.Join(r.Git("--exec-path"), "git-http-backend")
	if _, err := os.Stat(program); err != nil {
		r.t.Skipf("git is installed without its http server: %v", err)
	}
	backend := &cgi.Handler{
		Path: program,
		Dir:  r.home,
		// What it says against a request, the client is told too; and clients
		// are killed in tests.
		Stderr: io.Discard, Logger: log.New(io.Discard, "", 0),
		Env: []string{
			"GIT_PROJECT_ROOT=" + filepath.Dir(r.Bare), "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=" + h.User,
			"HOME=" + r.home, "PATH=" + os.Getenv("PATH"), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull,
		},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		user, token, _ := q.BasicAuth()
		if user != h.User || subtle.ConstantTimeCompare([]byte(token), []byte(h.Token)) == 0 {
			w.Header().Set("WWW-Authenticate", `Basic realm="tests"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, q)
	}))
	r.t.Cleanup(server.Close)
	h.URL = server.URL + "/" + filepath.Base(r.Bare)
	return h
}
