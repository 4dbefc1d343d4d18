package forge

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// A Config says which repository on which forge, and who we are there. It
// holds secrets; printing it shows none.
type Config struct {
	Kind Kind
	// BaseURL is the forge's web address, such as https://git.example.com. It
	// may be left out for github.com and gitlab.com.
	BaseURL string
	// Repo is owner/name; on GitLab the project's full path, groups and all.
	Repo string

	// Token is a personal, project or automatic one. See [Error] for what it
	// must be allowed.
	Token string `json:"-"`
	// App is used instead of Token where its ID is set; GitHub only.
	App App

	// HTTPClient carries the requests; http.DefaultTransport where it is nil.
	// Of it only the transport is used.
	HTTPClient *http.Client `json:"-"`
}

// An App is a GitHub App as installed for the repository's owner.
type App struct {
	ID             string // the app's id or its client id
	InstallationID int64
	PrivateKey     []byte `json:"-"` // PEM, as downloaded from GitHub
}

// String names the app and leaves out its key.
func (a App) String() string {
	return fmt.Sprintf("GitHub App %s, installation %d", a.ID, a.InstallationID)
}

// GoString is String, so that %#v shows no secret either.
func (a App) GoString() string { return a.String() }

// String names the repository and leaves out the secrets.
func (c Config) String() string { return fmt.Sprintf("%s on %s", c.Repo, c.web()) }

// GoString is String, so that %#v shows no secret either.
func (c Config) GoString() string { return c.String() }

// New connects to a repository on a forge. It asks the forge nothing yet.
func New(c Config) (Forge, error) {
	base, err := c.base()
	if err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	switch c.Kind {
	case GitHub:
		return newGitHub(c, base)
	case GitLab:
		return newGitLab(c, base)
	default:
		return newGitea(c, base)
	}
}

// check finds what is wrong with a config, its address aside.
func (c Config) check() error {
	parts := strings.Split(c.Repo, "/")
	for _, part := range parts {
		if part == "" || part == "." || part == ".." || strings.ContainsAny(part, "?#% ") {
			return fmt.Errorf("repository %q is not owner/name: give it as it stands in its address", c.Repo)
		}
	}
	switch {
	case len(parts) < 2 || len(parts) > 2 && c.Kind != GitLab:
		return fmt.Errorf("repository %q is not owner/name: give it as it stands in its address", c.Repo)
	case c.App.ID != "" && c.Kind != GitHub:
		return fmt.Errorf("%s has no apps: give a token", c.Kind)
	case c.App.ID == "" && c.Token == "":
		return fmt.Errorf("no credentials for %s: give a token%s", c, map[bool]string{true: " or a GitHub App"}[c.Kind == GitHub])
	}
	return nil
}

// web is the forge's web address without a slash at its end.
func (c Config) web() string {
	byDefault := map[Kind]string{GitHub: "https://github.com", GitLab: "https://gitlab.com"}[c.Kind]
	return strings.TrimRight(cmp.Or(c.BaseURL, byDefault), "/")
}

// base is the forge's web address, known to be one that credentials may be
// sent to.
func (c Config) base() (*url.URL, error) {
	switch {
	case c.Kind != GitHub && c.Kind != GitLab && c.Kind != Gitea:
		return nil, fmt.Errorf("forge %q is not known: it is github, gitlab or gitea (also for Forgejo)", c.Kind)
	case c.web() == "":
		return nil, errors.New("gitea needs its address: give it, such as https://git.example.com")
	}
	u, err := url.Parse(c.web())
	switch {
	case err != nil || u.Host == "":
		// The address is not shown: it may hold a password.
		return nil, fmt.Errorf("the address of %s is no URL: give it such as https://git.example.com", c.Kind)
	case u.User != nil:
		return nil, fmt.Errorf("the address of %s holds credentials: take them out and give a token", c.Kind)
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return nil, fmt.Errorf("%s would get the token in clear text: give its https address", u.Redacted())
	}
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
