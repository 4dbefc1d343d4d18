package deploy_test

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// An instruction is one of a Dockerfile, with its lines joined.
type instruction struct{ name, rest string }

func instructions(text string) (all []instruction) {
	text = regexp.MustCompile(`(?m)^\s*#.*\n`).ReplaceAllString(text, "")
	text = strings.ReplaceAll(text, "\\\n", " ")
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name != "" {
			all = append(all, instruction{name, strings.Join(strings.Fields(rest), " ")})
		}
	}
	return all
}

// last is the last instruction of a name.
func last(all []instruction, name string) string {
	found := ""
	for _, i := range all {
		if i.name == name {
			found = i.rest
		}
	}
	return found
}

func TestImage(t *testing.T) {
	text, err := os.ReadFile("docker/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	all := instructions(string(text))
	known := []string{"ARG", "FROM", "WORKDIR", "COPY", "RUN", "LABEL", "USER", "ENV", "VOLUME", "EXPOSE", "ENTRYPOINT"}
	for _, i := range all {
		if !slices.Contains(known, i.name) {
			t.Errorf("there is an instruction %s", i.name)
		}
	}
	for name, want := range map[string]string{
		"FROM":       "scratch",
		"USER":       "65532:65532",
		"ENTRYPOINT": `["/linkfleet"]`,
		"ENV":        "LINKFLEET_STATE_DIR=/state",
	} {
		if got := last(all, name); got != want {
			t.Errorf("the image has %s %s, want %s", name, got, want)
		}
	}
}

// What the image is built by is a command that the go tool takes, and makes a
// program that wants no library of the system: an image of nothing else has
// none.
func TestImageBuild(t *testing.T) {
	text, err := os.ReadFile("docker/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	var build []string
	for _, i := range instructions(string(text)) {
		if _, command, found := strings.Cut(i.rest, "go build "); i.name == "RUN" && found {
			if !strings.Contains(i.rest, "CGO_ENABLED=0 ") {
				t.Error("the build may link libraries of the system")
			}
			build = strings.Fields(strings.ReplaceAll(command, `"-s -w"`, `-s`))
		}
	}
	if len(build) == 0 {
		t.Fatal("the image builds nothing")
	}
	// -n says what would be done, and so compiles nothing.
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"build", "-n"}, build...)...)
	cmd.Dir, cmd.Env = "..", append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("go build %s: %v: %.2000s", strings.Join(build, " "), err, out)
	}
}
