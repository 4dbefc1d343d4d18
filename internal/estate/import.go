package estate

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// An Import writes the fleet's files from what stands in AWS.
type Import struct {
	API *awsapi.API
	// Fleet tells where to look: its accounts, regions and zones. With Into
	// it is the fleet that is in Dir already.
	Fleet *schema.Fleet
	Dir   string
	Into  bool
	// Only are the ids, service names or Name tags of the services to
	// import; none means all.
	Only  []string
	Today time.Time
}

// An Imported is what came of an import.
type Imported struct {
	Written []string       // paths below the folder, sorted
	Whole   []*kinds.Found // services that the files say as they stand
	// Drafts are services that the language cannot say as they stand, or
	// that linkfleet would not leave so; their faults say why. Their drafts
	// are no part of the fleet.
	Drafts []*kinds.Found
	Kept   []*kinds.Found // services that a fleet keeps already
}

// Run surveys AWS, writes files that did not exist, and checks that they say
// exactly what stands: they are loaded as linkfleet validate would, and
// planned with as if all objects had been adopted. A service that does not
// stand the test becomes a draft. Nothing is overwritten.
func (i *Import) Run(ctx context.Context) (*Imported, error) {
	places := kinds.NewPlaces(i.API, i.Fleet)
	found, err := kinds.Survey(ctx, places, i.Fleet, i.Only)
	if err != nil {
		return nil, err
	}
	done := &Imported{}
	for _, f := range found {
		if f.Keeper != "" {
			done.Kept = append(done.Kept, f)
		} else {
			done.Whole = append(done.Whole, f)
		}
	}
	done.setAside()
	for {
		if err := i.test(ctx, done); err != nil {
			return nil, err
		}
		if !done.setAside() {
			break
		}
	}
	files, err := i.files(done)
	if err != nil {
		return nil, err
	}
	done.Written = slices.Sorted(maps.Keys(files))
	return done, schema.WriteNew(i.Dir, files)
}

// setAside puts services with faults among the drafts, and tells whether
// there were any: what is left is then another fleet, to be tested as such.
func (d *Imported) setAside() bool {
	var whole []*kinds.Found
	for _, f := range d.Whole {
		if len(f.Faults) > 0 {
			d.Drafts = append(d.Drafts, f)
		} else {
			whole = append(whole, f)
		}
	}
	moved := len(whole) < len(d.Whole)
	d.Whole = whole
	for _, f := range whole {
		if slices.ContainsFunc(d.Drafts, func(d *kinds.Found) bool { return f.Topic != "" && d.Topic == f.Topic }) {
			f.LeaveTopic() // its policy lets the draft's service publish too
		}
	}
	return moved
}

// test loads the whole services and plans with them. What is not right is a
// fault of its service afterwards.
func (i *Import) test(ctx context.Context, d *Imported) error {
	files, err := i.files(&Imported{Whole: d.Whole})
	if err != nil {
		return err
	}
	fleet, err := i.load(ctx, files, d)
	if err != nil || fleet == nil || len(d.Whole) == 0 {
		return err
	}
	objects := map[planner.Addr]string{}
	for _, f := range d.Whole {
		maps.Copy(objects, f.Objects)
	}
	_, plan, err := look(ctx, kinds.NewPlaces(i.API, fleet).Assume(objects), fleet)
	if err != nil {
		return err
	}
	for _, f := range d.Whole {
		part := partOfPlan(fleet, plan, f.Service.Name)
		for _, st := range part.Steps {
			f.Faults = append(f.Faults, kinds.Remark{Object: idOf(st), Text: describe(st)})
		}
		for _, b := range part.Blocked {
			f.Faults = append(f.Faults, kinds.Remark{Object: b.Addr.String(), Text: "once adopted, linkfleet would change it: " + b.Reason})
		}
	}
	return nil
}

func idOf(st planner.Step) string {
	if st.Before.ID != "" {
		return st.Before.ID
	}
	return st.Addr.String()
}

// describe says what a step would change.
func describe(st planner.Step) string {
	text := fmt.Sprintf("once adopted, linkfleet would %s it as %s", st.Verb, st.Addr)
	for _, f := range st.Fields {
		switch {
		case len(f.Removed)+len(f.Added) > 0:
			text += fmt.Sprintf("; %s: without %q, with %q", f.Path, f.Removed, f.Added)
		default:
			text += fmt.Sprintf("; %s: from %q to %q", f.Path, f.Before, f.After)
		}
	}
	return text
}

// load loads the fleet that the files would make. It is nil if the text of
// services is at fault, who then have the faults.
func (i *Import) load(ctx context.Context, files map[string][]byte, d *Imported) (*schema.Fleet, error) {
	dir, err := os.MkdirTemp("", "linkfleet-import-")
	if err != nil {
		return nil, fmt.Errorf("checking the files before they are written: %w", err)
	}
	defer os.RemoveAll(dir)
	if i.Into {
		if err := copyFleet(dir, i.Dir); err != nil {
			return nil, err
		}
	}
	if err := schema.WriteNew(dir, files); err != nil {
		return nil, err
	}
	fleet, warnings, err := schema.Load(ctx, dir, i.Today)
	owner := map[string]*kinds.Found{}
	for _, f := range d.Whole {
		owner[serviceFile(f)] = f
	}
	for _, w := range warnings {
		r := kinds.Remark{Object: w.Path, Text: w.Message + "; " + w.Mend}
		if f := owner[w.Pos.File]; f != nil && !slices.Contains(f.Remarks, r) {
			f.Remarks = append(f.Remarks, r)
		}
	}
	faults := schema.Faults(err)
	if err != nil && len(faults) == 0 {
		return nil, err
	}
	for _, fault := range faults {
		f := owner[fault.Pos.File]
		if f == nil {
			f = blamed(d.Whole, fault)
		}
		if f == nil {
			return nil, fmt.Errorf("the fleet would not load: %w", fault)
		}
		f.Faults = append(f.Faults, kinds.Remark{Object: fault.Path, Text: fault.Message + "; " + fault.Mend})
	}
	return fleet, nil
}

// blamed is the service that a fault in the files of a fleet that was there
// already names as the other side of a conflict; nil if it names none.
func blamed(whole []*kinds.Found, fault *schema.Error) *kinds.Found {
	for _, f := range whole {
		if strings.Contains(fault.Message, " "+serviceFile(f)+":") || strings.Contains(fault.Message, "("+serviceFile(f)+":") {
			return f
		}
	}
	return nil
}

// copyFleet copies what a fleet is loaded from.
func copyFleet(to, from string) error {
	root := os.DirFS(from)
	return fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case !entry.Type().IsRegular() || path.Ext(name) != ".cue":
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		return schema.WriteNew(to, map[string][]byte{name: text})
	})
}

func serviceFile(f *kinds.Found) string { return "services/" + f.Service.Name + ".cue" }

// files are the texts that an import comes to, by path.
func (i *Import) files(d *Imported) (map[string][]byte, error) {
	files := map[string][]byte{}
	declared := map[string]bool{}
	fleet := *i.Fleet
	fleet.Accounts = maps.Clone(i.Fleet.Accounts)
	if !i.Into {
		if err := i.fleetFiles(d, &fleet, files); err != nil {
			return nil, err
		}
	}
	for _, f := range d.Whole {
		var also []*schema.Account
		for _, a := range f.Accounts {
			if fleet.Accounts[a.Name] == nil && !declared[a.Name] {
				also, declared[a.Name] = append(also, a), true
			}
		}
		text, err := schema.PrintService(f.Service, fleet.Accounts, also, comment(f))
		if err != nil {
			return nil, err
		}
		files[serviceFile(f)] = text
		if files[claimsDir+"/"+f.Service.Name+".json"], err = claimsText(f.Objects); err != nil {
			return nil, err
		}
	}
	for _, f := range d.Drafts {
		text, err := schema.PrintService(f.Service, fleet.Accounts, nil, comment(f))
		if err != nil {
			return nil, err
		}
		files[serviceFile(f)+".draft"] = text
	}
	return files, nil
}

// fleetFiles are those of a new fleet: the module, the schema, and what holds
// for all services.
func (i *Import) fleetFiles(d *Imported, fleet *schema.Fleet, files map[string][]byte) error {
	starter, err := schema.Files(fleet.Name)
	if err != nil {
		return err
	}
	for _, name := range []string{"schema.cue", "cue.mod/module.cue"} {
		files[name] = starter[name]
	}
	fleet.Zones = maps.Clone(i.Fleet.Zones)
	if fleet.Zones == nil {
		fleet.Zones = map[string]*schema.Zone{}
	}
	for _, f := range d.Whole {
		for _, a := range f.Accounts {
			fleet.Accounts[a.Name] = a
		}
		if f.Zone != nil {
			fleet.Zones[f.Zone.Domain] = f.Zone
		}
	}
	files["fleet.cue"], err = schema.PrintFleet(fleet, "Imported from AWS.")
	return err
}

// comment stands at the top of a service's file.
func comment(f *kinds.Found) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Imported from %s in %s/%s.\n", f.ID, f.Service.Account, f.Service.Region)
	if len(f.Faults) > 0 {
		b.WriteString("\nThis is a draft and no part of the fleet: not all that stands can be said.\n")
		for _, r := range f.Faults {
			fmt.Fprintf(&b, "- %s\n", r)
		}
	}
	if len(f.Remarks) > 0 {
		b.WriteString("\nNoticed on the way:\n")
		for _, r := range f.Remarks {
			fmt.Fprintf(&b, "- %s\n", r)
		}
	}
	return b.String()
}
