// Command errcodes keeps the codes of errors honest: each is a constant of type
// errs.Code, declared once, with a comment that says what it means, and no code is
// written out where it is used. What the codes of the API mean to its callers is in
// api/errors.yaml, which a test of edge/apidocs holds against the constants.
//
// It also derives from the source with which codes each call of the API can refuse,
// and holds x-errors in api/spec equal to that: those of every function that the
// call's handler names, and that those name in turn. Behind an interface may be each
// type of ours that has its methods. What is refused is at most this list; the
// contract tests of edge/api refuse an answer with any other code.
//
// Usage: errcodes [-w] ROOT; -w writes x-errors into api/spec.
package main
