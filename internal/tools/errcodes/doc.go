// Command errcodes keeps the codes of errors honest: each is a constant of type
// errs.Code, declared once, with a comment that says what it means, and no code is
// written out where it is used. What the codes of the API mean to its callers is in
// api/errors.yaml, which a test of edge/apidocs holds against the constants.
//
// Usage: errcodes ROOT.
package main
