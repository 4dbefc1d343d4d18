package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/linkfleet/linkfleet/internal/forge"
)

// verify refuses a delivery that does not prove to know one of our secrets:
// with 401 where no proof is given, with 403 where it is wrong or stale.
func (r *Receiver) verify(h http.Header, body []byte, now time.Time) error {
	switch r.kind {
	case forge.GitHub:
		// X-Hub-Signature beside it is SHA-1, and not looked at.
		return r.verifyHex(body, h.Get("X-Hub-Signature-256"), "sha256=", "X-Hub-Signature-256")
	case forge.Gitea:
		return r.verifyHex(body, first(h, "X-Forgejo-Signature", "X-Gitea-Signature"), "", "X-Gitea-Signature")
	}
	if h.Get("Webhook-Signature") != "" {
		return r.verifyStandard(h, body, now)
	}
	return r.verifyToken(h.Get("X-Gitlab-Token"))
}

func unsigned(header string) error {
	return refuse(http.StatusUnauthorized, "it has no "+header+": set our secret in the webhook's settings")
}

func forged() error {
	return refuse(http.StatusForbidden, "it is signed with another secret than ours: set the same one in the webhook's settings")
}

// any tells whether one of the secrets is proven. It tries them all, so that
// the time it takes does not tell which.
func (r *Receiver) any(proven func(secret []byte) int) bool {
	found := 0
	for _, secret := range r.secrets {
		found |= proven(secret)
	}
	return found == 1
}

// verifyHex checks an HMAC-SHA256 of the body in hexadecimal:
// https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
// https://docs.gitea.com/usage/webhooks
func (r *Receiver) verifyHex(body []byte, signature, prefix, header string) error {
	if signature == "" {
		return unsigned(header)
	}
	text, ok := strings.CutPrefix(signature, prefix)
	given, err := hex.DecodeString(text)
	if !ok || err != nil {
		return forged()
	}
	if !r.any(func(secret []byte) int { return equal(sum(secret, body), given) }) {
		return forged()
	}
	return nil
}

// verifyToken compares the secret that GitLab sends as it is:
// https://docs.gitlab.com/user/project/integrations/webhooks/
func (r *Receiver) verifyToken(token string) error {
	if token == "" {
		return unsigned("X-Gitlab-Token")
	}
	// Digests are compared, so that the time does not tell the length.
	given := sha256.Sum256([]byte(token))
	if !r.any(func(secret []byte) int {
		want := sha256.Sum256(secret)
		return equal(want[:], given[:])
	}) {
		return forged()
	}
	return nil
}

// verifyStandard checks the signature that GitLab makes with a signing token,
// after Standard Webhooks: over the id, the time and the body; several may be
// given, apart by spaces. https://www.standardwebhooks.com
func (r *Receiver) verifyStandard(h http.Header, body []byte, now time.Time) error {
	id, stamp := h.Get("Webhook-Id"), h.Get("Webhook-Timestamp")
	message := append([]byte(id+"."+stamp+"."), body...)
	ok := r.any(func(secret []byte) int {
		want := sum(signingKey(secret), message)
		found := 0
		for given := range strings.FieldsSeq(h.Get("Webhook-Signature")) {
			signature, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(given, "v1,"))
			if err == nil && strings.HasPrefix(given, "v1,") {
				found |= equal(want, signature)
			}
		}
		return found
	})
	if !ok {
		return forged()
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > MaxAge {
		return refuse(http.StatusForbidden, "it was signed more than "+MaxAge.String()+" from now: see that both clocks are right")
	}
	return nil
}

// signingKey is the key in a signing token, which GitLab shows as whsec_ and
// base64.
func signingKey(secret []byte) []byte {
	text, ok := strings.CutPrefix(string(secret), "whsec_")
	if !ok {
		return secret
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) < MinSecret {
		return secret
	}
	return key
}

func sum(secret, message []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write(message)
	return mac.Sum(nil)
}

func equal(a, b []byte) int { return subtle.ConstantTimeCompare(a, b) }

func digest(body []byte) string {
	d := sha256.Sum256(body)
	return hex.EncodeToString(d[:])
}
