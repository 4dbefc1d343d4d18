package page

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// A browser builds the page as people see it, without an error, and shows all
// of its text. With PAGE_SHOTS set to a folder it leaves pictures there, to be
// looked at.
func TestInABrowser(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not on this machine, and without a browser nothing is known of what it makes of the page")
	}
	srv := httptest.NewServer(Handler(busy(), func() time.Time { return noon }))
	defer srv.Close()
	for path, want := range map[string][]string{
		"/":        {"1 blocked · 1 drifted · 1 waiting", "partner-c has not connected to fraud", "Paused: service tokens", "risk: a second subnet (#118)", "listener/ledger/https@platform/eu-central-1"},
		"/runs/43": {"heal · failed", "load-balancer/fraud: AccessDenied", "2 endpoints use it", "subnet-1, subnet-2"},
	} {
		dom := browse(t, chromium, "--dump-dom", srv.URL+path)
		text := plain(dom)
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s in the browser lacks %q:\n%s", path, w, text)
			}
		}
	}
	if folder := os.Getenv("PAGE_SHOTS"); folder != "" {
		shoot(t, chromium, srv.URL, folder)
	}
}

func shoot(t *testing.T, chromium, url, folder string) {
	for name, path := range map[string]string{"front": "/", "run": "/runs/43"} {
		browse(t, chromium, "--window-size=1280,1900", "--screenshot="+folder+"/"+name+"-desktop.png", url+path)
		browse(t, chromium, "--window-size=1280,1900", "--blink-settings=preferredColorScheme=0", "--screenshot="+folder+"/"+name+"-dark.png", url+path)
		browse(t, chromium, "--window-size=500,2600", "--screenshot="+folder+"/"+name+"-narrow.png", url+path)
	}
}

// browse runs the browser once, in a profile of its own, and gives what it
// prints. It fails on what the browser has to say against the page.
func browse(t *testing.T, chromium string, args ...string) string {
	t.Helper()
	args = append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--enable-logging=stderr", "--user-data-dir=" + t.TempDir()}, args...)
	cmd := exec.CommandContext(t.Context(), chromium, args...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("chromium: %v\n%s", err, said.String())
	}
	for line := range strings.Lines(said.String()) {
		if strings.Contains(line, "CONSOLE") {
			t.Errorf("the browser says: %s", line)
		}
	}
	return string(out)
}
