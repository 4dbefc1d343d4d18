package planner

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// goldenPlans are the plans of the golden files, as JSON.
func goldenPlans(t testing.TB) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("testdata/*.json")
	if err != nil || len(names) == 0 {
		t.Fatal("no golden plans", err)
	}
	plans := map[string][]byte{}
	for _, name := range names {
		if plans[name], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return plans
}

func TestParseSavedReadsPlans(t *testing.T) {
	for name, text := range goldenPlans(t) {
		s, err := ParseSaved(text)
		if name == filepath.Join("testdata", "hostile.json") {
			continue // its addresses are ones that no plan comes by
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !bytes.Contains(text, []byte(`"digest": "`+s.Digest+`"`)) || strings.Count(string(text), `"waitsFor"`) > 0 && len(s.Steps) == 0 {
			t.Errorf("%s is read as %+v", name, s)
		}
	}
}

func TestParseSavedIsStrict(t *testing.T) {
	digest := strings.Repeat("0f", 32)
	plan := func(more string) string {
		return `{"format": "linkfleet.plan/1", "fleet": "f", "digest": "` + digest + `"` + more
	}
	step := func(text string) string { return plan(`, "steps": [` + text + `]}`) }
	for text, want := range map[string]string{
		plan(`, "steps": [], "news": {"a": [1]}}`): "",
		plan(`, "steps": [], "commit": "abc"}`):    "",
		``:                                         "it is no JSON object",
		`[]`:                                       "it is no JSON object",
		`{"format": "linkfleet.plan/9"}`:           `it is of the form "linkfleet.plan/9", and this linkfleet reads linkfleet.plan/1`,
		`{"FORMAT": "linkfleet.plan/1"}`:           "it has no field format",
		plan(`, "steps": []`):                      "it breaks off",
		plan(`, "steps": []} {}`):                  "something follows the plan",
		plan(`, "steps": [], "digest": "x"}`):      `it has the field "digest" twice`,
		plan(`, "steps": null}`):                   "it has no field steps",
		plan(`, "steps": 7}`):                      "its field steps is not what a plan has there",
		plan(`, "steps": [], "commit": 5}`):        "its field commit is not what a plan has there",
		strings.Replace(plan(`, "steps": []}`), digest, "0F", 1):    "its digest is not 64 hexadecimal digits",
		step(`{"action": "rule"}`):                                  `its step 1: there is no action "rule"`,
		step(`{"action": "create", "addr": {"kind": "a/b"}}`):       `its step 1: "a/b/@/" is no address`,
		plan(strings.Repeat(`, "x": `+strings.Repeat("[", 1e5), 1)): `its field "x" is no JSON`,
	} {
		s, err := ParseSaved([]byte(text))
		switch {
		case want == "" && (err != nil || s.Digest != digest):
			t.Errorf("ParseSaved(%.80s) = %+v, %v", text, s, err)
		case want != "" && (err == nil || err.Error() != want):
			t.Errorf("ParseSaved(%.80s): %v, want %s", text, err, want)
		}
	}
	if _, ok := errors.AsType[*FormatError](func() error { _, err := ParseSaved([]byte(`{"format": "x"}`)); return err }()); !ok {
		t.Error("another form is no FormatError")
	}
}

func FuzzSaved(f *testing.F) {
	for _, text := range goldenPlans(f) {
		f.Add(text)
	}
	f.Add([]byte(`{"format": "linkfleet.plan/1", "fleet": "f", "digest": "` + strings.Repeat("0", 64) + `", "steps": [{"action": "create", "addr": {"kind": "k", "name": "n/m", "place": {"account": "a", "region": "r"}}, "id": "x"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := ParseSaved(text)
		if (err != nil) && strings.Contains(Clean(err.Error()), "\n") || err == nil && s == nil {
			t.Fatalf("ParseSaved = %v, %v", s, err)
		}
		if err != nil {
			return
		}
		for _, key := range s.Steps {
			if back, err := ParsePath(key.Addr.Path(), key.Addr.Place); err != nil || back != key.Addr {
				t.Errorf("the address %q does not survive", key.Addr)
			}
		}
		said := s.Difference(&Plan{Fleet: s.Fleet, Commit: s.Commit})
		if Clean(said) != said || said == "" {
			t.Errorf("Difference = %q", said)
		}
	})
}
