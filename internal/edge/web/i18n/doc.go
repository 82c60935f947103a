// Package i18n holds every word the dashboard says, in message catalogues,
// and picks the language of a request.
//
// Invariants:
//   - A language is a file: catalogue/<tag>.json plus a row in the locale
//     table, which already names the languages expected next.
//   - Words about checks of servers have one source, package advice.
//   - English is complete; another language falls back to it message by
//     message.
//   - A message whose placeholders are not all given is never shown half
//     filled in: T answers the key in brackets and Try says no.
package i18n
