// Package claim is what an operator says about a server: the fields of a form, or a
// link or configuration file as people have it. It reads and refuses them, and makes the
// rows by which package endpoint keeps, checks and shows the server. It knows neither
// applications nor a store.
//
// Invariants:
//   - What a link says holds over the fields beside it.
//   - A refusal names the endpoint and its field, and repeats no secret.
//   - Any change of a configuration makes another endpoint, which has to be proven again;
//     one whose configuration stays keeps its row.
//   - A row's text is sealed under the data key of its application; what endpoints can have
//     in common is kept as keyed hashes alone.
package claim
