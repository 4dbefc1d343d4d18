package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linkfleet/linkfleet/internal/forge"
)

// forgeTokenVariable carries the forge's token.
const forgeTokenVariable = "LINKFLEET_FORGE_TOKEN"

// forgeFlags say which forge a repository is on and who we are there.
type forgeFlags struct {
	kind, url, repo string
	app             string
	installation    int64
	appKey          string
}

// forgeHelp is what the help says of forges.
const forgeHelp = `The forge is told from the repository's address, or given with --forge and
--forge-url. ` + forgeTokenVariable + ` has the token: of GitHub with the permissions
"Pull requests: write" and "Commit statuses: write", of GitLab with the scope api,
of Gitea and Forgejo with write:issue, write:repository and read:user. A GitHub App
is given with --app-id, --app-installation and --app-key instead.`

func (f *forgeFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.kind, "forge", "", "what the repository is on: github, gitlab or gitea (also for Forgejo)")
	flags.StringVar(&f.url, "forge-url", "", "web address of the forge, where the repository's does not tell it")
	flags.StringVar(&f.repo, "forge-repo", "", "the repository's full `NAME` on the forge, where its address does not tell it")
	flags.StringVar(&f.app, "app-id", "", "id of the GitHub App to act as")
	flags.Int64Var(&f.installation, "app-installation", 0, "id of the app's installation")
	flags.StringVar(&f.appKey, "app-key", "", "`FILE` of the app's private key")
}

// config is who we are where.
func (f *forgeFlags) config(a *app, repoURL string) (forge.Config, error) {
	c := forge.Config{Kind: forge.Kind(f.kind), BaseURL: f.url, Repo: f.repo}
	if f.url == "" || f.repo == "" || f.kind == "" {
		found, err := forge.Detect(repoURL, c.Kind)
		if err != nil {
			return forge.Config{}, err
		}
		c.Kind, c.BaseURL, c.Repo = cmp.Or(c.Kind, found.Kind), cmp.Or(c.BaseURL, found.BaseURL), cmp.Or(c.Repo, found.Repo)
	}
	c.Token = strings.TrimSpace(a.getenv(forgeTokenVariable)) // files end with a line's end
	if f.app == "" {
		return c, nil
	}
	key, err := os.ReadFile(f.appKey)
	if err != nil {
		return forge.Config{}, fmt.Errorf("reading the app's key: %w", err)
	}
	c.App = forge.App{ID: f.app, InstallationID: f.installation, PrivateKey: key}
	return c, nil
}

func (f *forgeFlags) check() error {
	if f.app != "" && (f.installation == 0 || f.appKey == "") {
		return errors.New("an app needs --app-id, --app-installation and --app-key")
	}
	return nil
}
