package awssim

import (
	"fmt"
	"net/http"
	"strconv"
)

// ec2Codec is EC2's own query protocol: lists are flat, names are capitalised.
type ec2Codec struct{}

func (ec2Codec) operation(m *model, _ *http.Request, body []byte) (string, error) {
	return action(m, body)
}

func (ec2Codec) names() naming {
	return naming{
		member: (*member).ec2,
		item:   func(_ *shape, _ *member, i int) string { return "." + strconv.Itoa(i) },
	}
}

func (k ec2Codec) decode(m *model, op string, _ *http.Request, body []byte) (M, []flaw, error) {
	return decodeForm(&queryReader{model: m, naming: k.names(), ec2: true}, op, body)
}

// complain names the first flaw only, as EC2 does.
func (ec2Codec) complain(flaws []flaw) *Error {
	switch f := flaws[0]; f.kind {
	case unknownParameter:
		return refuse("UnknownParameter", "The parameter %s is not recognized", f.wire)
	case missingParameter:
		return refuse("MissingParameter", "The request must contain the parameter %s", f.wire)
	case wrongType:
		return refuse("InvalidParameterValue", "Invalid value '%s' for %s. It must be a %s.", f.value, f.wire, f.shape.Type)
	default:
		return refuse("InvalidParameterValue", "Value (%s) for parameter %s is invalid. %s.", f.value, f.wire, f.constraint())
	}
}

func (ec2Codec) encode(m *model, op string, out M, id string) (reply, error) {
	w := &xmlWriter{model: m, item: "item"}
	fmt.Fprintf(w, "<%sResponse xmlns=\"%s\">", op, m.Namespace)
	w.text("requestId", id)
	if s := m.output(op); s != nil {
		if err := w.structure(s, out); err != nil {
			return reply{}, err
		}
	} else if len(out) > 0 {
		return reply{}, fmt.Errorf("the model has no reply for %s", op)
	} else {
		w.text("return", "true")
	}
	w.close(op + "Response")
	return xmlReply(http.StatusOK, w.String()), nil
}

func (ec2Codec) refusal(m *model, err *Error, id string) reply {
	w := &xmlWriter{model: m}
	w.WriteString("<Response><Errors><Error>")
	w.text("Code", err.Code)
	w.text("Message", err.Message)
	w.WriteString("</Error></Errors>")
	w.text("RequestID", id)
	w.WriteString("</Response>")
	return xmlReply(m.status(err), w.String())
}
