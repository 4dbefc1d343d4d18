package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linkfleet/linkfleet/schema"
)

func newInitCommand(a *app) *cobra.Command {
	var schemaOnly bool
	var name string
	cmd := &cobra.Command{
		Use:   "init DIR",
		Short: "Write a new fleet repository, or renew the schema of one",
		Long: `init writes a new fleet repository into DIR, which it makes if there is none: a
CUE module with the schema and a small fleet to change. Plain "cue vet ./..."
works in it, offline. init overwrites nothing.

With --schema it brings the schema of the fleet in DIR to the one of this
program, and touches nothing else.

` + exitHelp,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return flagError(cmd, fmt.Errorf("linkfleet init wants one folder, but was given %d", len(args)))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if schemaOnly {
				return a.renewSchema(args[0])
			}
			return a.initFleet(args[0], name)
		},
	}
	cmd.Flags().BoolVar(&schemaOnly, "schema", false, "renew the schema of the fleet in DIR, and nothing else")
	cmd.Flags().StringVar(&name, "name", "", "the fleet's name (by default that of the folder)")
	return cmd
}

func (a *app) initFleet(dir, name string) error {
	if name == "" {
		full, err := filepath.Abs(dir)
		if err != nil {
			return err
		}
		name = filepath.Base(full)
	}
	paths, err := schema.Init(dir, name)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "Fleet %s is written to %s: %s\n", name, dir, strings.Join(paths, ", "))
	return err
}

func (a *app) renewSchema(dir string) error {
	changed, err := schema.WriteSchema(dir)
	if err != nil {
		return err
	}
	text := "The schema of " + dir + " is this program's already"
	if changed {
		text = "The schema of " + dir + " is renewed"
	}
	_, err = fmt.Fprintln(a.stdout, text)
	return err
}
