package schema

import (
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what Load says into the test data")

// A testFleet is a fleet of the test data: an archive of its files, and of
// what Load is to say of them in the file want.
type testFleet struct {
	path    string
	archive *txtar.Archive
	files   fstest.MapFS
	want    string
}

func testFleets(t testing.TB, kind string) []testFleet {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", kind, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no test data of kind %q: %v", kind, err)
	}
	base, err := os.ReadFile(filepath.Join("testdata", "base.cue"))
	if err != nil {
		t.Fatal(err)
	}
	var out []testFleet
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f := testFleet{path: path, archive: archive, files: fstest.MapFS{
			"base.cue":           {Data: base},
			schemaFile:           {Data: schemaText},
			"cue.mod/module.cue": {Data: []byte("module: \"fleet.example/test@v0\"\nlanguage: version: \"" + languageVersion + "\"\n")},
		}}
		for _, file := range archive.Files {
			if file.Name == "want" {
				f.want = string(file.Data)
				continue
			}
			f.files[file.Name] = &fstest.MapFile{Data: file.Data}
		}
		out = append(out, f)
	}
	return out
}

func (f testFleet) name() string { return strings.TrimSuffix(filepath.Base(f.path), ".txtar") }

// check compares what was said with want, or with -update writes it.
func (f testFleet) check(t *testing.T, got string) {
	t.Helper()
	if !*update {
		if diff := cmp.Diff(f.want, got); diff != "" {
			t.Errorf("%s (run with -update to accept): -want +got\n%s", f.path, diff)
		}
		return
	}
	for i, file := range f.archive.Files {
		if file.Name == "want" {
			f.archive.Files[i].Data = []byte(got)
		}
	}
	if err := os.WriteFile(f.path, txtar.Format(f.archive), 0o666); err != nil {
		t.Fatal(err)
	}
}

// said is what Load says of a fleet, a line each.
func said(warnings []Warning, err error) string {
	var b strings.Builder
	if err != nil {
		b.WriteString(err.Error() + "\n")
	}
	for _, w := range warnings {
		b.WriteString("warning: " + w.String() + "\n")
	}
	return b.String()
}

func TestWrongFleets(t *testing.T) {
	for _, f := range testFleets(t, "wrong") {
		t.Run(f.name(), func(t *testing.T) {
			fleet, warnings, err := LoadFS(t.Context(), f.files, testDay)
			if err == nil {
				t.Error("Load finds no fault")
			}
			if fleet != nil {
				t.Error("Load returns a fleet with faults")
			}
			for _, fault := range Faults(err) {
				if fault.Pos.File != "" && fault.Mend == "" {
					t.Logf("no mend: %v", fault)
				}
			}
			f.check(t, said(warnings, err))
		})
	}
}

func TestGoodFleets(t *testing.T) {
	for _, f := range testFleets(t, "good") {
		t.Run(f.name(), func(t *testing.T) {
			fleet, warnings, err := LoadFS(t.Context(), f.files, testDay)
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.MarshalIndent(fleet, "", "\t")
			if err != nil {
				t.Fatal(err)
			}
			f.check(t, said(warnings, nil)+string(text)+"\n")
		})
	}
}

// TestPlainVetAgrees holds that cue vet refuses no fleet that Load accepts.
func TestPlainVetAgrees(t *testing.T) {
	for _, f := range testFleets(t, "good") {
		t.Run(f.name(), func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, f.files); err != nil {
				t.Fatal(err)
			}
			// cue vet without -c fails for what is incomplete, too.
			if err := plainVet(t, dir, true); err != nil {
				t.Errorf("cue vet refuses what Load accepts: %v", err)
			}
		})
	}
}

// TestSameAnswers holds that evaluating in parts and evaluating the whole
// give the same answers.
func TestSameAnswers(t *testing.T) {
	for _, kind := range []string{"good", "wrong"} {
		for _, f := range testFleets(t, kind) {
			t.Run(f.name(), func(t *testing.T) { sameAnswers(t, f.files) })
		}
	}
}

func sameAnswers(t *testing.T, fsys fs.FS) {
	t.Helper()
	whole := func(outlines []*outline) []unit { return []unit{wholeUnit(outlines)} }
	wantFleet, wantWarnings, wantErr := load(t.Context(), fsys, testDay, whole)
	fleet, warnings, err := LoadFS(t.Context(), fsys, testDay)
	if diff := cmp.Diff(said(wantWarnings, wantErr), said(warnings, err)); diff != "" {
		t.Errorf("-whole +parts\n%s", diff)
	}
	if diff := cmp.Diff(wantFleet, fleet); diff != "" {
		t.Errorf("-whole +parts\n%s", diff)
	}
}
