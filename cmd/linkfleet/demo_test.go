package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/linkfleet/linkfleet/planner"
)

// quietApp is an app without a terminal; what it prints is in the buffers.
func quietApp() (a *app, stdout, stderr *bytes.Buffer) {
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	return &app{
		stdin: strings.NewReader(""), stdout: stdout, stderr: stderr,
		getenv:     func(string) string { return "" },
		isTerminal: func(any) bool { return false },
		width:      func(any) int { return 0 },
		notify:     func(chan<- os.Signal) func() { return func() {} },
		now:        time.Now,
		log:        slog.New(slog.DiscardHandler),
	}, stdout, stderr
}

// The demo in virtual time, from its command line to its exit status.
func TestDemoComesOutAsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, stdout, stderr := quietApp()
		if status := a.run(t.Context(), []string{"demo"}); status != exitDone {
			t.Fatalf("status %d: %s\n%s", status, stderr, stdout)
		}
		for _, want := range []string{
			"✓ partner-a and partner-b came and were accepted; partner-c has not come",
			"✓ all three changes are found, and nothing else",
			"it was never accepted",
			"All came out as said",
		} {
			if !strings.Contains(stdout.String(), want) {
				t.Errorf("%q is missing from:\n%s", want, stdout)
			}
		}
		for line := range strings.Lines(stdout.String()) {
			if n := len([]rune(line)) - 1; n > widest {
				t.Errorf("%d characters are too wide for a terminal: %s", n, line)
			}
		}
		if stderr.Len() > 0 {
			t.Errorf("on standard error: %s", stderr)
		}
	})
}

// What is said is checked: where something else happens, the demo fails.
func TestDemoFailsWhereThingsComeOutOtherwise(t *testing.T) {
	type act = func(*demo, context.Context) error
	tests := []struct {
		name   string
		before []act
		spoil  act
		then   act
		want   string // of the error
	}{
		{"a change before the second plan", []act{(*demo).bringUp}, turnOff, (*demo).planAgain, "there is nothing to do"},
		{"a name that is off", []act{(*demo).bringUp}, turnOff, (*demo).checkUp, "private DNS true"},
		{"a fourth change", []act{(*demo).bringUp, (*demo).disturb}, disown, (*demo).heal, "nothing else"},
		{"a stranger who gets in", []act{(*demo).bringUp, (*demo).disturb}, acceptStranger, (*demo).checkLeftAlone, "never accepted"},
		{"changes that stay", []act{(*demo).bringUp, (*demo).disturb}, nothing, (*demo).checkHealed, "lets in 10.0.0.0/8 only"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, stdout, _ := quietApp()
				d, err := a.newDemo(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, do := range append(test.before, test.spoil) {
					if err := do(d, t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				err = test.then(d, t.Context())
				if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(stdout.String(), "✗") {
					t.Errorf("got %v, want an error about %q and a ✗ in:\n%s", err, test.want, stdout)
				}
			})
		})
	}
}

func nothing(*demo, context.Context) error { return nil }

func (d *demo) provider() string {
	return d.fleet.Accounts[d.fleet.Services[demoService].Account].ID
}

func turnOff(d *demo, ctx context.Context) error {
	if err := d.turnNameOff(ctx, d.provider()); err != nil {
		return err
	}
	d.sim.Advance(time.Minute)
	return nil
}

// disown takes a principal away.
func disown(d *demo, ctx context.Context) error {
	return d.hands.change(ctx, d.provider(), "ModifyVpcEndpointServicePermissions", map[string]string{
		"ServiceId": d.fraud.ID, "RemoveAllowedPrincipals.1": d.fraud.Principals[0],
	})
}

func acceptStranger(d *demo, ctx context.Context) error {
	return d.hands.change(ctx, d.provider(), "AcceptVpcEndpointConnections", map[string]string{
		"ServiceId": d.fraud.ID, "VpcEndpointId.1": d.pending,
	})
}

// A call that AWS refuses is told in AWS's words.
func TestHandsTellRefusals(t *testing.T) {
	a, _, _ := quietApp()
	d, err := a.newDemo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = d.hands.change(t.Context(), d.provider(), "DeleteVpcEndpoints", map[string]string{"VpcEndpointId.1": "x", "Oh": "no"})
	if err == nil || !strings.Contains(err.Error(), "UnknownParameter") {
		t.Errorf("got %v, want AWS's refusal", err)
	}
}

func TestNarratorWraps(t *testing.T) {
	a, stdout, _ := quietApp()
	a.width = func(any) int { return 20 }
	n := a.newNarrator()
	n.checked("one two three four five")
	n.brief(&planner.Plan{})
	want := "   ✓ one two three\n     four five\n\n   Nothing to do: 0\n   resources are as\n   the fleet says\n"
	if stdout.String() != want {
		t.Errorf("got\n%s\nwant\n%s", stdout, want)
	}
}
