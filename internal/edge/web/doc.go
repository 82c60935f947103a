// Package web is the dashboard: it turns forms and addresses into calls of the
// use cases, and their answers into the pages of package views.
//
// Invariants:
//   - A receipt code travels in the body of a POST only: never in an address, a
//     cookie or a log.
//   - Every page works without JavaScript, except the passkey ceremonies.
//   - Looking changes nothing: a GET neither consumes a link nor changes a row
//     that people see.
//   - Where a server is shows to its operator, and to a reviewer who asked for it by
//     a form, which the audit log records; a secret of it shows to nobody.
//   - A refused form comes back with what was typed; nothing of it is kept here.
//   - A filter that is not understood shows nothing, never everything.
//   - What moves money or takes it back is a digest that the page showed and the
//     batch's number typed by hand.
//   - A stream of events says that something happened, never what; it ends with its
//     session, at shutdown and before the server's limit, and there are at most 200.
//   - Who may call a route stands in the table of routes.go, which the server
//     enforces; use cases check again.
package web
