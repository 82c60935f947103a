// Package prose says which characters a text may hold that people write into a form:
// titles, stories, messages, names, reasons. Such a text is shown to others, on a
// page, in a terminal, in a spreadsheet, and must look there as it looked to its
// author and leave what stands around it alone.
//
// Invariants:
//   - A text that passes holds valid UTF-8 of assigned, public code points; no control
//     characters, no overrides or isolates of direction, no tags, and no more than a
//     few combining marks on one letter.
//   - Zero-width characters stand only where their script needs them: a joiner or
//     non-joiner between letters of a script that joins, or inside an emoji; a
//     direction mark in a text that has letters written from right to left.
//   - A Line has no line break. Nobody can write two rows where one is meant.
//   - Whoever is refused is told the code point and what is wrong with it. Nothing is
//     taken out in silence, but for what no reader can see and every editor adds: a
//     byte-order mark, soft hyphens, carriage returns.
//
// The rules are those of Unicode Technical Report 36 (3.4, 3.6) and UAX 31 (2.3), cut
// down to what a form needs.
package prose
