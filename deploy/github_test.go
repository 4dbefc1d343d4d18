// Package deploy_test holds the examples of this folder to the schemas and
// tools of those that will read them. That their flags and variables are
// linkfleet's own is tested beside the commands.
package deploy_test

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
)

// tooNew is what the linter does not know yet: runs that wait in a queue of
// more than one. See GitHub's changelog of 2026-05-07.
const tooNew = `unexpected key "queue" for "concurrency" section`

func TestGitHubWorkflows(t *testing.T) {
	linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files(t, "github/*.yml") {
		faults, err := linter.Lint(name, []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, fault := range faults {
			if !strings.HasPrefix(fault.Message, tooNew) {
				t.Error(fault)
			}
		}
	}
}

// A tag can be moved to other code; a commit cannot.
func TestActionsArePinned(t *testing.T) {
	pinned := regexp.MustCompile(`^[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	uses := regexp.MustCompile(`(?m)^\s*-? *uses: *(.*)$`)
	for name, text := range files(t, "github/*.yml") {
		all := uses.FindAllStringSubmatch(text, -1)
		if len(all) == 0 {
			t.Errorf("%s uses no action", name)
		}
		for _, use := range all {
			if !pinned.MatchString(use[1]) {
				t.Errorf("%s uses %s, which is no commit with its version in a comment", name, use[1])
			}
		}
	}
}

// What people write into a pull request must never become part of a shell's
// command, and nothing of it is checked out.
func TestWorkflowsRunNothingOfAPullRequest(t *testing.T) {
	script := regexp.MustCompile(`(?m)^\s*-? *run:.*\$\{\{`)
	for name, text := range files(t, "github/*.yml") {
		if line := script.FindString(text); line != "" {
			t.Errorf("%s has an expression in a script: %s; pass it as a variable", name, strings.TrimSpace(line))
		}
		if strings.Contains(text, "actions/checkout") || strings.Contains(text, "pull_request_target") {
			t.Errorf("%s checks something out, or runs for forks with the repository's rights", name)
		}
	}
}

// Of the subjects that AWS is told to trust there are two forms, and which
// one a repository has, its owner cannot choose.
func TestGitHubSubjectsHaveBothForms(t *testing.T) {
	for name, text := range files(t, "../docs/pull-request-to-production.md") {
		named := regexp.MustCompile("`repo:example/fleet(:[^`]+)`").FindAllStringSubmatch(text, -1)
		if len(named) == 0 {
			t.Errorf("%s has no subject", name)
		}
		for _, subject := range named {
			if want := "`repo:example@OWNER_ID/fleet@REPO_ID" + subject[1] + "`"; !strings.Contains(text, want) {
				t.Errorf("%s has %s, and not %s", name, subject[0], want)
			}
		}
	}
}

// files are the texts of the files that match a pattern, by name.
func files(t *testing.T, pattern string) map[string]string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("no file is like %s: %v", pattern, err)
	}
	texts := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(text)
	}
	return texts
}
