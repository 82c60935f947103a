// Package apidocs draws the page on which people read the API: every call of the
// OpenAPI document with who may make it, its fields, its errors, and how to make it
// with curl and from Go.
//
// Invariants:
//   - Everything comes from the document; the page has no list of calls of its own,
//     and a call, schema or error that the document gains is on the page.
//   - An object is described once and linked from wherever it is used: at its call,
//     if one call alone has it, else among the objects of its group or of the page.
//   - The page needs no JavaScript and no inline style, and all of it is in the HTML,
//     so that the browser's own search finds every field and error.
//   - What the page tells people to type works: tests compile each piece of Go
//     against the client, and hold what each curl command sends against the document.
package apidocs
