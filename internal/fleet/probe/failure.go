package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

// Error is why an attempt ended: where, of what class, and in what words. It
// is for records and logs; people read a sentence made from protocol, stage and
// class.
type Error struct {
	Stage  Stage // where it failed, that is, the stage that was not passed
	Class  Class
	Detail string // ours, never raw bytes of an endpoint
	Cause  error  // for logs; may be nil
}

// Error returns stage, class, detail and cause.
func (f *Error) Error() string {
	s := fmt.Sprintf("%s: %s: %s", f.Stage, f.Class, f.Detail)
	if f.Cause != nil {
		return s + ": " + f.Cause.Error()
	}
	return s
}

// Unwrap returns the cause.
func (f *Error) Unwrap() error { return f.Cause }

// Fail returns a *Error. Bytes of an endpoint go through %q or %x.
func Fail(stage Stage, class Class, format string, args ...any) error {
	return &Error{Stage: stage, Class: class, Detail: fmt.Sprintf(format, args...)}
}

// At returns err as a *Error at stage, with the class that ClassOf finds. An
// err that holds a *Error with a stage already, and nil, are returned as they
// are.
func At(stage Stage, err error) error {
	var f *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &f) && f.Stage == "":
		return &Error{Stage: stage, Class: f.Class, Detail: f.Detail, Cause: f.Cause}
	case f != nil:
		return err
	}
	class := ClassOf(err)
	return &Error{Stage: stage, Class: class, Detail: class.detail(), Cause: err}
}

// InTLS is At for a TLS handshake: what is neither the network's fault nor ours
// is the far end's way of speaking TLS.
func InTLS(stage Stage, err error) error {
	var invalid *tls.CertificateVerificationError
	var name x509.HostnameError
	switch class := ClassOf(err); {
	case err == nil:
		return nil
	case errors.As(err, &invalid), errors.As(err, &name):
		return &Error{
			Stage:  stage,
			Class:  ClassProtocolMismatch,
			Detail: "the certificate is not valid for this server name",
			Cause:  err,
		}
	case class == ClassLocalResources && !localTrouble(err):
		return &Error{Stage: stage, Class: ClassProtocolMismatch, Detail: "no TLS handshake", Cause: err}
	default:
		return At(stage, err)
	}
}

// localTrouble reports errors that our own machine makes.
func localTrouble(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL, syscall.EAGAIN, syscall.EPERM, syscall.EACCES} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// ClassOf returns the class of an error of the network. An error that nothing
// explains is ours: ClassLocalResources.
func ClassOf(err error) Class {
	var f *Error
	var dns *net.DNSError
	var timeout interface{ Timeout() bool }
	var record tls.RecordHeaderError
	switch {
	case err == nil:
		return ClassNone
	case errors.As(err, &f):
		return f.Class
	case localTrouble(err):
		return ClassLocalResources
	case errors.Is(err, context.Canceled):
		return ClassCanceled
	case errors.As(err, &dns) && dns.IsNotFound:
		return ClassDNSNXDomain
	case errors.As(err, &dns):
		return ClassDNSError
	case errors.Is(err, syscall.ECONNREFUSED):
		return ClassRefused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNABORTED):
		return ClassReset
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTDOWN):
		return ClassUnreachable
	case errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, os.ErrDeadlineExceeded),
		errors.Is(err, syscall.ETIMEDOUT):
		return ClassTimeout
	case errors.As(err, &timeout) && timeout.Timeout():
		return ClassTimeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ClassEOF
	case errors.As(err, &record):
		return ClassProtocolMismatch
	default:
		return ClassLocalResources
	}
}

// detail is what a class says where nothing more is known.
func (c Class) detail() string {
	switch c {
	case ClassDNSNXDomain:
		return "the name has no address"
	case ClassDNSError:
		return "the look-up failed"
	case ClassRefused:
		return "the connection was refused"
	case ClassReset:
		return "the connection was reset"
	case ClassEOF:
		return "the connection was closed before the answer was complete"
	case ClassTimeout:
		return "no answer in time"
	case ClassUnreachable:
		return "no route to the address"
	case ClassProtocolMismatch:
		return "the answer is not of this protocol"
	case ClassCanceled:
		return "the check was called off"
	default:
		return "trouble on the checking side"
	}
}
