package web

import (
	"context"
	"net/http"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/trust/identity"
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

// totalsLife is how old the sums may be when they are read again. It keeps a flood of
// visitors from the tables that are summed.
const totalsLife = time.Minute

// sums returns what was summed within totalsLife. While they are summed again, which
// takes longer the more was ever paid, everybody else is shown the last ones.
func (s *Site) sums(ctx context.Context) (totals, error) {
	kept := s.totals.Load()
	if s.recent(kept) {
		return *kept, nil
	}
	if kept == nil {
		s.summing.Lock()
	} else if !s.summing.TryLock() {
		return *kept, nil
	}
	defer s.summing.Unlock()
	if kept = s.totals.Load(); s.recent(kept) { // somebody was faster
		return *kept, nil
	}
	sums, err := s.cfg.Payouts.Sums(ctx, identity.System("web"))
	if err != nil {
		return totals{}, err
	}
	fresh := totals{at: s.cfg.Clock.Now(), paid: sums.Balances[ledger.Paid], payments: sums.Payments}
	for _, account := range []ledger.Account{ledger.Committed, ledger.InFlight, ledger.Confirming, ledger.Paid} {
		fresh.granted += sums.Balances[account]
	}
	s.totals.Store(&fresh)
	return fresh, nil
}

func (s *Site) recent(t *totals) bool {
	if t == nil {
		return false
	}
	age := s.cfg.Clock.Now().Sub(t.at)
	return age >= 0 && age < totalsLife
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
