package example_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	example "github.com/linkfleet/linkfleet/fleet.example"
	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/schema"
)

func TestSchemaIsThePrograms(t *testing.T) {
	want, err := os.ReadFile("../schema/schema.cue")
	if err != nil {
		t.Fatal(err)
	}
	got, err := fs.ReadFile(example.Files, "schema.cue")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("schema.cue differs from schema/schema.cue; mend: go run ./cmd/linkfleet init --schema fleet.example")
	}
}

// A file that is not embedded is missing from the demo.
func TestAllFilesAreEmbedded(t *testing.T) {
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".cue" {
			return err
		}
		_, err = fs.Stat(example.Files, name)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestFleetLoadsWithoutWarnings(t *testing.T) {
	fleet, warnings, err := schema.LoadFS(t.Context(), example.Files, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range warnings {
		t.Errorf("warning: %s", w)
	}
	if len(fleet.Services) != 2 {
		t.Errorf("%d services, want fraud and payments", len(fleet.Services))
	}
}

func TestWorldStands(t *testing.T) {
	world, err := awssim.LoadWorldFS(example.Files, example.World)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := awssim.New(awssim.Options{World: world}); err != nil {
		t.Fatal(err)
	}
}

// What the README shows of the language is a fleet.
func TestReadmesFleetLoads(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(readme), "```cue\n")
	text, _, found := strings.Cut(after, "```\n")
	if !found {
		t.Fatal("README.md shows no fleet")
	}
	files := fstest.MapFS{"fleet.cue": {Data: []byte(text)}}
	for _, name := range []string{"schema.cue", "cue.mod/module.cue"} {
		data, err := fs.ReadFile(example.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	if _, warnings, err := schema.LoadFS(t.Context(), files, time.Now()); err != nil || len(warnings) > 0 {
		t.Errorf("%v %v", err, warnings)
	}
}
