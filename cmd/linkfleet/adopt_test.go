package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// meanwhile runs a command up to its question, has something happen, answers
// yes, and gives what the command ended with.
func meanwhile(t *testing.T, happens func(), args ...string) (int, *terminal) {
	t.Helper()
	term := newTerminal("")
	read, answer := io.Pipe()
	defer answer.Close()
	term.stdin = read
	question := term.err.await("does it: ")
	status := make(chan int, 1)
	go func() { status <- term.run(t.Context(), args) }()
	select {
	case <-question:
	case got := <-status:
		t.Fatalf("%q ended with %d before it asked: %s%s", args, got, term.out, term.err)
	}
	happens()
	if _, err := io.WriteString(answer, "yes\n"); err != nil {
		t.Fatal(err)
	}
	return <-status, term
}

// What was shown before the question is not done if it has changed by the
// time that the lease is held.
func TestNothingElseIsDoneThanWasShown(t *testing.T) {
	fleet, address := small(t)
	at := []string{"--endpoint-url", address}
	do := func(args ...string) string {
		t.Helper()
		term := newTerminal("")
		if status := term.run(t.Context(), append(args, at...)); status != exitDone {
			t.Fatalf("%q ended with %d: %s%s", args, status, term.out, term.err)
		}
		return term.out.String()
	}
	refuses := func(said string, happens func(), args ...string) {
		t.Helper()
		status, term := meanwhile(t, happens, append(args, at...)...)
		if status != exitRefused || !strings.Contains(term.err.String(), said) || regexp.MustCompile(`objects? of [0-9]`).MatchString(term.out.String()) {
			t.Errorf("%q ended with %d, want %d and %q: %s%s", args, status, exitRefused, said, term.out, term.err)
		}
	}
	apply := func() { do("apply", fleet, "--yes", "--speed", "1000") }
	apply()

	refuses("has changed since it was shown", func() {
		text := "package fleet\n\nservices: fraud: listeners: admin: {\n\tport: 9443\n\ttargets: {type: \"ip\", port: 9443, addresses: [\"10.20.1.10\"]}\n}\n"
		if err := os.WriteFile(filepath.Join(fleet, "admin.cue"), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		apply()
	}, "release", "fraud", fleet)
	do("plan", fleet, "--detailed-exitcode") // nothing was let go of

	var shown string
	refuses("does not hold any more", func() { shown = do("release", "fraud", fleet, "--yes") }, "release", "fraud", fleet)

	claim(t, fleet, shown)
	refuses("has changed since it was shown", func() { do("adopt", fleet, "--yes") }, "adopt", fleet)
}

// claim writes which objects adopt is to take: those that a release has shown,
// but for the record in DNS, which another id names when it is nobody's.
func claim(t *testing.T, fleet, shown string) {
	t.Helper()
	ids := map[string]string{}
	for _, line := range regexp.MustCompile(`(?m)^  (\S+@\S+)  (\S+)$`).FindAllStringSubmatch(shown, -1) {
		ids[line[1]] = line[2]
	}
	delete(ids, "verification-record/fraud@dns/global")
	text, err := json.Marshal(ids)
	if err == nil {
		err = os.Mkdir(filepath.Join(fleet, "adopt"), 0o777)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(fleet, "adopt", "fraud.json"), text, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}
