package endpoint_test

import (
	"errors"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

func TestPolicyNamesWhatCannotWork(t *testing.T) {
	t.Parallel()
	for field, spoil := range map[string]func(*endpoint.Policy){
		"":                      func(*endpoint.Policy) {},
		"slot":                  func(p *endpoint.Policy) { p.Slot = 7 * time.Minute },
		"full_permille":         func(p *endpoint.Policy) { p.FullPermille = 1001 },
		"confirmations":         func(p *endpoint.Policy) { p.Confirmations = 6 },
		"backoff_after":         func(p *endpoint.Policy) { p.BackoffAfter = 0 },
		"backoff_every":         func(p *endpoint.Policy) { p.BackoffEvery = 20 * time.Minute },
		"min_coverage_permille": func(p *endpoint.Policy) { p.MinCoveragePermille = -1 },
		"min_uptime_permille":   func(p *endpoint.Policy) { p.MinUptimePermille = 2000 },
		"pay_place":             func(p *endpoint.Policy) { p.PayPlace = "moon" },
		"maintenance":           func(p *endpoint.Policy) { p.MaintenanceMax = -1 },
		"keep_raw":              func(p *endpoint.Policy) { p.KeepRaw = 24 * time.Hour },
	} {
		p := endpoint.Policy{
			Slot: 15 * time.Minute, FullPermille: 250, Confirmations: 2, BackoffAfter: 8, BackoffEvery: time.Hour,
			MinCoveragePermille: 800, PayPlace: vantage.Outside, MaintenanceNotice: 24 * time.Hour, MaintenanceMax: 8 * time.Hour, KeepRaw: 35 * 24 * time.Hour,
		}
		spoil(&p)
		var named string
		var refused *errs.Error
		if errors.As(p.Check(), &refused) && len(refused.Fields) == 1 {
			named = refused.Fields[0].Field
		}
		if named != field {
			t.Errorf("%q: %v", field, p.Check())
		}
	}
}
