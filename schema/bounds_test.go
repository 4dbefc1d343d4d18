package schema

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"
)

// baseFleet is a fleet's folder with nothing wrong in it.
func baseFleet(t *testing.T) fstest.MapFS {
	t.Helper()
	base, err := os.ReadFile(filepath.Join("testdata", "base.cue"))
	if err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{"base.cue": {Data: base}}
}

func TestBounds(t *testing.T) {
	many := map[string]string{}
	for i := range 20 {
		many[fmt.Sprintf("f%d.cue", i)] = "package fleet\n"
	}
	clutter := map[string]string{}
	for i := range 100 {
		clutter[fmt.Sprintf("clutter/%d.txt", i)] = ""
	}
	for _, tt := range []struct {
		name   string
		files  map[string]string
		bounds Bounds
		want   string
	}{
		{"files", many, Bounds{Files: 10}, "the folder holds more than 10 .cue files"},
		{"size of all", many, Bounds{Size: 500}, "the .cue files have more than 500 bytes together"},
		{"entries", clutter, Bounds{Entries: 50}, "the folder holds more than 50 files and folders"},
		{"size of one", map[string]string{"a.cue": "package fleet\n// " + strings.Repeat("x", 3<<20)}, Bounds{FileSize: 2 << 20}, "a.cue:1:1: the file has more than 2 MiB"},
		{"size of the module's file", map[string]string{"cue.mod/module.cue": "// " + strings.Repeat("x", 3<<20)}, Bounds{FileSize: 2 << 20}, "cue.mod/module.cue:1:1: the file has more than 2 MiB"},
		{"folders", map[string]string{strings.Repeat("d/", 40) + "a.cue": "package fleet\n"}, Bounds{}, "the folders are nested more than 32 deep"},
		{"lists", map[string]string{"a.cue": "package fleet\n\n_x: " + strings.Repeat("[", 1e6)}, Bounds{}, "a.cue:3:205: brackets are nested more than 200 deep here"},
		{"structs in lines", map[string]string{"a.cue": "package fleet\n_x: " + strings.Repeat("{a:\n", 1e6)}, Bounds{}, "a.cue:202:1: brackets are nested more than 200 deep here"},
		{"module", map[string]string{"cue.mod/module.cue": strings.Repeat("[", 1e6)}, Bounds{}, "cue.mod/module.cue:1:201: brackets are nested more than 200 deep here"},
		{"fields of fields", map[string]string{"a.cue": "package fleet\n_x: " + strings.Repeat("a:", 1e6) + "1"}, Bounds{}, "a.cue:2:20004: one expression goes on for more than 10000 parts here"},
		{"operators", map[string]string{"a.cue": "package fleet\n_x: " + strings.Repeat("1 +\n", 1e6) + "1"}, Bounds{}, "a.cue:10001:3: one expression goes on for more than 10000 parts here"},
		{"signs", map[string]string{"a.cue": "package fleet\n_x: " + strings.Repeat("!", 1e6) + "true"}, Bounds{}, "a.cue:2:10004: one expression goes on for more than 10000 parts here"},
		{"time", map[string]string{"a.cue": "package fleet\n"}, Bounds{Time: 1}, "the fleet's files take longer than 1ns to evaluate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := baseFleet(t)
			for name, text := range tt.files {
				files[name] = &fstest.MapFile{Data: []byte(text)}
			}
			began := time.Now()
			_, _, err := LoadWithin(t.Context(), files, testDay, tt.bounds)
			if faults := Faults(err); len(faults) != 1 || !strings.HasPrefix(faults[0].Error(), tt.want) {
				t.Errorf("faults %q, want one that begins with %q", faults, tt.want)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// TestBoundsOfDisk has in the folder what only a disk has.
func TestBoundsOfDisk(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	writeFile(t, filepath.Join(outside, "x.cue"), "package outside\n\nname: \"leaked\"\n")
	const module = "module: \"example.com/m\"\nlanguage: version: \"v0.13.0\"\n"
	for _, tt := range []struct {
		name string
		make func(dir string) error
		text string // a file more
		want string
	}{
		{"file", func(dir string) error { return os.Symlink("/etc/passwd", filepath.Join(dir, "sub", "a.cue")) }, "",
			"sub/a.cue:1:1: this is a symbolic link, and linkfleet reads only the files themselves; put the file itself here"},
		{"pipe", func(dir string) error { return syscall.Mkfifo(filepath.Join(dir, "a.cue"), 0o666) }, "",
			"a.cue:1:1: this is no regular file, and linkfleet reads only the files themselves; put the file itself here"},
		{"module that is a pipe", func(dir string) error {
			if err := os.Remove(filepath.Join(dir, "cue.mod", "module.cue")); err != nil {
				return err
			}
			return syscall.Mkfifo(filepath.Join(dir, "cue.mod", "module.cue"), 0o666)
		}, "", "cue.mod/module.cue:1:1: this is no regular file, and linkfleet reads only the files themselves; put the file itself here"},
		{"folder", func(dir string) error { return os.Symlink(outside, filepath.Join(dir, "outside")) },
			"import \"example.com/m/outside\"\n\nfleet: name: outside.name\n",
			"outside:1:1: this is a symbolic link to a folder, and linkfleet reads only the files themselves; put the folder itself here"},
		{"folder that is not there", func(dir string) error { return os.Symlink("../../outside", filepath.Join(dir, "outside")) },
			"import \"example.com/m/outside\"\n\nfleet: name: outside.name\n",
			"link.cue:3:8: import failed: there are no files of package outside in the folder that the import names"},
		{"file elsewhere", func(dir string) error {
			return errors.Join(os.Symlink(filepath.Join(outside, "x.cue"), filepath.Join(dir, "README")), os.Symlink("/nowhere/at/all", filepath.Join(dir, "none")))
		}, "", "fleet: is missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "cue.mod", "module.cue"), module)
			writeFile(t, filepath.Join(dir, "link.cue"), "package fleet\n\n"+tt.text)
			writeFile(t, filepath.Join(dir, "sub", "empty.cue"), "package fleet\n")
			if err := tt.make(dir); err != nil {
				t.Skip(err)
			}
			_, _, err := Load(t.Context(), dir, testDay)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "leaked") {
				t.Errorf("Load = %v, want %q", err, tt.want)
			}
		})
	}
}

// unopened is a folder of which a file must not be opened.
type unopened struct {
	fstest.MapFS
	name string
}

func (u unopened) Open(name string) (fs.File, error) {
	if name == u.name {
		return nil, errors.New("it was opened")
	}
	return u.MapFS.Open(name)
}

// What its size rules out is not read: others may have to hold all of it then.
func TestTooLargeFilesStayClosed(t *testing.T) {
	files := unopened{baseFleet(t), "a.cue"}
	files.MapFS["a.cue"] = &fstest.MapFile{Data: make([]byte, 3<<20)}
	_, _, err := LoadWithin(t.Context(), files, testDay, Bounds{FileSize: 2 << 20})
	if want := "a.cue:1:1: the file has more than 2 MiB"; len(Faults(err)) != 1 || !strings.HasPrefix(Faults(err)[0].Error(), want) {
		t.Errorf("got %v; want %q", err, want)
	}
}

// A folder that is not there to be read would look like one whose services and
// consumers were removed.
func TestFoldersThatCannotBeRead(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	link := func(to string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(to), Mode: fs.ModeSymlink} }
	submodule := &fstest.MapFile{Mode: fs.ModeIrregular}
	const noSubmodule = "this is a submodule, which is not fetched; put the folder itself here"
	const noLink = "this is a symbolic link to a folder, and linkfleet reads only the files themselves; put the folder itself here"
	for name, tt := range map[string]struct {
		files fstest.MapFS
		want  string
	}{
		"submodule":                      {fstest.MapFS{"consumers": submodule}, "consumers:1:1: " + noSubmodule},
		"submodule below":                {fstest.MapFS{"teams/risk/consumers": submodule}, "teams/risk/consumers:1:1: " + noSubmodule},
		"link":                           {fstest.MapFS{"consumers": link("shared"), "shared/a.cue": file("package shared\n")}, "consumers:1:1: " + noLink},
		"link that nobody can follow":    {fstest.MapFS{"consumers": {Mode: fs.ModeSymlink | fs.ModeIrregular, Data: []byte("../../shared")}}, "consumers:1:1: " + noLink},
		"link to a file":                 {fstest.MapFS{"README.md": link("docs/README.md"), "docs/README.md": file("x")}, ""},
		"link to nowhere":                {fstest.MapFS{"LICENSE": link("nowhere")}, ""},
		"what CUE leaves out":            {fstest.MapFS{".github": submodule, "_old": submodule, "testdata": link("docs"), "docs/x": file("x")}, ""},
		"below what CUE leaves out":      {fstest.MapFS{".tools/x": submodule, "_old/a/b": submodule, "testdata/c": submodule, "cue.mod/pkg": submodule}, ""},
		"in another module":              {fstest.MapFS{"tool/cue.mod/module.cue": file("module: \"example.com/tool\"\n"), "tool/consumers": submodule, "tool/a/b": submodule}, ""},
		"link to the root of the folder": {fstest.MapFS{"a/up": link("..")}, "a/up:1:1: " + noLink},
	} {
		t.Run(name, func(t *testing.T) {
			files := baseFleet(t)
			maps.Copy(files, tt.files)
			_, _, err := LoadFS(t.Context(), files, testDay)
			if got := fmt.Sprint(err); tt.want == "" && strings.Contains(got, "this is a") || !strings.Contains(got, tt.want) {
				t.Errorf("got %q; want %q", got, tt.want)
			}
		})
	}
}

// TestBoundsLeaveFleetsAlone has what looks like too much and is not.
func TestBoundsLeaveFleetsAlone(t *testing.T) {
	files := baseFleet(t)
	files["long.cue"] = &fstest.MapFile{Data: []byte("package fleet\n\n_x: [\n" + strings.Repeat("\t\"arn:aws:iam::111111111111:role/a\",\n", 20_000) + "]\n_y: \"" + strings.Repeat("x", 1<<20) + "\"\n")}
	files["hidden/.link.cue"] = &fstest.MapFile{Data: []byte("/etc/passwd"), Mode: os.ModeSymlink}
	if _, _, err := LoadFS(t.Context(), files, testDay); err != nil && strings.Contains(err.Error(), "more than") {
		t.Error(err)
	}
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}
