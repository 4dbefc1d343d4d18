package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/schema"
)

// A tap stands before a simulator, remembers every secret that passes in
// either direction, and may answer in its place.
type tap struct {
	sim http.Handler
	// instead answers requests, in the simulator's place, if it is not nil
	// and writes something.
	instead func(w http.ResponseWriter, action string, r *http.Request, form url.Values) bool

	mu      sync.Mutex
	secrets map[string]string // what each is
}

// issued are secrets in AWS's answers.
var issued = regexp.MustCompile(`<(SecretAccessKey|SessionToken|clientToken)>([^<]+)<`)

func (p *tap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body))
	p.mark("session token", r.Header.Get("X-Amz-Security-Token"))
	p.mark("client token", form.Get("ClientToken"))
	p.mark("external id", form.Get("ExternalId"))
	_, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
	p.mark("signature", signature)
	if p.instead != nil && p.instead(w, form.Get("Action"), r, form) {
		return
	}
	answer := httptest.NewRecorder()
	p.sim.ServeHTTP(answer, r)
	for _, found := range issued.FindAllStringSubmatch(answer.Body.String(), -1) {
		p.mark(found[1], found[2])
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

func (p *tap) mark(what, secret string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if secret != "" && p.secrets[secret] == "" {
		p.secrets[secret] = what
	}
}

// A life is a fleet's folder, an AWS for it, and all that was ever told.
type life struct {
	t       *testing.T
	dir     string // the fleet's
	address string
	sim     *awssim.Sim
	tap     *tap
	told    strings.Builder
}

// newLife is of the small fleet with a file more.
func newLife(t *testing.T, more string) *life {
	t.Helper()
	dir := t.TempDir()
	archive, err := txtar.ParseFile("testdata/fixture/small.txtar")
	if err != nil {
		t.Fatal(err)
	}
	archive.Files = append(archive.Files, txtar.File{Name: "fleet/more.cue", Data: []byte("package fleet\n\n" + more)})
	if err := txtar.Write(archive, dir); err != nil {
		t.Fatal(err)
	}
	l := &life{t: t, dir: filepath.Join(dir, "fleet")}
	if _, err := schema.WriteSchema(l.dir); err != nil {
		t.Fatal(err)
	}
	loaded, err := awssim.LoadWorld(filepath.Join(dir, "world.cue"))
	if err != nil {
		t.Fatal(err)
	}
	if l.sim, err = awssim.New(awssim.Options{World: loaded, Speed: 1000}); err != nil {
		t.Fatal(err)
	}
	l.tap = &tap{sim: l.sim, secrets: map[string]string{}}
	server := httptest.NewServer(l.tap)
	t.Cleanup(server.Close)
	l.address = server.URL
	for name, value := range map[string]string{
		"HOME": dir, "XDG_CACHE_HOME": "", "AWS_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "2",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_ACCESS_KEY_ID": "AKIAHUB", "AWS_SECRET_ACCESS_KEY": "planted-secret-key", "AWS_SESSION_TOKEN": "planted-session-token",
	} {
		t.Setenv(name, value)
	}
	l.tap.mark("secret key", "planted-secret-key")
	l.tap.mark("session token", "planted-session-token")
	l.tap.mark("external id", "planted-external-id")
	return l
}

// run runs a command on the fleet in the ways there are to be told of it.
func (l *life) run(command string, args ...string) {
	for _, way := range [][]string{{}, {"-v"}, {"-v", "--log-format", "json"}} {
		l.once(append(append([]string{command, l.dir}, args...), way...)...)
	}
}

// once runs a command line and keeps what it tells.
func (l *life) once(args ...string) {
	for _, live := range []bool{false, true} {
		term := newTerminal("")
		term.isTerminal = func(any) bool { return live }
		term.env["NO_COLOR"] = "1"
		switch args[0] {
		case "plan", "apply", "adopt", "release", "import":
			term.run(l.t.Context(), append(args, "--endpoint-url", l.address, "--speed", "1000"))
		default:
			term.run(l.t.Context(), args)
		}
		fmt.Fprintf(&l.told, "$ %s\n%s%s\n", strings.Join(args, " "), term.out, term.err)
	}
}

// all runs every command that reads, and then the one that acts.
func (l *life) all() {
	l.run("plan", "--format", "json")
	l.run("plan", "--format", "markdown")
	l.run("apply", "--yes")
	l.run("apply", "--yes", "--format", "json")
}

// hasNoSecret looks for every secret that passed in everything told.
func (l *life) hasNoSecret() {
	l.t.Helper()
	for secret, what := range l.tap.secrets {
		if i := strings.Index(l.told.String(), secret); i >= 0 {
			l.t.Errorf("a %s was told:\n%s", what, l.told.String()[max(0, i-300):min(l.told.Len(), i+100)])
		}
	}
}

const secretAccount = "accounts: risk: externalId: \"planted-external-id\"\n"

// TestNoSecretIsTold follows a fleet through its life.
func TestNoSecretIsTold(t *testing.T) {
	l := newLife(t, secretAccount)
	saved := filepath.Join(l.dir, "plan.json")
	l.once("plan", l.dir, "--out", saved)
	l.all()
	l.run("validate")
	l.run("iam-policy")
	l.run("adopt", "--yes")
	l.once("release", "services/fraud", l.dir, "--yes")
	l.once("import", filepath.Join(t.TempDir(), "new"), "--account", "platform=111111111111:linkfleet")
	text, err := os.ReadFile(saved)
	if err != nil {
		t.Fatal(err)
	}
	l.told.Write(text)
	l.hasNoSecret()
	kinds := map[string]int{}
	for _, what := range l.tap.secrets {
		kinds[what]++
	}
	for _, what := range []string{"client token", "external id", "session token", "SecretAccessKey", "signature"} {
		if kinds[what] == 0 {
			t.Errorf("no %s passed, so that this test shows nothing of them: %v", what, kinds)
		}
	}
	if !strings.Contains(l.told.String(), "accounts.risk.externalId") {
		t.Error("iam-policy does not say where the external id stands")
	}
}

// TestNoSecretIsToldOfFailures has AWS repeat all of a request in a refusal,
// or answer nonsense made of it.
func TestNoSecretIsToldOfFailures(t *testing.T) {
	repeat := func(r *http.Request, form url.Values) string {
		return fmt.Sprintf("The Canonical String should have been x-amz-security-token:%s %s for client token %s and external id %s",
			r.Header.Get("X-Amz-Security-Token"), r.Header.Get("Authorization"), form.Get("ClientToken"), form.Get("ExternalId"))
	}
	ec2 := `<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>r</RequestID></Response>`
	query := `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>r</RequestId></ErrorResponse>`
	refusal := func(code, form string, status int) func(http.ResponseWriter, *http.Request, url.Values) {
		return func(w http.ResponseWriter, r *http.Request, values url.Values) {
			w.WriteHeader(status)
			fmt.Fprintf(w, form, code, repeat(r, values))
		}
	}
	for name, tt := range map[string]struct {
		actions []string // nil: every one
		answer  func(http.ResponseWriter, *http.Request, url.Values)
		hidden  bool // what is repeated is always shown, and so must show that it was hidden
	}{
		"role refused":      {[]string{"AssumeRole"}, refusal("AccessDenied", query, 403), true},
		"signature refused": {nil, refusal("SignatureDoesNotMatch", query, 403), true},
		"create refused": {[]string{"CreateVpcEndpoint", "CreateVpcEndpointServiceConfiguration"},
			refusal("InvalidParameter", ec2, 400), true},
		"AWS broken": {[]string{"CreateVpcEndpointServiceConfiguration"}, refusal("InternalError", ec2, 500), false},
		"nonsense": {[]string{"AssumeRole"}, func(w http.ResponseWriter, r *http.Request, form url.Values) {
			fmt.Fprint(w, form.Get("ExternalId"), r.Header.Get("X-Amz-Security-Token"))
		}, true},
		"broken off": {[]string{"AssumeRole"}, func(w http.ResponseWriter, _ *http.Request, _ url.Values) {
			fmt.Fprint(w, "<AssumeRoleResponse><AssumeRoleResult><Credentials><SecretAccessKey>planted-secret-key</SecretAccessKey><SessionToken>planted-session-token")
		}, false},
		"expired": {[]string{"CreateVpcEndpointServiceConfiguration"}, refusal("RequestExpired", ec2, 400), true},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLife(t, secretAccount)
			l.tap.instead = func(w http.ResponseWriter, action string, r *http.Request, form url.Values) bool {
				struck := tt.actions == nil
				for _, a := range tt.actions {
					struck = struck || a == action
				}
				if struck {
					tt.answer(w, r, form)
				}
				return struck
			}
			l.once("plan", l.dir, "-v")
			l.once("apply", l.dir, "--yes", "-v", "--log-format", "json")
			l.once("apply", l.dir, "--yes", "--format", "json")
			l.hasNoSecret()
			if tt.hidden && !strings.Contains(l.told.String(), "(hidden)") {
				t.Errorf("nothing that was hidden is shown, so that this test shows nothing:\n%s", l.told.String())
			}
		})
	}
}

// hostile is what a name or a message may hold: the ends of lines and of
// escapes, colours, titles, other directions of writing, what nobody sees,
// HTML and markdown.
const hostile = "\u009b31mRED\u009d0;title\u009c \u202eesrever\u202c \u2066x\u2069 z\u200bw \u2028line\u2029 \u007f\u0085 <script>alert(1)</script> <img src=x> **b** [l](http://evil.example) @everyone #1 `c` |"

// TestNothingHostileIsShown has strangers, AWS and the fleet's authors write
// what terminals, logs and forges would obey.
func TestNothingHostileIsShown(t *testing.T) {
	l := newLife(t, "// "+strings.NewReplacer("\u2028", "", "\u2029", "", "\u0085", "").Replace(hostile)+"\n")
	refuse := func(operation string) {
		if err := l.sim.Inject(awssim.Fault{Operation: operation, Effect: awssim.FaultError, Status: 400, Code: "Bad", Message: hostile}); err != nil {
			t.Fatal(err)
		}
	}
	refuse("CreateVpcEndpointServiceConfiguration")
	l.all()
	refuse("DescribeVpcEndpointServiceConfigurations")
	l.all()
	bad := fmt.Sprintf("package fleet\n\nservices: %q: {}\nservices: fraud: {unknownConnections: %[1]q, %[1]q: 1}\naccounts: \"\\u001b[31m\\n\": {}\n", "\x1b[2J"+hostile)
	bad = strings.NewReplacer(`\x1b`, `\u001b`, `\x7f`, `\u007f`).Replace(bad)
	if err := os.WriteFile(filepath.Join(l.dir, "bad.cue"), []byte(bad), 0o666); err != nil {
		t.Fatal(err)
	}
	l.run("validate")
	l.once("validate", l.dir, "--no-such-flag-\x1b[31m")
	l.once("no-such-command-\x1b[31m\u009b")
	state := l.hostileState()
	for _, args := range [][]string{{"status"}, {"history"}, {"history", "1"}} {
		l.once(append(args, "--state-dir", state)...)
		l.once(append(args, "--state-dir", state, "--format", "json")...)
	}
	text := l.told.String()
	text = strings.ReplaceAll(text, "$ no-such-command-\x1b[31m\u009b\n", "")
	text = strings.ReplaceAll(text, "--no-such-flag-\x1b[31m\n", "")
	text = drawing.ReplaceAllString(text, "")
	for line := range strings.Lines(text) {
		if i := strings.IndexFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("shown: %.300q", line[max(0, i-40):])
		}
	}
	for _, want := range []string{`\u009b31mRED`, `\u202eesrever`, "esrever"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not shown at all, so that this test shows nothing", want)
		}
	}
	for _, block := range regexp.MustCompile(`(?s)\$ plan \S+ --format markdown.*?\n\$ `).FindAllString(text, -1) {
		if strings.Contains(block, "<script>") && !strings.Contains(block, "```") {
			t.Errorf("HTML in markdown:\n%s", block)
		}
	}
}

// hostileState is a state folder of what people wrote into commits and pauses,
// and AWS into an error.
func (l *life) hostileState() (dir string) {
	l.t.Helper()
	dir = l.t.TempDir()
	kept, err := ledger.Open(l.t.Context(), dir)
	if err != nil {
		l.t.Fatal(err)
	}
	defer kept.Close()
	run := ledger.Run{Fleet: "small", Kind: ledger.ApplyRun, Commit: hostile, Subject: hostile, Ref: hostile, Began: time.Now()}
	run.ID, err = kept.BeginRun(l.t.Context(), run)
	run.Ended, run.Outcome, run.Error = run.Began, ledger.Failed, hostile
	report, _ := json.Marshal(map[string]string{"report": hostile}) // text alone cannot fail
	run.Report = report
	pause := ledger.Pause{Fleet: "small", Service: hostile, Who: hostile, Reason: hostile, Since: run.Began}
	if err := errors.Join(err, kept.EndRun(l.t.Context(), run), kept.Pause(l.t.Context(), pause)); err != nil {
		l.t.Fatal(err)
	}
	return dir
}

// drawing is what a status writes to a terminal to draw over itself.
var drawing = regexp.MustCompile(`\x1b\[\d+A\x1b\[J`)
