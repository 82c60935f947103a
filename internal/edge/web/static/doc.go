// Package static holds the files a browser loads beside the pages: one
// stylesheet, one script, the vendored htmx, the icons. It gives each a URL
// that carries a hash of its content.
//
// Invariants:
//   - A URL never changes what it answers: the hash is part of the name, so
//     responses are cached for a year and marked immutable.
//   - No file loads another from a foreign origin.
//   - Nothing is built outside Go: the stylesheet is the parts under css/ in
//     name order, joined once when the program starts.
package static
