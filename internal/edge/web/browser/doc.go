// Package browser holds the tests of the dashboard in Chromium: the real
// programs, a real database and a real btcd, seen through the pages.
//
// Set CAUSEWAY_SCREENSHOTS to a folder to keep a picture of every page, at two
// widths, light and dark. Set CHROME_BIN to use another Chromium or Chrome.
//
// Invariants:
//   - No page writes an error to the console, and none breaks its content
//     security policy.
//   - Operators' pages work with JavaScript switched off.
//   - No page is wider than its window at 1280 and 390 pixels, and each has one
//     main heading; axe finds nothing against WCAG 2.2 AA.
package browser
