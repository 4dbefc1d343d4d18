package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/estate"
	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/schema"
)

type importFlags struct {
	aws      awsFlags
	name     string
	accounts []string
	regions  []string
	zones    []string
	services []string
}

func newImportCommand(a *app) *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import DIR",
		Short: "Write the files of endpoint services that stand already",
		Long: `import reads the endpoint services that stand in the accounts, with all that
belongs to them there, and writes them into DIR as a fleet: a file for each
service, and beside it, in the folder adopt, the ids of what it is made of. It
changes nothing in AWS and overwrites no file.

An account without a role is somebody else's. Endpoints in accounts with a role
come under linkfleet where it could run them as they are; all others stay with
their owners.

A service is written only if linkfleet would leave all of it as it stands: the
files are loaded and planned with first. Otherwise its draft is written, with
the reasons at its top, and import ends with status 1.

If DIR holds a fleet, services are added to it, and its own accounts, regions
and zones are looked at.

The roles must be allowed
  ` + strings.Join(kinds.SurveyActions(), "\n  ") + `
and with --zone not to list the hosted zones.

` + exitHelp,
		Example: `  linkfleet import fleet --region us-east-1 --account platform=111111111111:linkfleet \
    --account risk=222222222222:linkfleet --account partner=333333333333
  linkfleet validate fleet
  linkfleet adopt fleet`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return flagError(cmd, fmt.Errorf("linkfleet import wants one folder, but was given %d", len(args)))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.importEstate(cmd.Context(), args[0], f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.name, "name", "", "the new fleet's name (by default that of the folder)")
	flags.StringArrayVar(&f.accounts, "account", nil, "an account as `NAME=ID[:ROLE]`, ROLE being the role to assume there")
	flags.StringArrayVar(&f.regions, "region", nil, "a region to look in (by default that of the environment)")
	flags.StringArrayVar(&f.zones, "zone", nil, "a public hosted zone as `DOMAIN=ACCOUNT:ID` (by default all of the accounts)")
	flags.StringArrayVar(&f.services, "service", nil, "the id, service name or Name tag of a service to import (by default all)")
	f.aws.add(cmd)
	return cmd
}

func (a *app) importEstate(ctx context.Context, dir string, f importFlags) error {
	if err := f.aws.check(a); err != nil {
		return err
	}
	into, err := holdsFleet(dir)
	if err != nil {
		return err
	}
	fleet, session := (*schema.Fleet)(nil), "linkfleet"
	switch {
	case into && (f.name != "" || len(f.accounts)+len(f.regions)+len(f.zones) > 0):
		return fmt.Errorf("%s holds a fleet, and its files say its name, accounts, regions and zones; leave --name, --account, --region and --zone out", dir)
	case into:
		fleet, err = a.loadFleet(ctx, dir)
		_, session = a.commitOf(dir)
	default:
		fleet, err = f.fleet(a, dir)
	}
	if err != nil {
		return err
	}
	api, err := awsapi.New(ctx, awsapi.Options{
		Accounts: reconcile.Accounts(fleet, true), SessionName: session, Endpoint: f.aws.endpoint, Speed: f.aws.speed, ReadOnly: true,
	})
	if err != nil {
		return err
	}
	status := a.newStatus(fmt.Sprintf("Reading %s", plural(len(reconcile.Accounts(fleet, true)), "account")))
	in := estate.Import{API: api, Fleet: fleet, Dir: dir, Into: into, Only: f.services, Today: a.now()}
	done, err := in.Run(ctx)
	status.close()
	if err != nil {
		return err
	}
	if err := a.showImport(dir, done); err != nil {
		return err
	}
	if len(f.services) > 0 && len(done.Kept) > 0 {
		return fmt.Errorf("%s belongs to a fleet; let go of it there first, with linkfleet release", done.Kept[0].ID)
	}
	return nil
}

// holdsFleet tells whether a folder has anything of a fleet in it.
func holdsFleet(dir string) (bool, error) {
	for _, name := range []string{"cue.mod", "schema.cue", "fleet.cue"} {
		_, err := os.Stat(filepath.Join(dir, name))
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return err == nil, err
		}
	}
	return false, nil
}

// fleet is what the flags say of a new fleet.
func (f *importFlags) fleet(a *app, dir string) (*schema.Fleet, error) {
	full, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	fleet := &schema.Fleet{
		Name: f.name, Regions: slices.Sorted(slices.Values(f.regions)),
		Accounts: map[string]*schema.Account{}, Zones: map[string]*schema.Zone{}, Services: map[string]*schema.Service{},
	}
	if fleet.Name == "" {
		fleet.Name = filepath.Base(full)
	}
	for _, env := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if region := a.getenv(env); region != "" && len(fleet.Regions) == 0 {
			fleet.Regions = []string{region}
		}
	}
	if len(fleet.Regions) == 0 {
		return nil, errors.New("no region is set; say where to look with --region")
	}
	for _, text := range f.accounts {
		account, err := parseAccount(text)
		if err != nil {
			return nil, err
		}
		fleet.Accounts[account.Name] = account
	}
	if len(reconcile.Accounts(fleet, true)) == 0 {
		return nil, errors.New("no account with a role is named; say where the services stand with --account NAME=ID:ROLE")
	}
	for _, text := range f.zones {
		zone, err := parseZone(text)
		if err != nil {
			return nil, err
		}
		if account := fleet.Accounts[zone.Account]; account == nil || account.External {
			return nil, fmt.Errorf("--zone %s: %s is no account with a role; name it with --account", text, zone.Account)
		}
		fleet.Zones[zone.Domain] = zone
	}
	return fleet, nil
}

// parseAccount reads NAME=ID[:ROLE].
func parseAccount(text string) (*schema.Account, error) {
	name, rest, ok := strings.Cut(text, "=")
	id, role, _ := strings.Cut(rest, ":")
	if !ok || name == "" || len(id) != 12 || strings.Trim(id, "0123456789") != "" {
		return nil, fmt.Errorf("--account %q is not NAME=ID[:ROLE], such as platform=111111111111:linkfleet", text)
	}
	return &schema.Account{Name: name, ID: id, Role: role, External: role == ""}, nil
}

// parseZone reads DOMAIN=ACCOUNT:ID.
func parseZone(text string) (*schema.Zone, error) {
	domain, rest, _ := strings.Cut(text, "=")
	account, id, ok := strings.Cut(rest, ":")
	if !ok || domain == "" || account == "" || id == "" {
		return nil, fmt.Errorf("--zone %q is not DOMAIN=ACCOUNT:ID, such as payments.example.com=dns:Z0123456789ABCDEFGHIJ", text)
	}
	return &schema.Zone{Domain: strings.ToLower(strings.TrimSuffix(domain, ".")), Account: account, ID: id}, nil
}

// showImport tells what was written, and of each service what was not.
func (a *app) showImport(dir string, done *estate.Imported) error {
	for _, f := range done.Whole {
		fmt.Fprintf(a.stdout, "services/%s is %s: %s to adopt\n", f.Service.Name, f.ID, plural(len(f.Objects), "object"))
		a.tell(f.Remarks)
	}
	for _, f := range done.Kept {
		fmt.Fprintf(a.stdout, "%s is left out: it is %s already\n", f.ID, printable(f.Keeper))
	}
	for _, f := range done.Drafts {
		fmt.Fprintf(a.stdout, "%s is only a draft, services/%s.cue.draft, because\n", f.ID, f.Service.Name)
		a.tell(f.Faults)
		a.tell(f.Remarks)
	}
	text := "Nothing to write to " + dir
	if len(done.Written) > 0 {
		text = fmt.Sprintf("Written to %s: %s", dir, strings.Join(done.Written, ", "))
	}
	if _, err := fmt.Fprintln(a.stdout, text); err != nil {
		return err
	}
	if n := len(done.Drafts); n > 0 {
		return fmt.Errorf("%s could only be drafted; the reasons stand above", plural(n, "service"))
	}
	return nil
}

func (a *app) tell(remarks []kinds.Remark) {
	for _, r := range remarks {
		fmt.Fprintf(a.stdout, "  %s\n", printable(r.String()))
	}
}

// printable makes what AWS's objects say of themselves harmless to a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}
