package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linkfleet/linkfleet/internal/gitsource"
)

// The variables that carry what must not stand on a command line, where every
// user of the machine sees it.
const (
	gitTokenVariable      = "LINKFLEET_GIT_TOKEN"
	gitPassphraseVariable = "LINKFLEET_GIT_PASSPHRASE"
	stateVariable         = "LINKFLEET_STATE_DIR"
)

// repoFlags say which repository a fleet is in and how to read it.
type repoFlags struct {
	url, ref, folder string
	key, knownHosts  string
	plainHTTP        bool
	signers          string
	stateDir         string
}

// repoHelp is what the help says of repositories.
const repoHelp = `The repository is given as https://, ssh:// or git@host:path, or as a local path.
For https, ` + gitTokenVariable + ` has the token; for ssh, --ssh-key names the key, with its
passphrase in ` + gitPassphraseVariable + `, or else the agent is asked, and the host must
be among the known ones. A mirror of it is kept in the state folder, beside the
history of runs: keep that folder from run to run.`

func (f *repoFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.url, "repo", "", "`URL` of the fleet's Git repository, or a local path")
	flags.StringVar(&f.ref, "ref", "main", "the `BRANCH` that is rolled out")
	flags.StringVar(&f.folder, "folder", ".", "`FOLDER` of the fleet in the repository")
	flags.StringVar(&f.key, "ssh-key", "", "`FILE` of the private key for ssh (by default the agent's keys)")
	flags.StringVar(&f.knownHosts, "known-hosts", "", "`FILE` of the ssh hosts that are known (by default the user's and the system's)")
	flags.BoolVar(&f.plainHTTP, "plain-http", false, "let http:// be used for another host than this one, where anybody on the way can change the fleet")
	addStateDir(cmd, &f.stateDir)
}

func addStateDir(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "state-dir", "", "`FOLDER` of the history of runs, for one fleet ("+stateVariable+"; by default one of the user's cache)")
}

func (f *repoFlags) addSigners(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.signers, "signers", "", "`FILE` of the keys of which one must have signed a commit before it is applied: OpenPGP public keys, or OpenSSH's allowed signers")
}

func (f *repoFlags) check() error {
	switch {
	case f.url == "":
		return errors.New("no repository is given; name it with --repo URL")
	case f.ref == "":
		return errors.New("--ref is empty; name the branch that is rolled out")
	case !filepath.IsLocal(f.folder):
		return fmt.Errorf("--folder %q leads out of the repository; give it as seen from the repository's top", f.folder)
	}
	return nil
}

// state is the state folder.
func (a *app) state(dir string) (string, error) {
	if dir != "" {
		return dir, nil
	}
	if dir = a.getenv(stateVariable); dir != "" {
		return dir, nil
	}
	cache, err := a.cacheDir()
	if err != nil {
		return "", fmt.Errorf("there is no folder to keep the history and the lease in; give one with --state-dir: %w", err)
	}
	return filepath.Join(cache, "linkfleet", "state"), nil
}

// openRepo opens the mirror of a repository in the state folder. Nothing is
// fetched yet.
func (a *app) openRepo(ctx context.Context, f *repoFlags, state string) (*gitsource.Mirror, error) {
	return gitsource.Open(ctx, gitsource.Options{
		URL: f.url, Dir: filepath.Join(state, "mirrors"), PlainHTTP: f.plainHTTP,
		Auth: gitsource.Auth{
			Token:      gitsource.Secret(a.getenv(gitTokenVariable)),
			KeyFile:    f.key,
			Passphrase: gitsource.Secret(a.getenv(gitPassphraseVariable)),
			KnownHosts: f.knownHosts,
		},
	})
}

// keys reads whose commits are applied; nil is anybody's.
func (f *repoFlags) keys() (*gitsource.Keys, error) {
	if f.signers == "" {
		return nil, nil
	}
	text, err := os.ReadFile(f.signers)
	if err != nil {
		return nil, fmt.Errorf("reading the signers: %w", err)
	}
	keys := gitsource.Keys{AllowedSigners: string(text)}
	if strings.Contains(string(text), "BEGIN PGP PUBLIC KEY BLOCK") {
		keys = gitsource.Keys{OpenPGP: []string{string(text)}}
	}
	return &keys, nil
}

// tree is the fleet's folder as Git spells it.
func (f *repoFlags) tree() string { return path.Clean(filepath.ToSlash(f.folder)) }
