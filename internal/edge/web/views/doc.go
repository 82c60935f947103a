// Package views draws the pages: one function and one view struct a page,
// from plain values, and what fleet/endpoint decided to show, to HTML.
//
// Invariants:
//   - A view holds strings, numbers, times, and the checks and days that package
//     endpoint shows; no page reads anything but its view and the Page round it;
//     drawing never fails for a zero view.
//   - Every word comes from the message catalogues.
//   - No page needs JavaScript or SVG to be read and used; scripts carry the
//     nonce, and there is no inline style or script.
//   - What an operator wrote is escaped, isolated from the direction of the
//     page and closed to htmx.
package views
