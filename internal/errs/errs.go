package errs

import (
	"errors"
	"fmt"
	"strings"
)

// Code is the stable slug of one error, such as "stale_version". Programs rely
// on it, so a code never changes its meaning. Each is a constant with a comment
// that says what it means, in the package that promises it, or here where
// several packages do; package tools/errcodes makes the list that clients read
// from these comments, and refuses a code that is written out where it is used.
type Code string

// Kind says what class of trouble an error is; the edge maps it to an HTTP
// status and to a CLI exit code.
type Kind string

// The kinds, with the HTTP status each one becomes at the edge.
const (
	Invalid         Kind = "invalid"         // 422: the request is understood and breaks a rule
	Malformed       Kind = "malformed"       // 400: the request cannot be parsed
	Unauthenticated Kind = "unauthenticated" // 401
	Forbidden       Kind = "forbidden"       // 403
	NotFound        Kind = "not_found"       // 404
	Conflict        Kind = "conflict"        // 409: the state or the version has moved on
	TooLarge        Kind = "too_large"       // 413
	Precondition    Kind = "precondition"    // 428: If-Match or Idempotency-Key is missing
	RateLimited     Kind = "rate_limited"    // 429
	Unavailable     Kind = "unavailable"     // 503: a part is down; nothing was lost
	Internal        Kind = "internal"        // 500
)

// Field names one input and the rule it broke.
type Field struct {
	Field   string            // path in the request body, e.g. "payout_address"
	Code    Code              // stable, e.g. "wrong_network"
	Message string            // plain English
	Params  map[string]string // values for translated messages; may be nil
}

// Error is an error that may be shown to a person.
type Error struct {
	Kind    Kind
	Code    Code              // stable slug, e.g. "stale_version"; becomes the problem type
	Message string            // plain English: what happened, whether money moved, what to do next
	Fields  []Field           // only for Invalid
	Params  map[string]string // values for translated messages and problem extensions; may be nil
	Cause   error             // for logs only
}

// Error returns the text for logs, cause included.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", e.Code, e.Message)
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "; %s: %s (%s)", f.Field, f.Message, f.Code)
	}
	if e.Cause != nil {
		fmt.Fprintf(&b, ": %v", e.Cause)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// New returns an Error of the given kind.
func New(kind Kind, code Code, message string) *Error {
	return &Error{Kind: kind, Code: code, Message: message}
}

// Newf is New with a formatted message.
func Newf(kind Kind, code Code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap returns an Error of the given kind that hides cause from people and
// keeps it for logs.
func Wrap(cause error, kind Kind, code Code, message string) *Error {
	return &Error{Kind: kind, Code: code, Message: message, Cause: cause}
}

// InvalidFields returns the Invalid error that names each field and its rule,
// or nil when there are none.
func InvalidFields(fields []Field) error {
	if len(fields) == 0 {
		return nil
	}
	return &Error{
		Kind:    Invalid,
		Code:    CodeInvalidFields,
		Message: "Some fields need another look. Nothing was saved.",
		Fields:  fields,
	}
}

// KindOf returns the kind of the first *Error in err's chain, or Internal.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// CodeOf returns the code of the first *Error in err's chain, or "internal".
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}

// Is reports whether err's chain holds an *Error with this code.
func Is(err error, code Code) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}
