package web

import (
	"context"
	"net/http"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/grant"
	"github.com/causeway-fund/causeway/internal/identity"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/payout"
	"github.com/causeway-fund/causeway/internal/web/views"
)

// apiDocs is where the server shows the documentation of the API.
const apiDocs = "/docs/api"

func (s *Site) getHome(v *visit) error {
	sums, err := s.sums(v.ctx())
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, views.HomePage(v.page, views.Home{
		MinSat: int64(v.fund.MinAmount), MaxSat: int64(v.fund.MaxAmount), Quorum: v.fund.Quorum,
		PaidSat: int64(sums.paid), PaidCount: sums.payments, Open: true, APIDocs: apiDocs,
	}))
}

// totals are the sums that the public and reviewers are shown: no operator, no
// address, no transaction.
type totals struct {
	at       time.Time
	paid     btcutil.Amount
	payments int64
	granted  btcutil.Amount // of the budget: committed, on its way, or paid
}

// totalsLife is how old the sums may be. It also keeps a flood of visitors from
// the treasury's tables.
const totalsLife = time.Minute

func (s *Site) sums(ctx context.Context) (totals, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Clock.Now()
	if age := now.Sub(s.totals.at); age >= 0 && age < totalsLife {
		return s.totals, nil
	}
	by := identity.System("web")
	treasury, err := s.cfg.Payouts.Treasury(ctx, by)
	if err != nil {
		return totals{}, err
	}
	fresh := totals{at: now, paid: treasury.Balances[ledger.Paid]}
	for _, account := range []ledger.Account{ledger.Committed, ledger.InFlight, ledger.Confirming, ledger.Paid} {
		fresh.granted += treasury.Balances[account]
	}
	for before, more := uint32(0), true; more; more = before != 0 {
		var list []payout.Batch
		if list, before, err = s.cfg.Payouts.Batches(ctx, by, before, grant.MaxPage); err != nil {
			return totals{}, err
		}
		for _, b := range list {
			if b.State == payout.Paid || b.State == payout.Final {
				fresh.payments += int64(b.Payees)
			}
		}
	}
	s.totals = fresh
	return fresh, nil
}

// postPrefs keeps language and theme in cookies.
func (s *Site) postPrefs(v *visit) error {
	for _, l := range s.text.Locales() {
		if v.posted("ui") == l.Tag {
			s.setCookie(v, cookieLanguage, l.Tag, prefsLife, http.SameSiteLaxMode)
		}
	}
	if name := v.posted("theme"); name == "auto" || theme(name) == name {
		s.setCookie(v, cookieTheme, theme(name), prefsLife, http.SameSiteLaxMode)
	}
	return v.see(localPath(v.posted("back"), "/"))
}
