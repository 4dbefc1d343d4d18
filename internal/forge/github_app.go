package forge

import (
	"cmp"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/google/go-github/v89/github"
)

// expiryMargin is how long before its end a token is replaced.
const expiryMargin = 5 * time.Minute

// An installation makes the tokens of a GitHub App for one account. They live
// for an hour: https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app
type installation struct {
	id     int64
	client *github.Client // speaks as the app itself

	// turn holds one thing when nobody looks at the token.
	turn    chan struct{}
	token   string
	expires time.Time
}

func newInstallation(a App, c *http.Client, api *url.URL) (*installation, error) {
	key, err := parseKey(a.PrivateKey)
	if err != nil {
		return nil, err
	}
	if a.InstallationID == 0 {
		return nil, errors.New("a GitHub App needs its installation's id: it ends the address of the installation's settings")
	}
	asApp := func(req *http.Request) error {
		jwt, err := appJWT(a.ID, key, time.Now())
		if err == nil {
			req.Header.Set("Authorization", "Bearer "+jwt)
		}
		return err
	}
	i := &installation{id: a.InstallationID, turn: make(chan struct{}, 1)}
	i.turn <- struct{}{}
	i.client, err = gitHubClient(client(c, api, asApp), api)
	return i, err
}

// parseKey reads a key as GitHub gives it (PKCS #1), or as openssl rewrites it
// (PKCS #8). Its errors show nothing of it.
func parseKey(text []byte) (*rsa.PrivateKey, error) {
	wrong := errors.New("the GitHub App's private key is no RSA key in PEM: give the file as GitHub gave it")
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, wrong
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, wrong
	}
	if key, ok := key.(*rsa.PrivateKey); ok {
		return key, nil
	}
	return nil, wrong
}

// appJWT says that we are the app, for nine minutes of the ten that GitHub
// allows, and from a minute ago, for clocks that differ:
// https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
func appJWT(app string, key *rsa.PrivateKey, now time.Time) (string, error) {
	claims, err := json.Marshal(map[string]any{
		"iss": app, "iat": now.Add(-time.Minute).Unix(), "exp": now.Add(9 * time.Minute).Unix(),
	})
	if err != nil {
		return "", err
	}
	b64 := base64.RawURLEncoding.EncodeToString
	signed := b64([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + b64(claims)
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		return "", errors.New("the GitHub App's private key cannot sign: make a new one")
	}
	return signed + "." + b64(signature), nil
}

// authorize gives a request the installation's token, a new one where the old
// is about to end.
func (i *installation) authorize(req *http.Request) error {
	select {
	case <-i.turn:
		defer func() { i.turn <- struct{}{} }()
	case <-req.Context().Done():
		return req.Context().Err()
	}
	if time.Until(i.expires) < expiryMargin {
		if err := i.renew(req.Context()); err != nil {
			return err
		}
	}
	req.Header.Set("Authorization", "Bearer "+i.token)
	return nil
}

func (i *installation) renew(ctx context.Context) error {
	return repeat(ctx, func() error {
		t, _, err := i.client.Apps.CreateInstallationToken(ctx, i.id, &github.InstallationTokenOptions{})
		if err != nil {
			return fmt.Errorf("as GitHub App, for installation %d: %w", i.id, err)
		}
		i.token = t.GetToken()
		i.expires = cmp.Or(t.GetExpiresAt().Time, time.Now().Add(time.Hour))
		return nil
	})
}

// slug is the app's name; its comments are of slug[bot].
func (i *installation) slug(ctx context.Context) (string, error) {
	app, _, err := i.client.Apps.Get(ctx, "")
	return app.GetSlug(), err
}
