package forgetest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// What the GitHub App is called that is installed on a fake GitHub.
const (
	AppID           = "123456"
	InstallationID  = 77
	AppSlug         = "linkfleet-app"
	installationTTL = time.Hour
)

// An app is a GitHub App and its tokens.
type app struct {
	once   sync.Once
	key    *rsa.PrivateKey
	tokens map[string]time.Time // and when each ends
}

// AppKey is the private key of the GitHub App, in PEM.
func (s *Server) AppKey() []byte {
	s.app.once.Do(func() {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			s.t.Error(err)
		}
		s.app.key, s.app.tokens = key, map[string]time.Time{}
	})
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(s.app.key)})
}

// knows tells whether a request's credentials are good for an operation.
func (s *Server) knows(r *http.Request, operation string) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	want := map[Kind]string{GitHub: "Bearer", GitLab: "Bearer", Gitea: "token"}[s.Kind]
	switch {
	case scheme != want:
		return false
	case strings.HasPrefix(operation, "apps/"):
		return s.isApp(token)
	}
	return token == s.Token || s.isInstallation(token)
}

// isInstallation tells whether a token is one of the app's that has not ended.
func (s *Server) isInstallation(token string) bool {
	return time.Now().Before(s.app.tokens[token])
}

func (s *Server) newToken() (string, time.Time) {
	token, ends := fmt.Sprintf("ghs_%d", s.id()), time.Now().Add(installationTTL)
	s.app.tokens[token] = ends
	return token, ends
}

// author is whom a request's comments are of.
func (s *Server) author(r request) string {
	if _, token, _ := strings.Cut(r.Header.Get("Authorization"), " "); s.isInstallation(token) {
		return AppSlug + "[bot]"
	}
	return s.Login
}

// isApp tells whether a JWT is signed with the app's key and good now, by
// GitHub's rules: at most ten minutes long.
func (s *Server) isApp(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || s.app.key == nil {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return false
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(&s.app.key.PublicKey, crypto.SHA256, digest[:], signature) != nil {
		return false
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Iss      string
		Iat, Exp int64
	}
	if err != nil || json.Unmarshal(text, &claims) != nil {
		return false
	}
	now := time.Now().Unix()
	return claims.Iss == AppID && claims.Iat <= now && claims.Exp > now && claims.Exp <= now+600
}
