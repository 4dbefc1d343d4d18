package awssim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"time"
)

// A remembered answer is what an idempotency token gave.
type remembered struct {
	Params string // a digest of the request's other parameters
	Type   string
	Body   []byte
	At     time.Time
}

// recall answers a request whose ClientToken was seen before: with the same
// parameters as then, with others by refusing.
func (q *request) recall() (answer reply, done bool, refusal *Error) {
	token := q.in.str("ClientToken")
	if token == "" {
		return reply{}, false, nil
	}
	if !asciiUpTo(token, 64) {
		return reply{}, false, refuse("InvalidParameterValue", "Value (%s) for parameter clientToken is invalid. Client tokens may be up to 64 ASCII characters.", token)
	}
	held, known := q.cell().Tokens[q.op+" "+token]
	if !known || q.now.Sub(held.At) > q.latency("tokenMemory") {
		return reply{}, false, nil
	}
	if held.Params != digest(q.in) {
		return reply{}, false, refuse("IdempotentParameterMismatch", "The client token you have provided has already been used with different request parameters.")
	}
	return reply{Status: http.StatusOK, Type: held.Type, Body: held.Body}, true, nil
}

// remember keeps an answer for the request's ClientToken, if it has one.
func (q *request) remember(answer reply) {
	token := q.in.str("ClientToken")
	if token == "" {
		return
	}
	l := q.cell()
	if l.Tokens == nil {
		l.Tokens = make(map[string]remembered)
	}
	l.Tokens[q.op+" "+token] = remembered{Params: digest(q.in), Type: answer.Type, Body: answer.Body, At: q.now}
}

func digest(in M) string {
	others := maps.Clone(in)
	delete(others, "ClientToken")
	text, _ := json.Marshal(others) // what a request holds always marshals
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func asciiUpTo(text string, limit int) bool {
	for _, r := range text {
		if r > 126 || r < 32 {
			return false
		}
	}
	return len(text) <= limit
}
