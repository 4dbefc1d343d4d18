package awsapi

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// maxAnswer bounds an answer. AWS's longest pages are of a few MB.
const maxAnswer = 64 << 20

// answer reads the answer to a request whole and refuses what AWS would not
// send.
//
// The SDK takes an empty answer of status 200, or one of HTML, for an empty
// list; and an empty list makes linkfleet create everything anew. An answer
// that broke off it reports as nonsense, where sending again would help.
func answer(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
	out, metadata, err := next.HandleDeserialize(ctx, in)
	response, ok := out.RawResponse.(*smithyhttp.Response)
	if err != nil || !ok {
		return out, metadata, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	response.Body.Close()
	if response.StatusCode/100 != 2 {
		body = scrub(body, echoes(ctx, in.Request))
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		return out, metadata, brokenOff(ctx, err)
	}
	if response.StatusCode/100 == 2 && !(len(body) == 0 && saysNothing(ctx)) {
		if plausible(body) != nil {
			err := plausible(scrub(body, echoes(ctx, in.Request)))
			return out, metadata, &smithy.DeserializationError{Err: err}
		}
	}
	return out, metadata, nil
}

// saysNothing tells the operations whose answer is empty when they worked, by
// AWS's own account. They tell nothing that could be taken for an empty list.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html
func saysNothing(ctx context.Context) bool {
	switch awsmiddleware.GetServiceID(ctx) + " " + awsmiddleware.GetOperationName(ctx) {
	case "SQS DeleteMessage", "SQS ChangeMessageVisibility", "SQS SetQueueAttributes", "SQS DeleteQueue", "SQS TagQueue", "SQS UntagQueue":
		return true
	}
	return false
}

// brokenOff is the error for an answer that ended early, in the SDK's terms:
// one of the connection, to be sent again, unless it was us who ended it.
func brokenOff(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &smithy.CanceledError{Err: ctx.Err()}
	}
	return &smithyhttp.RequestSendError{Err: fmt.Errorf("the answer broke off: %w", err)}
}

// plausible tells whether body can be AWS's answer to a request that worked:
// a JSON object, or an XML document whose root is …Response.
func plausible(body []byte) error {
	body = bytes.TrimSpace(body)
	switch {
	case len(body) == 0:
		return errors.New("it is empty")
	case len(body) > maxAnswer:
		return fmt.Errorf("it is longer than %d MB", maxAnswer>>20)
	case body[0] == '{':
		return nil
	}
	root, err := rootElement(body)
	switch {
	case err != nil:
		return fmt.Errorf("it begins with %s", beginning(body))
	case !strings.HasSuffix(root, "Response"):
		return fmt.Errorf("it is a document <%s>", root)
	}
	return nil
}

// rootElement is the name of an XML document's root.
func rootElement(body []byte) (string, error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	for {
		token, err := d.Token()
		if err != nil {
			return "", err
		}
		switch token := token.(type) {
		case xml.StartElement:
			return token.Name.Local, nil
		case xml.CharData:
			if len(bytes.TrimSpace(token)) > 0 {
				return "", errors.New("text before the root element")
			}
		}
	}
}

// beginning quotes the first few characters of body.
func beginning(body []byte) string {
	const enough = 40
	text := strings.ToValidUTF8(string(body[:min(len(body), enough)]), "?")
	if len(body) > enough {
		text += "…"
	}
	return fmt.Sprintf("%q", text)
}
