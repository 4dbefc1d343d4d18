package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/linkfleet/linkfleet/schema"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"linkfleet": main})
}

// TestScripts runs testdata/script. With UPDATE set in the environment the
// files that scripts compare output with are rewritten.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       os.Getenv("UPDATE") != "",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"unpack":   unpack,
			"sim":      startSim,
			"get":      get,
			"post":     post,
			"capture":  capture,
			"await":    await,
			"contains": contains,
			"page":     guide,
		},
	})
}

// setUp keeps the scripts away from the credentials and settings of who runs
// them.
func setUp(env *testscript.Env) error {
	for _, kv := range [][2]string{
		{"AWS_ACCESS_KEY_ID", "AKIAHUB"}, {"AWS_SECRET_ACCESS_KEY", "secret"}, {"AWS_REGION", "us-east-1"}, {"AWS_DEFAULT_REGION", "us-east-1"},
		{"AWS_CONFIG_FILE", "/dev/null"}, {"AWS_SHARED_CREDENTIALS_FILE", "/dev/null"},
		{"AWS_EC2_METADATA_DISABLED", "true"}, {"AWS_PAGER", ""},
		{"GIT_CONFIG_GLOBAL", "/dev/null"}, {"GIT_CONFIG_NOSYSTEM", "1"},
		{"HOME", filepath.Join(env.WorkDir, "home")}, {"XDG_CACHE_HOME", ""}, // where leases are
	} {
		env.Setenv(kv[0], kv[1])
	}
	for name, dir := range map[string]string{"EXAMPLE": "../../fleet.example", "FIXTURES": "testdata/fixture"} {
		full, err := filepath.Abs(dir)
		if err != nil {
			return err
		}
		env.Setenv(name, full)
	}
	return nil
}

// unpack writes a fixture into the script's folder: unpack NAME. A folder
// named fleet in it gets the schema.
func unpack(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: unpack NAME")
	}
	archive, err := txtar.ParseFile(filepath.Join(ts.Getenv("FIXTURES"), args[0]+".txtar"))
	ts.Check(err)
	ts.Check(txtar.Write(archive, ts.MkAbs(".")))
	_, err = schema.WriteSchema(ts.MkAbs("fleet"))
	ts.Check(err)
}

// startSim starts a simulator and points the script at it: sim WORLD [FLAG...].
// It ends with the script, in order and with status 0.
func startSim(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: sim WORLD [FLAG...]")
	}
	cmd := exec.Command(program(ts), append([]string{"sim", "--listen", "127.0.0.1:0", "--world", ts.MkAbs(args[0])}, args[1:]...)...)
	cmd.Dir = ts.MkAbs(".")
	var told strings.Builder
	cmd.Stderr = &told
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			ts.Fatalf("the simulator ended with %v: %s", err, told.String())
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !ok {
		ts.Fatalf("the simulator said %q (%v): %s", line, err, told.String())
	}
	ts.Setenv("AWS_ENDPOINT_URL", address)
}

// program is the linkfleet that testscript put into the script's PATH.
func program(ts *testscript.TestScript) string {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if name := filepath.Join(dir, "linkfleet"); isFile(name) {
			return name
		}
	}
	ts.Fatalf("linkfleet is not in the script's PATH")
	return ""
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// post tells the simulator something: post PATH [BODY].
func post(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: post PATH [BODY]")
	}
	answer, err := http.Post(ts.Getenv("AWS_ENDPOINT_URL")+args[0], "application/json", strings.NewReader(strings.Join(args[1:], "")))
	ts.Check(err)
	read(ts, answer)
}

// get asks the simulator something and prints the answer: get PATH.
func get(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: get PATH")
	}
	answer, err := http.Get(ts.Getenv("AWS_ENDPOINT_URL") + args[0])
	ts.Check(err)
	_, err = ts.Stdout().Write(read(ts, answer))
	ts.Check(err)
}

func read(ts *testscript.TestScript, answer *http.Response) []byte {
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	ts.Check(err)
	if answer.StatusCode != http.StatusOK {
		ts.Fatalf("%s: %s: %s", answer.Request.URL, answer.Status, text)
	}
	return text
}

// capture keeps what a group of a pattern matches in the last standard
// output: capture VARIABLE PATTERN.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture VARIABLE PATTERN")
	}
	match := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(match) < 2 {
		ts.Fatalf("no match for %s in the standard output", args[1])
	}
	ts.Setenv(args[0], match[1])
}

// await waits until a file that a background command writes matches a
// pattern: await FILE PATTERN.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await FILE PATTERN")
	}
	pattern, name := regexp.MustCompile(args[1]), ts.MkAbs(args[0])
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if text, err := os.ReadFile(name); err == nil && pattern.Match(text) {
			return
		}
	}
	text, _ := os.ReadFile(name)
	ts.Fatalf("no match for %s in %s: %s", args[1], args[0], text)
}

// contains wants every line of the second file in the first, in that order,
// whatever lies between: contains FILE LINES.
func contains(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: contains FILE LINES")
	}
	rest := ts.ReadFile(args[0])
	for line := range strings.Lines(ts.ReadFile(args[1])) {
		line = strings.TrimSpace(line)
		_, after, found := strings.Cut(rest, line)
		if !found {
			ts.Fatalf("%s does not have, in this place, the line %q", args[0], line)
		}
		rest = after
	}
}
