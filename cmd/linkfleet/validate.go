package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/linkfleet/linkfleet/schema"
)

func newValidateCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "validate [DIR]",
		Short: "Check a fleet's files, offline",
		Long: `validate loads the fleet in DIR and tells every fault of its text, a line each:
where it is, what is wrong, and how to mend it. It asks AWS nothing.

` + exitHelp,
		Args: folderArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			fleet, err := a.loadFleet(cmd.Context(), folder(args))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.stdout, sizeOf(fleet))
			return err
		},
	}
	cmd.Flags().BoolVar(&a.untrusted, "untrusted", false, untrustedHelp)
	return cmd
}

// sizeOf is a fleet in one line.
func sizeOf(f *schema.Fleet) string {
	consumers := 0
	for _, s := range f.Services {
		consumers += len(s.Consumers)
	}
	return fmt.Sprintf("Fleet %s is valid: %s, %s, %s",
		f.Name, plural(len(f.Services), "service"), plural(consumers, "consumer"), plural(len(f.Accounts), "account"))
}
