package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tool finds a program, or skips the test.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

// units copies the units to a folder, with a program that is there.
func units(t *testing.T) (paths []string) {
	t.Helper()
	dir, nothing := t.TempDir(), tool(t, "true")
	for name, text := range files(t, "systemd/linkfleet*.*") {
		if filepath.Ext(name) == ".sysusers" {
			continue
		}
		path := filepath.Join(dir, filepath.Base(name))
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "/usr/local/bin/linkfleet", nothing)), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

func TestSystemdUnits(t *testing.T) {
	analyze := tool(t, "systemd-analyze")
	all := units(t)
	out, err := exec.CommandContext(t.Context(), analyze, append([]string{"verify", "--man=no"}, all...)...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v: %s", err, out)
	}
	for _, unit := range all {
		if filepath.Ext(unit) != ".service" {
			continue
		}
		// Of ten points of exposure; services of systemd's own have two and a half.
		out, err := exec.CommandContext(t.Context(), analyze, "security", "--offline=yes", "--threshold=20", "--no-pager", unit).CombinedOutput()
		if err != nil {
			t.Errorf("systemd-analyze security: %v: %s", err, out)
		}
	}
}

// A timer without the service of its name starts nothing.
func TestTimersHaveServices(t *testing.T) {
	for name := range files(t, "systemd/*.timer") {
		if _, err := os.Stat(strings.TrimSuffix(name, ".timer") + ".service"); err != nil {
			t.Error(err)
		}
	}
}

func TestSystemUser(t *testing.T) {
	sysusers := tool(t, "systemd-sysusers")
	path, err := filepath.Abs("systemd/linkfleet.sysusers")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), sysusers, "--dry-run", "--root="+t.TempDir(), path).CombinedOutput()
	if err != nil {
		t.Errorf("systemd-sysusers: %v: %s", err, out)
	}
	for name, text := range files(t, "systemd/*.service") {
		if !strings.Contains(text, "\nUser=linkfleet\n") {
			t.Errorf("%s does not run as the user that linkfleet.sysusers makes", name)
		}
	}
}
