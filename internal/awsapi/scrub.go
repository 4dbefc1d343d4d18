package awsapi

import (
	"bytes"
	"context"
	"encoding/xml"
	"reflect"
	"strings"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// What AWS says when it refuses a request goes into logs, reports and
// comments; and AWS repeats parts of requests in it. The answer to a wrong
// signature, for one, has the whole canonical request, session token
// included. So what a request carries that is nobody's business is taken out
// of refusals before anybody reads them.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html

// hidden stands where a secret stood.
const hidden = "(hidden)"

// secretFields are the fields of inputs that nobody else is to read.
var secretFields = []string{"ExternalId", "ClientToken"}

// secretsIn are the secrets in an operation's input.
func secretsIn(input any) []string {
	v := reflect.Indirect(reflect.ValueOf(input))
	if v.Kind() != reflect.Struct {
		return nil
	}
	var found []string
	for _, name := range secretFields {
		if text, ok := fieldOf(v, name); ok && text != "" {
			found = append(found, text)
		}
	}
	return found
}

func fieldOf(v reflect.Value, name string) (string, bool) {
	field := v.FieldByName(name)
	if !field.IsValid() {
		return "", false
	}
	text, ok := field.Interface().(*string)
	if !ok || text == nil {
		return "", false
	}
	return *text, true
}

// echoes are the secrets that the answer to a signed request could repeat.
func echoes(ctx context.Context, request any) []string {
	var secrets []string
	if call, ok := middleware.GetStackValue(ctx, onTheWayKey{}).(*onTheWay); ok {
		secrets = append(secrets, call.secrets...)
	}
	signed, ok := request.(*smithyhttp.Request)
	if !ok {
		return secrets
	}
	if token := signed.Header.Get("X-Amz-Security-Token"); token != "" {
		secrets = append(secrets, token)
	}
	if _, signature, ok := strings.Cut(signed.Header.Get("Authorization"), "Signature="); ok && signature != "" {
		secrets = append(secrets, signature)
	}
	return secrets
}

// scrub takes secrets out of a text, also where XML has escaped them.
func scrub(text []byte, secrets []string) []byte {
	for _, secret := range secrets {
		text = bytes.ReplaceAll(text, []byte(secret), []byte(hidden))
		var escaped bytes.Buffer
		if xml.EscapeText(&escaped, []byte(secret)) == nil {
			text = bytes.ReplaceAll(text, escaped.Bytes(), []byte(hidden))
		}
	}
	return text
}
