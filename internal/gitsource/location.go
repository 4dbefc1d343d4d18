package gitsource

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
)

// A location is where a repository is.
type location struct {
	scheme         string // https, http, ssh or file
	user, password string // of the URL
	host           string // without port
	port           string // empty: the scheme's own
	path           string // as the server knows it; for files, absolute
}

// parseLocation reads a URL, the short form of SSH (git@host:path), or a
// path. Its errors do not repeat the text, which may hold a password.
func parseLocation(text string) (location, error) {
	switch {
	case text == "":
		return location{}, errors.New("the repository's URL is empty: give it as https://, ssh://, git@host:path or a local path")
	case strings.Contains(text, "://"):
		return parseURL(text)
	}
	if l, ok := parseShortSSH(text); ok {
		return l, nil
	}
	return localLocation(text)
}

func parseURL(text string) (location, error) {
	u, err := url.Parse(text)
	if err != nil {
		scheme, _, _ := strings.Cut(text, "://")
		return location{}, fmt.Errorf("the repository's URL, which begins with %s://, is malformed: write it as the forge shows it for cloning", plain(scheme))
	}
	l := location{scheme: strings.ToLower(u.Scheme), host: u.Hostname(), port: u.Port(), path: u.Path}
	if u.User != nil {
		l.user = u.User.Username()
		l.password, _ = u.User.Password()
	}
	switch l.scheme {
	case "file":
		return localLocation(u.Path)
	case "git+ssh", "ssh+git":
		l.scheme = "ssh"
		fallthrough
	case "ssh":
		if strings.HasPrefix(l.path, "/~") {
			l.path = l.path[1:]
		}
	case "https", "http":
	default:
		return location{}, fmt.Errorf("a repository cannot be fetched by %s://: use https:// or ssh://", plain(u.Scheme))
	}
	switch {
	case u.RawQuery != "" || u.Fragment != "":
		return location{}, fmt.Errorf("the repository's URL at %s has a query or a fragment: leave it away", plain(l.host))
	case l.host == "" || strings.Trim(l.path, "/") == "":
		return location{}, fmt.Errorf("the repository's %s:// URL lacks a host or a path: write it as the forge shows it for cloning", l.scheme)
	case strings.HasPrefix(l.host, "-"):
		return location{}, errors.New("the host in the repository's URL begins with a dash: write the URL as the forge shows it for cloning")
	}
	return l, nil
}

// parseShortSSH reads user@host:path. As for git, a slash before the colon
// makes it a path.
func parseShortSSH(text string) (location, bool) {
	host, path, ok := strings.Cut(text, ":")
	if !ok || strings.ContainsAny(host, `/\`) || len(host) < 2 || path == "" {
		return location{}, false
	}
	user := ""
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		user, host = host[:at], host[at+1:]
	}
	if host == "" || strings.HasPrefix(host, "-") {
		return location{}, false
	}
	return location{scheme: "ssh", user: user, host: host, path: path}, true
}

func localLocation(path string) (location, error) {
	abs, err := filepath.Abs(filepath.FromSlash(path))
	if err != nil {
		return location{}, fmt.Errorf("finding the repository at %s: %w", path, err)
	}
	return location{scheme: "file", path: abs}, nil
}

// String shows the location without credentials. It names the repository in
// errors, and its mirror.
func (l location) String() string {
	if l.scheme == "file" {
		return l.path
	}
	host := l.host
	if l.port != "" {
		host = net.JoinHostPort(l.host, l.port)
	} else if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if l.scheme == "ssh" {
		host = l.sshUser() + "@" + host
		if l.port == "" && !strings.HasPrefix(l.path, "/") { // in the user's home, which is another place
			return host + ":" + l.path
		}
	}
	return l.scheme + "://" + host + "/" + strings.TrimPrefix(l.path, "/")
}

// sshUser is whom to log in as; git is every forge's.
func (l location) sshUser() string {
	if l.user == "" {
		return "git"
	}
	return l.user
}

// loopback tells whether nobody else can listen in.
func (l location) loopback() bool {
	ip := net.ParseIP(l.host)
	return l.host == "localhost" || ip != nil && ip.IsLoopback()
}

// folder names the mirror: readable, and different for each location.
func (l location) folder() string {
	readable := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		}
		return '-'
	}, strings.TrimSuffix(l.host+"-"+strings.Trim(l.path, "/"), ".git"))
	readable = strings.Trim(readable, "-.")
	if len(readable) > 80 {
		readable = readable[len(readable)-80:]
	}
	sum := sha256.Sum256([]byte(l.String()))
	return readable + "-" + hex.EncodeToString(sum[:6])
}
