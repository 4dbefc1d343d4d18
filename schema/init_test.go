package schema

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	cueload "cuelang.org/go/cue/load"
)

var testDay = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func TestInitValidates(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "fleet")
	written, err := Init(dir, "payments")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"cue.mod/module.cue", "fleet.cue", "schema.cue", "services/fraud.cue"}
	if !slices.Equal(written, want) {
		t.Errorf("wrote %q, want %q", written, want)
	}
	fleet, warnings, err := Load(t.Context(), dir, testDay)
	if err != nil {
		t.Fatal(err)
	}
	if len(warnings) > 0 {
		t.Errorf("warnings of a new fleet: %v", warnings)
	}
	if fleet.Name != "payments" || fleet.Services["fraud"] == nil {
		t.Errorf("the new fleet is %+v", fleet)
	}
}

// TestInitPlainCUE evaluates a new fleet as cue vet -c ./... does.
func TestInitPlainCUE(t *testing.T) {
	dir := t.TempDir()
	if _, err := Init(dir, "payments"); err != nil {
		t.Fatal(err)
	}
	if err := plainVet(t, dir, true); err != nil {
		t.Error(err)
	}
	file := filepath.Join(dir, "services", "fraud.cue")
	replaceIn(t, file, "region: ", "regoin: ")
	if err := plainVet(t, dir, true); err == nil || !strings.Contains(err.Error(), "regoin") {
		t.Errorf("cue vet of a misspelt field: %v", err)
	}
}

// plainVet is cue vet ./..., or with concrete cue vet -c ./...
func plainVet(t testing.TB, dir string, concrete bool) error {
	t.Helper()
	ctx := cuecontext.New()
	for _, instance := range cueload.Instances([]string{"./..."}, &cueload.Config{Dir: dir, Package: packageName}) {
		if instance.Err != nil {
			return instance.Err
		}
		v := ctx.BuildInstance(instance)
		if err := v.Validate(cue.Attributes(true), cue.Definitions(true), cue.Hidden(true), cue.Concrete(concrete)); err != nil {
			return err
		}
	}
	return nil
}

func replaceIn(t *testing.T, file, old, new string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s does not contain %q", file, old)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), old, new)), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestInitOverwritesNothing(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "fleet.cue")
	if err := os.WriteFile(mine, []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Init(dir, "payments"); err == nil || !strings.Contains(err.Error(), "fleet.cue exists already") {
		t.Errorf("Init over a file: %v", err)
	}
	entries, _ := os.ReadDir(dir)
	if text, _ := os.ReadFile(mine); string(text) != "mine" || len(entries) != 1 {
		t.Errorf("Init left %d entries and %q", len(entries), text)
	}
}

func TestInitName(t *testing.T) {
	for _, name := range []string{"", "Payments", "a_b", "-a", strings.Repeat("a", 33), "a\nb"} {
		if _, err := Files(name); err == nil {
			t.Errorf("Files(%q) has no error", name)
		}
	}
}

// TestSchemaSum holds that the schema bears its own sum. With -update it is
// written.
func TestSchemaSum(t *testing.T) {
	sum, rest, ok := summed(schemaText)
	want := sumOf(rest)
	switch {
	case !ok:
		t.Fatal("the schema has no line for its sum")
	case sum == want:
	case *update:
		replaceIn(t, schemaFile, schemaSum+sum+"\n", schemaSum+want+"\n")
	default:
		t.Errorf("the schema's sum is %s, and it says %q (run with -update, and renew fleet.example with linkfleet init --schema)", want, sum)
	}
}

// otherVersion is the schema as another version of linkfleet may have written
// it.
func otherVersion() []byte {
	sum, rest, _ := summed(append(slices.Clone(schemaText), "// More.\n"...))
	text := bytes.Replace(schemaText, []byte(sum), []byte(sumOf(rest)), 1)
	return append(text, "// More.\n"...)
}

// An upgrade of linkfleet ends no fleet's upkeep.
func TestSchemaOfAnotherVersion(t *testing.T) {
	files := testFleets(t, "good")[0].files
	text := otherVersion()
	for _, text := range [][]byte{text, bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))} {
		files[schemaFile] = &fstest.MapFile{Data: text}
		_, warnings, err := LoadFS(t.Context(), files, testDay)
		if err != nil || !strings.Contains(said(warnings, nil), "warning: schema.cue:1:1: the schema is of another version of linkfleet") {
			t.Errorf("Load warns %v, and fails with %v", warnings, err)
		}
	}
	files[schemaFile] = &fstest.MapFile{Data: append(text, "// And more.\n"...)}
	if _, _, err := LoadFS(t.Context(), files, testDay); err == nil || !strings.Contains(err.Error(), "it was edited") {
		t.Errorf("Load of an edited schema: %v", err)
	}
}

func TestWriteSchema(t *testing.T) {
	dir := t.TempDir()
	if _, err := Init(dir, "payments"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, schemaFile)
	check := func(what string, wantChanged bool) {
		t.Helper()
		changed, err := WriteSchema(dir)
		if err != nil || changed != wantChanged {
			t.Errorf("%s: WriteSchema = %v, %v", what, changed, err)
		}
		if _, _, err := Load(t.Context(), dir, testDay); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	check("as it was", false)
	replaceIn(t, file, "\n", "\r\n")
	check("with Windows line ends", false)
	replaceIn(t, file, "65535", "70000")
	if _, _, err := Load(t.Context(), dir, testDay); err == nil || !strings.Contains(err.Error(), "linkfleet init --schema") {
		t.Errorf("Load with an edited schema: %v", err)
	}
	check("edited", true)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	check("missing", true)
	if err := os.WriteFile(file, otherVersion(), 0o666); err != nil {
		t.Fatal(err)
	}
	check("of another version", true)
	if err := os.WriteFile(file, []byte("package fleet\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := WriteSchema(dir); err == nil {
		t.Error("WriteSchema overwrote a file of the author's")
	}
	if _, err := WriteSchema(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("WriteSchema made a folder")
	}
}
