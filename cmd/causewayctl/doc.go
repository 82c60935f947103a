// Command causewayctl is a client of a fund's API: apply and follow an
// application, review, release payments, verify the audit log.
//
// Invariants:
//   - It only runs the commands of package ctl.
package main
