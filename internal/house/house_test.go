// Package house_test holds the house to its laws: which package may know
// what. They stand in docs/architecture.md.
package house_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/linkfleet/linkfleet/"

// A pkg is what go list says of a package.
type pkg struct {
	ImportPath string
	Standard   bool
	// What the package's own files import, and its tests'.
	Imports, TestImports, XTestImports []string
	// Deps is everything that is linked with the package, tests aside.
	Deps []string
}

// name is the package as the laws call it: its folder.
func (p *pkg) name() string { return strings.TrimPrefix(p.ImportPath, module) }

func (p *pkg) ours() bool { return strings.HasPrefix(p.ImportPath, module) }

// tests are what the package's tests import.
func (p *pkg) tests() []string { return slices.Concat(p.TestImports, p.XTestImports) }

// A house is every package linked into ours, by import path.
type house map[string]*pkg

func readHouse(t *testing.T) house {
	t.Helper()
	const fields = "-json=ImportPath,Standard,Imports,TestImports,XTestImports,Deps"
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", fields, module+"...").Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Fatalf("go list: %v\n%s", err, failed.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	h := house{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		p := new(pkg)
		if err := d.Decode(p); errors.Is(err, io.EOF) {
			return h
		} else if err != nil {
			t.Fatal(err)
		}
		h[p.ImportPath] = p
	}
}

// own lists our packages in the order of their names.
func (h house) own() []*pkg {
	var own []*pkg
	for _, p := range h {
		if p.ours() {
			own = append(own, p)
		}
	}
	slices.SortFunc(own, func(a, b *pkg) int { return strings.Compare(a.ImportPath, b.ImportPath) })
	return own
}

// foreign tells whether path is of neither the standard library nor ours.
// Without its package at hand (only tests import it), the dot in the first
// element decides, as it does for the go command.
func (h house) foreign(path string) bool {
	if strings.HasPrefix(path, module) {
		return false
	}
	if p := h[path]; p != nil {
		return !p.Standard
	}
	first, _, _ := strings.Cut(path, "/")
	return strings.Contains(first, ".")
}

// within tells whether path is one of roots or in a folder below one.
func within(path string, roots []string) bool {
	return slices.ContainsFunc(roots, func(root string) bool {
		return path == root || strings.HasPrefix(path, root+"/")
	})
}

// ofAWS are the modules of AWS's SDK.
var ofAWS = []string{"github.com/aws"}

// Every package of the program is listed with all that it may import: of
// ours, by folder, and of others, by module. A new package wants a new line
// here, and so a thought about where it belongs.
func TestEveryPackageKnowsOnlyWhatItMay(t *testing.T) {
	type may struct{ ours, others []string }
	laws := map[string]may{
		"planner/dag": {},
		"planner":     {ours: []string{"planner/dag"}},
		"applier":     {ours: []string{"planner", "planner/dag"}, others: []string{"github.com/hashicorp/go-multierror"}},
		"schema":      {others: []string{"cuelang.org/go", "github.com/hashicorp/go-multierror", "golang.org/x/sync"}},

		"internal/awsapi":              {ours: []string{"planner", "applier"}, others: append([]string{"golang.org/x/time", "go.opentelemetry.io/otel"}, ofAWS...)},
		"internal/kinds":               {ours: []string{"planner", "applier", "schema", "internal/awsapi"}, others: append([]string{"golang.org/x/sync"}, ofAWS...)},
		"internal/awssim":              {others: []string{"cuelang.org/go"}},
		"internal/awssim/models/gen":   {},
		"internal/estate":              {ours: []string{"planner", "schema", "internal/awsapi", "internal/kinds"}},
		"internal/events":              {ours: []string{"internal/awsapi"}},
		"internal/confine":             {ours: []string{"schema"}},
		"internal/forge":               {others: []string{"github.com/google/go-github/v89", "gitlab.com/gitlab-org/api/client-go/v2", "code.gitea.io/sdk/gitea"}},
		"internal/forge/webhook":       {ours: []string{"internal/forge"}},
		"internal/forge/forgetest":     {others: []string{"github.com/getkin/kin-openapi"}},
		"internal/forge/forgetest/gen": {},
		"internal/gitsource":           {others: []string{"github.com/ProtonMail/go-crypto", "github.com/go-git/go-git/v5", "golang.org/x/crypto"}},
		"internal/gitsource/gittest":   {others: []string{"golang.org/x/crypto"}},
		"internal/preview":             {ours: []string{"planner", "schema"}},
		"internal/reconcile":           {ours: []string{"planner", "applier", "schema", "internal/awsapi", "internal/kinds", "internal/lease"}},
		"internal/rollout": {ours: []string{"planner", "applier", "schema", "internal/awsapi", "internal/forge", "internal/gitsource", "internal/kinds",
			"internal/lease", "internal/ledger", "internal/preview", "internal/reconcile"}, others: []string{"go.opentelemetry.io/otel"}},
		"internal/serve": {ours: []string{"planner", "schema", "internal/awsapi", "internal/forge", "internal/forge/webhook", "internal/gitsource",
			"internal/lease", "internal/ledger", "internal/reconcile", "internal/rollout"}},
		"internal/lease":    {},
		"internal/ledger":   {others: []string{"modernc.org/sqlite"}},
		"internal/schedule": {ours: []string{"planner"}, others: []string{"github.com/robfig/cron/v3"}},
		"internal/page":     {ours: []string{"planner", "internal/ledger"}},
		"internal/notify":   {ours: []string{"planner"}},
		"internal/metrics":  {ours: []string{"internal/ledger"}, others: []string{"github.com/prometheus/client_golang"}},
		"internal/stage":    {ours: []string{"planner", "applier", "schema", "internal/awsapi", "internal/awssim", "internal/kinds", "internal/reconcile"}, others: ofAWS},

		"fleet.example": {},
		"cmd/linkfleet": {
			ours: []string{"planner", "applier", "schema", "internal/awsapi", "internal/awssim", "internal/confine", "internal/estate", "internal/events", "internal/forge",
				"internal/forge/webhook", "internal/gitsource", "internal/kinds", "internal/lease", "internal/ledger", "internal/metrics", "internal/notify",
				"internal/page", "internal/preview", "internal/reconcile", "internal/rollout", "internal/schedule", "internal/serve", "fleet.example"},
			others: []string{"github.com/fatih/color", "github.com/spf13/cobra", "golang.org/x/term", "go.opentelemetry.io/otel"},
		},
	}
	h := readHouse(t)
	for _, p := range h.own() {
		law, known := laws[p.name()]
		if !known && len(p.Imports) > 0 {
			t.Errorf("%s has no law: say here what it may import", p.name())
			continue
		}
		for _, path := range p.Imports {
			folder, isOurs := strings.CutPrefix(path, module)
			switch {
			case isOurs && !slices.Contains(law.ours, folder):
				t.Errorf("%s imports %s, which it must not know", p.name(), folder)
			case h.foreign(path) && !within(path, law.others):
				t.Errorf("%s imports %s, which it must not know", p.name(), path)
			}
		}
	}
}

// The laws above are of direct imports. These are of all that comes along.
func TestWhatIsFarApartStaysSo(t *testing.T) {
	laws := []struct {
		who   string
		never []string
		why   string
	}{
		{"schema", append([]string{module + "planner", module + "applier", module + "internal"}, ofAWS...), "the language knows nothing of AWS's API"},
		{"planner", append([]string{"cuelang.org/go", "github.com/go-git", "net/http", "os/exec"}, ofAWS...), "planning is pure: no CUE, Git, AWS or network"},
		{"planner/dag", []string{module + "planner"}, "the graph is generic"},
		{"applier", append([]string{"cuelang.org/go", "github.com/go-git", "net/http"}, ofAWS...), "only kinds know what a step does"},
		{"internal/awssim", append([]string{strings.TrimSuffix(module, "/")}, ofAWS...), "the simulator is AWS and must not share our misunderstandings, nor its SDK's"},
		{"internal/gitsource", []string{strings.TrimSuffix(module, "/")}, "data flows from Git to the rest"},
		{"internal/forge", []string{strings.TrimSuffix(module, "/")}, "a forge knows nothing of fleets"},
		{"internal/forge/forgetest", []string{strings.TrimSuffix(module, "/")}, "the fakes are the forges and must not share our misunderstandings"},
		{"cmd/linkfleet", []string{module + "internal/stage", module + "internal/forge/forgetest", "testing"}, "what is for tests stays out of the program"},
	}
	h := readHouse(t)
	for _, law := range laws {
		p := h[module+law.who]
		if p == nil {
			t.Errorf("there is no package %s", law.who)
			continue
		}
		for _, dep := range p.Deps {
			if within(dep, law.never) {
				t.Errorf("%s is linked with %s, but %s", law.who, dep, law.why)
			}
		}
	}
}

// Tests may know more than the program, but not everything.
func TestTestsKeepToTheHouse(t *testing.T) {
	// The simulator's tests speak to it with AWS's own client, and those of
	// whole runs play with it the hands that disturb AWS.
	sdk := []string{"internal/awsapi", "internal/kinds", "internal/awssim", "internal/reconcile", "internal/rollout", "cmd/linkfleet"}
	for _, p := range readHouse(t).own() {
		for _, path := range p.tests() {
			if within(path, ofAWS) && !slices.Contains(sdk, p.name()) {
				t.Errorf("the tests of %s import %s; AWS's SDK is for those of %s", p.name(), path, strings.Join(sdk, ", "))
			}
			if strings.HasPrefix(path, module) && p.name() == "internal/awssim" && path != p.ImportPath {
				t.Errorf("the tests of internal/awssim import %s; they must not share its misunderstandings of AWS", path)
			}
		}
	}
}

// docs/dependencies.md gives a reason for each direct requirement, and for
// nothing else.
func TestEveryDependencyHasAReason(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
		Tool []struct{ Path string }
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	wanted := map[string]bool{}
	for _, r := range mod.Require {
		tool := slices.ContainsFunc(mod.Tool, func(tool struct{ Path string }) bool { return within(tool.Path, []string{r.Path}) })
		if !r.Indirect || tool {
			wanted[r.Path] = true
		}
	}
	page, err := os.ReadFile("../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| .+ \\|$").FindAllStringSubmatch(string(page), -1) {
		if !wanted[row[1]] {
			t.Errorf("docs/dependencies.md explains %s, which is no direct requirement", row[1])
		}
		delete(wanted, row[1])
	}
	for path := range wanted {
		t.Errorf("docs/dependencies.md does not say why %s is there", path)
	}
}
