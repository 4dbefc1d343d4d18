package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/linkfleet/linkfleet/internal/confine"
	"github.com/linkfleet/linkfleet/internal/forge"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/internal/rollout"
	"github.com/linkfleet/linkfleet/schema"
)

type previewFlags struct {
	repo  repoFlags
	forge forgeFlags
	aws   awsFlags
	pull  int
	trust string
	more  string
}

func newPreviewCommand(a *app) *cobra.Command {
	var f previewFlags
	cmd := &cobra.Command{
		Use:   "preview --repo URL --pull NUMBER",
		Short: "Tell a pull request what merging it would do",
		Long: `preview merges a pull request into the branch that is rolled out, in memory, plans
what applying that would do, and says so in one comment on the pull request, which
each later preview updates, and in a status beside its last commit. That the fleet
is invalid or does not merge is said there too, and is no failure of preview.

It changes nothing in AWS: it assumes the roles of accounts.NAME.readOnlyRole,
where there are such, and sends no request that could. The pull request's files
are evaluated in a process of its own, with little time and memory, and without
credentials or network. Of a pull request from a fork that changes accounts,
nothing is planned before somebody has looked at it and says --trust with the
commit that was looked at; what is pushed after that is not planned.

` + forgeHelp + `

` + repoHelp + `

` + exitHelp,
		Example: `  linkfleet preview --repo https://github.com/example/fleet --pull 7`,
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.preview(cmd.Context(), f) },
	}
	cmd.Flags().IntVar(&f.pull, "pull", 0, "`NUMBER` of the pull request")
	cmd.Flags().StringVar(&f.trust, "trust", "", "plan what a fork makes of the accounts at this `COMMIT`, after a look at it")
	cmd.Flags().StringVar(&f.more, "more-url", "", "`URL` where the whole plan can be read, such as that of the pipeline's log")
	f.repo.add(cmd)
	f.forge.add(cmd)
	f.aws.add(cmd)
	return cmd
}

// commitHash is a commit's whole hash. Another commit that begins with the same
// 12 digits can be made within hours.
var commitHash = regexp.MustCompile(`^[0-9a-f]{40}$`)

func (a *app) preview(ctx context.Context, f previewFlags) error {
	if f.pull < 1 {
		return errors.New("no pull request is given; say which with --pull NUMBER")
	}
	if f.trust != "" && !commitHash.MatchString(f.trust) {
		return fmt.Errorf("--trust %q is no commit; give the whole hash of the one that was looked at", f.trust)
	}
	if err := errors.Join(f.repo.check(), f.forge.check(), f.aws.check(a)); err != nil {
		return err
	}
	t, done, err := a.track(ctx, &f.repo, f.aws)
	if err != nil {
		return err
	}
	defer done()
	p, err := a.previewer(t, f)
	if err != nil {
		return err
	}
	told, err := p.Preview(ctx, f.pull)
	if err != nil {
		return err
	}
	if told.Skipped != "" {
		a.say(slog.LevelInfo, fmt.Sprintf("Pull request %d is not previewed: %s", f.pull, told.Skipped))
		return nil
	}
	if told.Input.Plan != nil {
		if err := a.showPlan(a.stdout, told.Input.Plan); err != nil {
			return err
		}
	}
	a.say(slog.LevelInfo, fmt.Sprintf("Told pull request %d: %s %s", f.pull, told.Summary, told.URL))
	return nil
}

// previewer prepares previews of a track's pull requests.
func (a *app) previewer(t *rollout.Track, f previewFlags) (*rollout.Previewer, error) {
	config, err := f.forge.config(a, f.repo.url)
	if err != nil {
		return nil, err
	}
	on, err := forge.New(config)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program, to start it for the evaluation: %w", err)
	}
	return &rollout.Previewer{
		Track: t, Forge: on, Trusted: f.trust, MoreURL: f.more,
		EvaluateStranger: func(ctx context.Context, files fs.FS) (*schema.Fleet, []schema.Warning, error) {
			return confine.Load(ctx, files, a.now(), confine.Bounds{}, self, evaluateCommand)
		},
		ReachToRead: func(ctx context.Context, fleet *schema.Fleet, head string) (*reconcile.Run, error) {
			return a.reach(ctx, fleet, "", "linkfleet-preview-"+head[:12], f.aws, true)
		},
	}, nil
}
