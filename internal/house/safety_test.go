package house_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/safety.md names tests and scripts for every promise; each is one.
func TestSafetyNamesRealTests(t *testing.T) {
	page, err := os.ReadFile("../../docs/safety.md")
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile("`(?:([a-z/]+)\\.((?:Test|Fuzz)\\w+)|([a-z]+\\.txtar))`")
	for line := range strings.Lines(string(page)) {
		found := name.FindAllStringSubmatch(line, -1)
		cells := strings.Split(line, " | ")
		if len(cells) == 3 && len(found) == 0 && !strings.HasPrefix(line, "| Promise") {
			t.Errorf("nothing holds the promise %q", strings.TrimPrefix(cells[0], "| "))
		}
		for _, f := range found {
			if !holds(t, f[1], f[2], f[3]) {
				t.Errorf("there is no %s", f[0])
			}
		}
	}
}

// holds tells whether there is a test in a folder or a script.
func holds(t *testing.T, folder, test, script string) bool {
	t.Helper()
	if script != "" {
		_, err := os.Stat(filepath.Join("../../cmd/linkfleet/testdata/script", script))
		return err == nil
	}
	files, err := filepath.Glob(filepath.Join("../..", folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+test+"(") {
			return true
		}
	}
	return false
}
