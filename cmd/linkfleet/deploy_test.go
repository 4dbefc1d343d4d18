package main

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
)

// examples are the texts that people copy commands from: all of deploy, and
// the pages that go with it.
func examples(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	add := func(path string) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.ToSlash(strings.TrimPrefix(path, "../../"))] = string(text)
	}
	err := filepath.WalkDir("../../deploy", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && filepath.Ext(path) != ".go" && !strings.Contains(path, "testdata") {
			add(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	add("../../docs/pull-request-to-production.md")
	return texts
}

var (
	// continued is a line that goes on in the next: by a backslash, or as YAML
	// folds it.
	continued = regexp.MustCompile(`\\\n\s*|\n\s+(--)`)
	// arguments are those of a container in a manifest.
	arguments = regexp.MustCompile(`(?m)^ *args:\n((?: +- .*\n)+)`)
	item      = regexp.MustCompile(`(?m)^ +- `)
	// invocation is one of linkfleet up to what ends a command.
	invocation = regexp.MustCompile(`\blinkfleet ([a-z][a-z-]*)((?: +[^\s|&;#` + "`" + `]+)*)`)
	flagName   = regexp.MustCompile(`(?:^| )--([a-z][a-z-]*)`)
)

// invocations are the commands of linkfleet in a text, each with its flags.
// A word after linkfleet in prose is none of its commands.
func invocations(root *cobra.Command, text string) (all []*cobra.Command, flags [][]string) {
	for _, args := range arguments.FindAllStringSubmatch(text, -1) {
		text += "\nlinkfleet " + strings.ReplaceAll(item.ReplaceAllString(args[1], ""), "\n", " ") + "\n"
	}
	for _, found := range invocation.FindAllStringSubmatch(continued.ReplaceAllString(text, " $1"), -1) {
		cmd, _, err := root.Find([]string{found[1]})
		if err != nil || cmd == root {
			continue
		}
		var names []string
		for _, flag := range flagName.FindAllStringSubmatch(found[2], -1) {
			names = append(names, flag[1])
		}
		all, flags = append(all, cmd), append(flags, names)
	}
	return all, flags
}

// What stands in deploy works only as long as the program has the flags.
func TestExamplesHaveFlagsThatThereAre(t *testing.T) {
	root := newRootCommand(&app{})
	seen := map[string]int{}
	for name, text := range examples(t) {
		commands, flags := invocations(root, text)
		for i, cmd := range commands {
			seen[cmd.Name()]++
			for _, flag := range flags[i] {
				missing := cmd.Flags().Lookup(flag) == nil && root.PersistentFlags().Lookup(flag) == nil
				if missing {
					t.Errorf("%s runs linkfleet %s --%s, and there is no such flag", name, cmd.Name(), flag)
				}
			}
		}
	}
	for _, command := range []string{"serve", "reconcile", "preview", "iam-policy"} {
		if seen[command] == 0 {
			t.Errorf("this test finds linkfleet %s nowhere", command)
		}
	}
}

// Variables of pipelines that are not read by the program.
var ofPipelines = []string{"LINKFLEET_VERSION", "LINKFLEET_ROLE", "LINKFLEET_PREVIEW_ROLE", "LINKFLEET_AWS_REGION"}

// variable is one of linkfleet's.
var variable = regexp.MustCompile(`\bLINKFLEET_[A-Z_]+\b`)

func TestExamplesHaveVariablesThatThereAre(t *testing.T) {
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, source := range sources {
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range variable.FindAllString(string(text), -1) {
			known[name] = true
		}
	}
	for name, text := range examples(t) {
		for _, used := range variable.FindAllString(text, -1) {
			if !known[used] && !slices.Contains(ofPipelines, used) {
				t.Errorf("%s sets %s; the program reads %v", name, used, slices.Sorted(maps.Keys(known)))
			}
		}
	}
}

// block is one of a page's that readers are to run as they stand.
var block = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// guide writes the blocks of a page that are marked sh into a script, with
// the simulator's address and speed of this one: page FILE SCRIPT SPEED.
func guide(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: page FILE SCRIPT SPEED")
	}
	var script strings.Builder
	for _, found := range block.FindAllStringSubmatch(ts.ReadFile(args[0]), -1) {
		script.WriteString(found[1])
	}
	text := strings.NewReplacer("http://127.0.0.1:4566", ts.Getenv("AWS_ENDPOINT_URL"), "--speed 60", "--speed "+args[2]).Replace(script.String())
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}
