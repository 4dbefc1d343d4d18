package confine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/linkfleet/linkfleet/schema"
)

// TestMain lets the tests' own program be the process that evaluates.
func TestMain(m *testing.M) {
	if len(os.Args) != 2 {
		os.Exit(m.Run())
	}
	switch os.Args[1] {
	case "evaluate":
		if err := Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "look": // what a process has, once it is restricted
		look()
	case "crash":
		os.Exit(7)
	case "garbage":
		fmt.Println("{")
	case "babble":
		for range 40 {
			fmt.Print(strings.Repeat(" ", 1<<20))
		}
	default:
		os.Exit(m.Run())
	}
	os.Exit(0)
}

// look tells in an answer's warnings what a restricted process can reach.
func look() {
	saw := answer{Fleet: &schema.Fleet{}}
	see := func(what string) { saw.Warnings = append(saw.Warnings, schema.Warning{Message: what}) }
	if err := restrict(DefaultBounds()); err != nil {
		see(err.Error())
	}
	if slices.ContainsFunc(os.Environ(), func(kv string) bool { return !strings.HasPrefix(kv, "GOTRACEBACK=") }) {
		see(fmt.Sprint(os.Environ()))
	}
	if _, err := os.ReadFile("/etc/passwd"); err == nil {
		see("read a file")
	}
	if _, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		see("opened a socket")
	}
	_ = (&writer{out: os.Stdout}).write(saw)
}

var testDay = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)

func load(t *testing.T, fsys fs.FS, b Bounds) (*schema.Fleet, []schema.Warning, error) {
	t.Helper()
	return Load(t.Context(), fsys, testDay, b, os.Args[0], "evaluate")
}

// TestSameAnswers holds that a stranger's fleet is judged as any other.
func TestSameAnswers(t *testing.T) {
	folders := map[string]fs.FS{"the example": os.DirFS("../../fleet.example")}
	base, err := os.ReadFile("../../schema/testdata/base.cue")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"good/whole", "good/import", "good/spread", "wrong/definition", "wrong/clients-dropped"} {
		archive, err := txtar.ParseFile(filepath.Join("../../schema/testdata", filepath.FromSlash(name)+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		files := fstest.MapFS{"base.cue": {Data: base}}
		for _, f := range archive.Files {
			files[f.Name] = &fstest.MapFile{Data: f.Data}
		}
		folders[name] = files
	}
	folders["nothing"] = fstest.MapFS{}
	folders["a module in a folder"] = fstest.MapFS{"base.cue": {Data: base}, "sub/cue.mod/module.cue": {Data: []byte("?")}, "sub/a.cue": {Data: []byte("package fleet\n?")}}
	submodule := &fstest.MapFile{Mode: fs.ModeIrregular}
	folders["a submodule"] = fstest.MapFS{"cue.mod/module.cue": {Data: []byte("module: \"example.com/m\"\n")}, "base.cue": {Data: base}, "consumers": submodule}
	folders["submodules beside the fleet"] = fstest.MapFS{"base.cue": {Data: base}, "_old/x": submodule, "tool/cue.mod/module.cue": {Data: []byte("module: \"example.com/tool\"\n")}, "tool/x": submodule}
	for name, folder := range folders {
		t.Run(name, func(t *testing.T) {
			want, wantWarnings, wantErr := schema.LoadFS(t.Context(), folder, testDay)
			got, warnings, err := load(t, folder, Bounds{})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the fleet: -in this process +confined\n%s", diff)
			}
			if diff := cmp.Diff(wantWarnings, warnings); diff != "" {
				t.Errorf("the warnings: -in this process +confined\n%s", diff)
			}
			if diff := cmp.Diff(schema.Faults(wantErr), schema.Faults(err)); diff != "" || (wantErr == nil) != (err == nil) {
				t.Errorf("the faults: -in this process +confined\n%s\n%v\n%v", diff, wantErr, err)
			}
		})
	}
}

// doubling is text that stands for 2^n of something: each field names the one
// before it twice.
func doubling(first, each string, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "package fleet\n\n_x0: %s\n", first)
	for i := range n {
		fmt.Fprintf(&b, "_x%d: %s\n", i+1, strings.ReplaceAll(each, "@", fmt.Sprintf("_x%d", i)))
	}
	fmt.Fprintf(&b, "fleet: name: \"\\(len(_x%d))\"\n", n)
	return b.String()
}

// Each of these would take a machine down, or run until the end of time.
func TestBombs(t *testing.T) {
	const head = "package fleet\n\n"
	bombs := map[string]string{
		"doubling structs":        doubling("{a: 1}", "{l: @, r: @}", 60) + "services: _x60\n",
		"doubling lists":          doubling("[1]", "[for x in @ {x}, for x in @ {x}]", 60),
		"doubling lists, written": doubling("[1]", "[@, @]", 60) + "services: _x60\n",
		"doubling strings":        doubling(`"x"`, `"\(@)\(@)"`, 60),
		"doubling bytes":          doubling(`'x'`, `'\(@)\(@)'`, 60),
		"nested comprehensions":   head + "import \"list\"\n\n_r: list.Range(0, 1000, 1)\n_x: [for a in _r for b in _r for c in _r for d in _r {a + b + c + d}]\nfleet: name: \"\\(len(_x))\"\n",
		"range":                   head + "import \"list\"\n\nfleet: name: \"\\(len(list.Range(0, 1000000000000, 1)))\"\n",
		"repeated list":           head + "import \"list\"\n\nfleet: name: \"\\(len(list.Repeat([1, 2, 3], 100000000000)))\"\n",
		"repeated string":         head + "import \"strings\"\n\nfleet: name: strings.Repeat(\"x\", 100000000000)\n",
		"product of a string":     head + "fleet: name: 100000000000 * \"x\"\n",
		"huge number":             head + "_x: 9999999999 * 1e999999999 + 1\nfleet: name: \"\\(_x)\"\n",
		"huge power":              head + "import \"math\"\n\nfleet: name: \"\\(math.Pow(1e9999, 1e9999))\"\n",
		"disjunctions":            head + "_x: {" + strings.Repeat("{a: 1} | {b: 1} | {c: 1}} & {", 40) + "}\nfleet: name: \"\\(_x)\"\n",
		"recursive definition":    head + "#T: {n: int, if n > 0 {next: #T & {n: n - 1}}}\n_x: #T & {n: 1000000}\nfleet: name: \"\\(_x.n)\"\nservices: _x\n",
		"structural cycle":        head + "#T: {next: #T}\nservices: #T\n",
		"reference cycle":         head + "_a: _b + 1\n_b: _a + 1\nfleet: name: \"\\(_a)\"\n",
		"recursive pattern":       head + "#T: [string]: #T\nservices: a: b: #T & {c: d: e: 1}\n",
		"growing list":            head + "_x: [for x in _x {x}, 1]\nfleet: name: \"\\(_x)\"\n",
		"regular expression":      head + "fleet: name: =~\"" + strings.Repeat("(a{1,100}", 4) + strings.Repeat("){1,100}", 4) + "\" & \"x\"\n",
		"long regular expression": head + "fleet: name: =~\"" + strings.Repeat("(x+x+)+y", 3_000) + "\" & \"" + strings.Repeat("x", 400_000) + "\"\n",
		"deep fields":             head + "_x: " + strings.Repeat("a: ", 9_000) + "1\nfleet: name: \"\\(_x)\"\n",
		"deep lists":              head + "_x: " + strings.Repeat("[", 199) + strings.Repeat("]", 199) + "\nfleet: name: \"\\(_x)\"\n",
		"long sum":                head + "_x: 1" + strings.Repeat("+1", 9_900) + "\nfleet: name: \"\\(_x)\"\n",
		"many services":           head + "import \"list\"\n\nservices: {for i in list.Range(0, 10000000, 1) {\"s\\(i)\": account: \"a\"}}\n",
		"file of the machine":     "@extern(embed)\n\n" + head + "fleet: name: _ @embed(file=/etc/passwd,type=text)\n",
		"tools":                   head + "import \"tool/exec\"\n\nservices: s: account: (exec.Run & {cmd: \"id\", stdout: string}).stdout\n",
		"foreign import":          head + "import \"example.org/evil\"\n\nfleet: name: evil.name\n",
	}
	base, err := os.ReadFile("../../schema/testdata/base.cue")
	if err != nil {
		t.Fatal(err)
	}
	bounds := Bounds{Time: 2 * time.Second, Memory: 256 << 20}
	for name, text := range bombs {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			fleet, _, err := load(t, fstest.MapFS{
				"cue.mod/module.cue": {Data: []byte("module: \"example.com/m\"\nlanguage: version: \"v0.13.0\"\n")},
				"base.cue":           {Data: base}, "bomb.cue": {Data: []byte(text)},
			}, bounds)
			took := time.Since(began)
			if err == nil || fleet != nil || len(schema.Faults(err)) == 0 {
				t.Errorf("fleet %v with error %v", fleet != nil, err)
			}
			if took > bounds.Time+grace+time.Second {
				t.Errorf("it took %s", took)
			}
			line, _, _ := strings.Cut(fmt.Sprint(err), "\n")
			t.Logf("%s: %.200s", took.Round(10*time.Millisecond), line)
		})
	}
}

// sized is a folder of which no file can be opened.
type sized struct{ fstest.MapFS }

func (s sized) Open(name string) (fs.File, error) {
	if strings.HasSuffix(name, ".cue") {
		return nil, errors.New("it was opened")
	}
	return s.MapFS.Open(name)
}

// What is too large is not read: it may be more than there is memory for.
func TestTooLargeFilesStayClosed(t *testing.T) {
	_, _, err := load(t, sized{fstest.MapFS{"a.cue": {Data: make([]byte, 2<<20)}}}, Bounds{})
	if faults := schema.Faults(err); len(faults) != 1 || !strings.HasPrefix(faults[0].Error(), "a.cue:1:1: the file has more than 1 MiB") {
		t.Errorf("got %v", err)
	}
}

// An answer without end fills nobody's memory.
func TestEndlessAnswer(t *testing.T) {
	_, _, err := Load(t.Context(), fstest.MapFS{}, testDay, Bounds{}, os.Args[0], "babble")
	if faults := schema.Faults(err); len(faults) != 1 || !strings.HasPrefix(faults[0].Error(), "the fleet that the files make has more than 32 MiB") {
		t.Errorf("got %v", err)
	}
}

func TestSizes(t *testing.T) {
	many := fstest.MapFS{}
	for i := range 6000 {
		many[fmt.Sprintf("f%d.cue", i)] = &fstest.MapFile{Data: []byte("package fleet\n")}
	}
	for name, tt := range map[string]struct {
		files fstest.MapFS
		want  string
	}{
		"many files": {many, "the folder holds more than 5000 .cue files; give the fleet's own folder"},
		"huge file":  {fstest.MapFS{"a.cue": {Data: bytes.Repeat([]byte{'x'}, 2<<20)}}, "a.cue:1:1: the file has more than 1 MiB; split it, or take out what is no part of the fleet"},
		"deep":       {fstest.MapFS{"a.cue": {Data: []byte("package fleet\nx: " + strings.Repeat("[", 1e5))}}, "a.cue:2:204: brackets are nested more than 200 deep here; write the value in several fields"},
		"backslash":  {fstest.MapFS{`..\a.cue`: {Data: []byte("package fleet\n")}}, `the file name "..\\a.cue" holds a backslash; rename the file`},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := load(t, tt.files, Bounds{})
			if faults := schema.Faults(err); len(faults) != 1 || faults[0].Error() != tt.want {
				t.Errorf("faults %q, want %q", faults, tt.want)
			}
		})
	}
}

func TestConfinement(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux restricts a process like this")
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "planted")
	_, saw, err := Load(t.Context(), fstest.MapFS{}, testDay, Bounds{}, os.Args[0], "look")
	if err != nil || len(saw) > 0 {
		t.Errorf("the process for strangers saw %v, %v", saw, err)
	}
}

func TestBrokenProcess(t *testing.T) {
	for arg, want := range map[string]string{
		"crash":   "evaluating the fleet: the process for it ended with exit status 7",
		"garbage": "does not answer as linkfleet does",
	} {
		_, _, err := Load(t.Context(), fstest.MapFS{}, testDay, Bounds{}, os.Args[0], arg)
		if err == nil || !strings.Contains(err.Error(), want) || schema.Faults(err) != nil {
			t.Errorf("%s: %v, want %q and no fault", arg, err, want)
		}
	}
	if _, _, err := Load(t.Context(), fstest.MapFS{}, testDay, Bounds{}, filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a program that is not there: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Load(ctx, fstest.MapFS{"a.cue": {}}, testDay, Bounds{}, os.Args[0], "evaluate"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestServeAlone(t *testing.T) {
	for _, in := range []string{"", "{}", `{"Zip": "eA=="}`} {
		var out bytes.Buffer
		if err := Serve(strings.NewReader(in), &out); err == nil || out.Len() > 0 {
			t.Errorf("Serve(%q) = %v, wrote %q", in, err, out.String())
		}
	}
}
