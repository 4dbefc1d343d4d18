// Package page shows a fleet to people: what its services and consumers are
// like, what drifted, what waits and since when, and the runs.
//
// It only reads. It needs no JavaScript and fetches nothing from elsewhere.
// What it shows was written by the fleet's authors, by AWS, by Git and by
// strangers: the templates escape it, and what is invisible or changes the
// direction of writing is made visible (planner.Clean) in all that is sent.
package page

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/planner"
)

// A Source is what the page shows. *ledger.Ledger has all of it but Fleet.
type Source interface {
	// Fleet is the fleet as it was loaded last; of one that was not yet, only
	// its name is known.
	Fleet() Fleet

	LastApplied(ctx context.Context, fleet string) (ledger.Run, bool, error)
	LastSuccess(ctx context.Context, fleet string) (ledger.Run, bool, error)
	Runs(ctx context.Context, f ledger.RunFilter) ([]ledger.Run, error)
	Run(ctx context.Context, id int64) (ledger.Run, bool, error)
	Waits(ctx context.Context, fleet string) ([]ledger.Wait, error)
	Drifts(ctx context.Context, fleet string) ([]ledger.Drift, error)
	DriftOf(ctx context.Context, r ledger.Run) (c ledger.DriftCount, looked bool, err error)
	DriftHistory(ctx context.Context, fleet string, limit int) ([]ledger.Drift, error)
	Pauses(ctx context.Context, fleet string) ([]ledger.Pause, error)
	Jobs(ctx context.Context, fleet string) ([]ledger.Job, error)
}

// A Fleet is who should be connected to what.
type Fleet struct {
	Name     string
	Services []Service
}

// A Service is one endpoint service.
type Service struct {
	Name            string
	Account, Region string
	Consumers       []Consumer
}

// A Consumer is who may connect to a service.
type Consumer struct {
	Name    string
	Managed bool // its endpoint is the fleet's; else it is a partner's own
}

// Handler serves the page at "/", and one of each run at "/runs/N". It answers
// GET and HEAD alone. Links are relative, so it may stand below a prefix.
func Handler(src Source, now func() time.Time) http.Handler {
	p := &pages{src: src, now: now, frontPage: layout("front.html"), runPage: layout("run.html")}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.front)
	mux.HandleFunc("GET /runs/{id}", p.run)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		guard(w.Header())
		mux.ServeHTTP(w, r)
	})
}

//go:embed style.css
var style string

//go:embed front.html run.html layout.html
var files embed.FS

// guard keeps a browser from running, loading or framing anything: even what
// would slip through the escaping could do nothing.
func guard(h http.Header) {
	sum := sha256.Sum256([]byte(style))
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}

type pages struct {
	src                Source
	now                func() time.Time
	frontPage, runPage *template.Template
}

// layout is one page's template. The files are the program's own, so it cannot
// fail but in a test.
func layout(name string) *template.Template {
	return template.Must(template.New(name).Funcs(template.FuncMap{
		"style": func() template.CSS { return template.CSS(style) },
	}).ParseFS(files, "layout.html", name))
}

// patience is how long a page may take to be put together.
const patience = 10 * time.Second

func (p *pages) front(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	view, err := p.overview(ctx)
	if err != nil {
		unreadable(w)
		return
	}
	send(w, r, p.frontPage, view)
}

func (p *pages) run(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		http.Error(w, "a run's number is a whole number", http.StatusNotFound)
		return
	}
	kept, found, err := p.src.Run(ctx, id)
	var saw ledger.DriftCount
	if found && err == nil {
		saw, _, err = p.src.DriftOf(ctx, kept)
	}
	switch {
	case err != nil:
		unreadable(w)
	case !found:
		http.Error(w, fmt.Sprintf("run %d is not kept, or never was", id), http.StatusNotFound)
	default:
		send(w, r, p.runPage, p.detail(kept, saw))
	}
}

// unreadable does not say why: the reason may name files of the server.
func unreadable(w http.ResponseWriter) {
	http.Error(w, "what is kept of the fleet could not be read just now; the server's health check says more", http.StatusInternalServerError)
}

// send renders a page as a whole before anything of it is sent.
func send(w http.ResponseWriter, r *http.Request, page *template.Template, view any) {
	body, err := render(page, view)
	if err != nil {
		http.Error(w, "the page could not be put together", http.StatusInternalServerError)
		return
	}
	sum := sha256.Sum256(body)
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

func render(page *template.Template, view any) ([]byte, error) {
	var b bytes.Buffer
	if err := page.ExecuteTemplate(&b, "layout", view); err != nil {
		return nil, err
	}
	return cleanLines(b.String()), nil
}

// cleanLines makes whatever is not printable visible. That is done to the page
// and not to each text in it, so that none is forgotten.
func cleanLines(page string) []byte {
	var b bytes.Buffer
	for line := range strings.Lines(page) {
		text, ended := strings.CutSuffix(line, "\n")
		b.WriteString(planner.Clean(text))
		if ended {
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}
