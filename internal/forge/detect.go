package forge

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// scpLike is git's short form of an ssh address: user@host:path.
var scpLike = regexp.MustCompile(`^(?:[^@/:]+@)?([^/:]+):([^/].*)$`)

// Detect tells from the address that a repository is cloned from which forge
// it is on, and what it is called there. For forges of one's own the kind must
// be given; it is empty where the host is to tell.
func Detect(repoURL string, kind Kind) (Config, error) {
	scheme, host, path, err := parts(repoURL)
	if err != nil {
		return Config{}, err
	}
	if kind == "" {
		if kind = kindOf(host); kind == "" {
			return Config{}, fmt.Errorf("cannot tell what sort of forge %s is: give --forge github, gitlab or gitea (also for Forgejo)", host)
		}
	}
	repo := strings.Trim(strings.TrimSuffix(strings.TrimRight(path, "/"), ".git"), "/")
	c := Config{Kind: kind, BaseURL: scheme + "://" + host, Repo: repo}
	if _, err := c.base(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// kindOf knows the forges that everyone uses.
func kindOf(host string) Kind {
	switch {
	case host == "github.com", strings.HasSuffix(host, ".ghe.com"):
		return GitHub
	case host == "gitlab.com":
		return GitLab
	case host == "codeberg.org":
		return Gitea
	}
	return ""
}

// parts takes an address apart, and gives the scheme and host of the forge's
// web pages. No error shows the address, which may hold a password.
func parts(repoURL string) (scheme, host, path string, err error) {
	if m := scpLike.FindStringSubmatch(repoURL); m != nil && !strings.Contains(repoURL, "://") {
		return "https", strings.ToLower(m[1]), m[2], nil
	}
	u, err := url.Parse(repoURL)
	if err != nil {
		return "", "", "", errors.New("the repository's address is no URL: give it as git clone takes it")
	}
	switch u.Scheme {
	case "https", "http":
		return u.Scheme, strings.ToLower(u.Host), u.Path, nil
	case "ssh", "git+ssh":
		// The port of ssh says nothing of the web pages.
		return "https", strings.ToLower(u.Hostname()), u.Path, nil
	}
	return "", "", "", errors.New("the repository is on no forge: pull requests need an https or ssh address")
}
