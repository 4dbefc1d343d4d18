package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"

	"github.com/spf13/cobra"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/events"
	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

func newIAMPolicyCommand(a *app) *cobra.Command {
	var account, queue string
	var readOnly bool
	cmd := &cobra.Command{
		Use:   "iam-policy [DIR]",
		Short: "Print the least that each role must be allowed to do",
		Long: `iam-policy prints, as JSON, what the role in each account of the fleet must be
allowed to do, by what the account is in the fleet: a provider of services, a
consumer with endpoints, the owner of a zone. It asks AWS nothing.

"caller" is for the credentials that linkfleet runs with: they assume the roles.
For each role there is its ARN, where the external id stands that its trust
policy must ask for, and its policy. With --account it prints that one policy alone, as
aws iam put-role-policy takes it.

With --read-only the policies are enough for plan and preview and for nothing
else, and the caller may assume the roles for reading alone: the readOnlyRole of
each account that names one.

Give a role fewer actions only after the apply that removes what it had them
for: linkfleet looks, by their tags, for objects that the fleet once had in an
account, and has to read and delete them.

` + exitHelp,
		Example: `  linkfleet iam-policy --account platform > policy.json
  aws iam put-role-policy --role-name linkfleet --policy-name linkfleet --policy-document file://policy.json`,
		Args: folderArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			fleet, err := a.loadFleet(cmd.Context(), folder(args))
			if err != nil {
				return err
			}
			if account != "" {
				policy, err := kinds.Policy(fleet, account, readOnly)
				if err != nil {
					return err
				}
				return a.printJSON(policy)
			}
			return a.printPolicies(fleet, readOnly, queue)
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "the account's `NAME` in the fleet: print its policy alone")
	cmd.Flags().StringVar(&queue, "events-queue", "", "`ARN` of the queue that serve hears of connections from")
	cmd.Flags().BoolVar(&readOnly, "read-only", false, "what plan needs, and no more")
	return cmd
}

// A rolePolicy is all there is to say of a role.
type rolePolicy struct {
	Role string `json:"role"`
	// ExternalID is where in the fleet's files the external id stands that
	// the trust policy must ask for, if any. What it is, they alone say.
	ExternalID string          `json:"externalID,omitempty"`
	Policy     kinds.IAMPolicy `json:"policy"`
}

func whereExternalID(name string, account awsapi.Account) string {
	if account.ExternalID == "" {
		return ""
	}
	return "accounts." + name + ".externalId"
}

func (a *app) printPolicies(f *schema.Fleet, readOnly bool, queue string) error {
	caller, patterns := kinds.CallerPolicy(f, readOnly)
	all := struct {
		Caller kinds.IAMPolicy       `json:"caller"`
		Roles  map[string]rolePolicy `json:"roles"`
	}{caller, map[string]rolePolicy{}}
	if queue != "" {
		all.Caller.Statement = append(all.Caller.Statement, kinds.IAMStatement{
			Sid: "Events", Effect: "Allow", Action: events.Actions(), Resource: []string{queue},
		})
	}
	for name, account := range reconcile.Accounts(f, readOnly) {
		policy, err := kinds.Policy(f, name, readOnly)
		if err != nil {
			return err
		}
		all.Roles[name] = rolePolicy{Role: account.RoleARN, ExternalID: whereExternalID(name, account), Policy: policy}
	}
	if err := a.printJSON(all); err != nil {
		return err
	}
	a.say(slog.LevelInfo, "Each role's trust policy must allow sts:AssumeRole to the principal that linkfleet runs as, with the external id as a condition where one stands.")
	if patterns {
		a.say(slog.LevelWarn, "The caller's policy names roles by patterns, in any account, because IAM takes none that lists them all; their trust policies say who may assume them.")
	}
	if names := writersForPlans(f); readOnly && len(names) > 0 {
		a.say(slog.LevelWarn, fmt.Sprintf("No readOnlyRole is named for %s: plans and previews assume the role that writes there.", list(names)))
	}
	return nil
}

// writersForPlans are the accounts whose role for plans is the one that writes.
func writersForPlans(f *schema.Fleet) (names []string) {
	for name, account := range f.Accounts {
		if !account.External && account.ReadOnlyRole == "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// printJSON prints a value so that a terminal obeys nothing of it.
func (a *app) printJSON(v any) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := a.stdout.Write(planner.PlainJSON(text.Bytes()))
	return err
}
