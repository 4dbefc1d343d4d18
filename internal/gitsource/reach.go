package gitsource

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
)

// netFailure says in a few words why a host was not reached; it is empty if
// the network is not to blame. It tells of the host alone: the error's own
// text may hold a URL.
func netFailure(err error) string {
	var (
		dns  *net.DNSError
		cert *tls.CertificateVerificationError
		by   x509.UnknownAuthorityError
		op   *net.OpError
		wait net.Error
	)
	switch {
	case errors.As(err, &dns):
		return "its name is unknown"
	case errors.As(err, &cert), errors.As(err, &by):
		return "its certificate is not trusted"
	case errors.As(err, &op):
		return plain(op.Err.Error())
	case errors.As(err, &wait) && wait.Timeout():
		return "it does not answer in time"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "it closes the connection"
	}
	return ""
}
