package schema

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

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
			t.Parallel()
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
			t.Parallel()
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
			t.Parallel()
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
			t.Run(f.name(), func(t *testing.T) {
				t.Parallel()
				sameAnswers(t, f.files)
			})
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

// TestDivision holds that fleets are evaluated in parts wherever they can
// be, and as a whole only where they must.
func TestDivision(t *testing.T) {
	for _, f := range testFleets(t, "good") {
		units := unitsOf(t, f.files)
		whole := units[0].rest && units[0].services
		if want := strings.HasPrefix(f.name(), "whole"); whole != want {
			t.Errorf("%s: evaluated as a whole: %v, want %v", f.name(), whole, want)
		}
	}
	if n := len(unitsOf(t, largeFleet(12, 60))); n < 3 {
		t.Errorf("12 services make %d units", n)
	}
}

func unitsOf(t *testing.T, files fs.FS) []unit {
	t.Helper()
	l := &loading{unknown: map[string]bool{}}
	var err error
	if l.shape, err = readShape(); err != nil {
		t.Fatal(err)
	}
	if l.repo, err = readRepository(t.Context(), files, &l.faults); err != nil {
		t.Fatal(err)
	}
	outlines, err := l.outlines(t.Context())
	if err != nil || len(l.errs) > 0 {
		t.Fatal(err, l.errs)
	}
	return divide(outlines)
}

// TestSameAnswersLarge compares parts and whole where there are many parts,
// in one file, with shared templates and accounts.
func TestSameAnswersLarge(t *testing.T) {
	files := largeFleet(10, 60)
	var one strings.Builder
	one.WriteString("package fleet\n\nlet team = accounts.team7\n_id: team.id\n")
	for name, file := range files {
		if strings.HasPrefix(name, "services/") {
			one.WriteString(strings.TrimPrefix(string(file.Data), "package fleet\n"))
			delete(files, name)
		}
	}
	one.WriteString("services: service3: consumers: team7: principals: [\"arn:aws:iam::\\(_id):root\"]\n")
	files["services/all.cue"] = &fstest.MapFile{Data: []byte(one.String())}
	if n := len(unitsOf(t, files)); n < 3 {
		t.Errorf("the file makes %d units", n)
	}
	sameAnswers(t, files)
	fleet, _, err := LoadFS(t.Context(), files, testDay)
	if err != nil {
		t.Fatal(err)
	}
	if got := fleet.Services["service3"].Consumers["team7"].Principals[0]; got != "arn:aws:iam::200000000007:root" {
		t.Errorf("the principal from elsewhere is %q", got)
	}
}

func TestLoadFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		filepath.Join(t.TempDir(), "nowhere"): "no such file or directory",
		file:                                  "give the folder that holds the fleet",
		t.TempDir():                           "the folder holds no .cue files; linkfleet init writes a first fleet",
	} {
		fleet, _, err := Load(t.Context(), dir, testDay)
		if fleet != nil || err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("Load = %v, %v; want one line with %q", fleet, err, want)
		}
	}
}

func TestLoadCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := LoadFS(ctx, largeFleet(3, 3), testDay); !errors.Is(err, context.Canceled) {
		t.Errorf("Load of a cancelled context: %v", err)
	}
}

// A mistake of ours is an error, and ends no server.
func TestPanicIsAnError(t *testing.T) {
	broken := func([]*outline) []unit { panic("a mistake") }
	fleet, _, err := load(t.Context(), largeFleet(1, 1), testDay, broken)
	if fleet != nil || err == nil || !strings.Contains(err.Error(), "linkfleet broke off (a mistake)") {
		t.Errorf("load = %v, %v", fleet, err)
	}
	err = sideBySide(t.Context(), 3, func(int) { panic("a mistake") })
	if err == nil || !strings.Contains(err.Error(), "linkfleet broke off (a mistake)") {
		t.Errorf("sideBySide = %v", err)
	}
}

// TestLoadTwice holds that the same files give the same bytes.
func TestLoadTwice(t *testing.T) {
	files := largeFleet(5, 60)
	files["faults.cue"] = &fstest.MapFile{Data: []byte("package fleet\n\nservices: [string]: onRevok: \"keep\"\nservices: [string]: consumers: [string]: endpoint: from: 5\n")}
	_, w1, err1 := LoadFS(t.Context(), files, testDay)
	_, w2, err2 := LoadFS(t.Context(), files, testDay)
	if diff := cmp.Diff(said(w1, err1), said(w2, err2)); diff != "" || err1 == nil {
		t.Errorf("-first +second\n%s\n%v", diff, err1)
	}
}

func TestWaiverToday(t *testing.T) {
	files := fstest.MapFS{}
	for _, f := range testFleets(t, "wrong") {
		if f.name() == "waiver-expired" {
			files = f.files
		}
	}
	lastSecond := time.Date(2026, 5, 31, 23, 59, 59, 0, time.UTC)
	if _, _, err := LoadFS(t.Context(), files, lastSecond); err != nil {
		t.Errorf("on its last day: %v", err)
	}
	if _, _, err := LoadFS(t.Context(), files, lastSecond.Add(time.Second)); err == nil {
		t.Error("the day after, the waiver still holds")
	}
}

func TestErrorText(t *testing.T) {
	e := &Error{Pos: Pos{"a.cue", 3, 7}, Path: "services.pay", Message: "is wrong", Mend: "mend it"}
	if got, want := e.Error(), "a.cue:3:7: services.pay: is wrong; mend it"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	joined := fmt.Errorf("validating: %w", Errors{e, {Message: "alone"}, e}.Err())
	if got := len(Faults(joined)); got != 2 {
		t.Errorf("%d faults of a joined error, want 2", got)
	}
	if got, want := joined.Error(), "validating: alone\n"+e.Error(); got != want {
		t.Errorf("joined = %q, want %q", got, want)
	}
	if one, ok := errors.AsType[*Error](joined); !ok || one.Message != "alone" {
		t.Errorf("errors.AsType = %v, %v", one, ok)
	}
	if Faults(errors.New("other")) != nil {
		t.Error("another error has faults")
	}
}

func TestDidYouMean(t *testing.T) {
	known := slices.Values([]string{"acceptanceRequired", "account", "consumers", "crossZone", "vpc"})
	for name, want := range map[string]string{
		"acceptanceRequred": "acceptanceRequired",
		"ACCOUNT":           "account",
		"acocunt":           "account",
		"cross_zone":        "crossZone",
		"vcp":               "vpc",
		"loadBalancer":      "",
		"x":                 "",
		"":                  "",
	} {
		if got := didYouMean(name, known); got != want {
			t.Errorf("didYouMean(%q) = %q, want %q", name, got, want)
		}
	}
}

// FuzzLoad holds that no text makes Load panic or speak without a place, and
// that parts and whole agree on what is accepted.
func FuzzLoad(f *testing.F) {
	for _, fleet := range testFleets(f, "good") { // the wrong ones have tests enough
		for _, file := range fleet.archive.Files {
			if strings.HasSuffix(file.Name, ".cue") {
				f.Add(file.Data)
			}
		}
	}
	f.Add([]byte("package fleet\n\naccounts: \"\": {\"\": 1, id: [\"\"]}\nservices: \"[0]\": listeners: \"\": targets: \"[1]\": \"\": {}\n"))
	base, err := os.ReadFile(filepath.Join("testdata", "base.cue"))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 4096 {
			t.Skip("long texts only take time")
		}
		files := fstest.MapFS{"base.cue": {Data: base}, "a.cue": {Data: text}}
		fleet, _, err := LoadFS(t.Context(), files, testDay)
		if (fleet == nil) == (err == nil) {
			t.Fatalf("fleet %v with error %v", fleet, err)
		}
		if err != nil && strings.Contains(err.Error(), "linkfleet broke off") {
			t.Fatal(err) // a panic
		}
		for _, fault := range Faults(err) {
			if fault.Message == "" {
				t.Errorf("a fault says nothing: %+v", fault)
			}
		}
		whole := func(outlines []*outline) []unit { return []unit{wholeUnit(outlines)} }
		_, _, wholeErr := load(t.Context(), files, testDay, whole)
		if (err == nil) != (wholeErr == nil) {
			t.Errorf("in parts: %v\nas a whole: %v", err, wholeErr)
		}
	})
}
