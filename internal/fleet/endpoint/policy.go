package endpoint

import (
	"fmt"
	"time"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

// Invariants names what must always be true of endpoints and probers: the rows of
// the view check_breach. None of it stops a payment.
func Invariants() []string {
	return []string{"c01_one_result", "c02_proven", "c03_chain", "c04_gate"}
}

const aDay = 24 * time.Hour

// Check refuses a policy that cannot work, field by field: Invalid
// "invalid_fields". The database holds the same rules.
func (p Policy) Check() error {
	var bad []errs.Field
	need := func(ok bool, field string, code errs.Code, rule string, args ...any) {
		if !ok {
			bad = append(bad, errs.Field{Field: field, Code: code, Message: fmt.Sprintf(rule, args...)})
		}
	}
	permille := func(n int, field string) {
		need(n >= 0 && n <= 1000, field, CodeNotPermille, "A share must be between 0 and 1000 per mille.")
	}
	slot := p.Slot >= time.Minute && p.Slot <= aDay && aDay%p.Slot == 0
	need(
		slot,
		"slot",
		CodeSlotLength,
		"A slot must be at least a minute long, and a day must be a whole number of slots.",
	)
	need(
		p.Confirmations >= 0 && p.Confirmations <= 5,
		"confirmations",
		errs.CodeOutOfRange,
		"A failure can be confirmed 0 to 5 times.",
	)
	need(
		p.BackoffAfter > 0,
		"backoff_after",
		errs.CodeOutOfRange,
		"At least one slot must fail before checks become less frequent.",
	)
	if slot {
		need(
			p.BackoffEvery >= p.Slot && p.BackoffEvery%p.Slot == 0 && aDay%p.BackoffEvery == 0,
			"backoff_every",
			CodeBackoffLength,
			"A server that has been down for long is checked once every so many slots: a whole number of slots, and a day "+
				"must be a whole number of those.",
		)
	}
	permille(p.FullPermille, "full_permille")
	permille(p.MinCoveragePermille, "min_coverage_permille")
	permille(p.MinUptimePermille, "min_uptime_permille")
	need(
		p.PayPlace == vantage.Outside || p.PayPlace == vantage.Inside,
		"pay_place",
		CodeNotAPlace,
		"The place is either outside or inside.",
	)
	need(
		p.MaintenanceNotice >= 0 && p.MaintenanceMax >= 0,
		"maintenance",
		errs.CodeOutOfRange,
		"Maintenance times cannot be negative.",
	)
	need(
		p.KeepRaw >= 31*aDay && p.KeepRaw <= 400*aDay,
		"keep_raw",
		errs.CodeOutOfRange,
		"Results are kept for 31 to 400 days: a payment's window has 30.",
	)
	return errs.InvalidFields(bad)
}
