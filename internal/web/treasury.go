package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/identity"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/payout"
	"github.com/causeway-fund/causeway/internal/web/views"
)

const (
	coinRows = 100

	// oldTip is how long no block may come before the page says so. On the
	// Bitcoin network two hours without one happen less than once in a year.
	oldTip = 2 * time.Hour

	// resetsNeeded is how many people close a breaker.
	resetsNeeded = 2
)

func (s *Site) getTreasury(v *visit) error {
	t, err := s.cfg.Payouts.Treasury(v.ctx(), v.by)
	if err != nil {
		return err
	}
	view := views.Treasury{
		DepositAddress: t.DepositAddress, Descriptor: t.Descriptor, Fingerprint: fingerprint(t.Descriptor),
		LedgerSat: int64(t.Balances.OnChain()), ChainSat: int64(t.CoinsSat), TotalSat: int64(t.CoinsSat),
		Node: views.Node{Height: int64(t.Tip.Height), Hash: t.Tip.Hash.String(), At: t.Tip.At, Network: v.fund.Network},
	}
	switch {
	case t.Tip.At.IsZero():
		view.Node.Hash, view.Node.Trouble = "", views.Msg{Key: "node.none"}
	case v.page.Now.Sub(t.Tip.At) > oldTip:
		view.Node.Trouble = views.Msg{Key: "node.old"}
	}
	for _, account := range []ledger.Account{ledger.Available, ledger.Committed, ledger.InFlight, ledger.Confirming, ledger.Paid, ledger.Fees, ledger.Lost} {
		if account != ledger.Lost || t.Balances[account] != 0 {
			view.Balances = append(view.Balances, views.Balance{Name: string(account), Sat: int64(t.Balances[account])})
		}
	}
	for i, c := range t.Coins {
		if i == coinRows {
			view.MoreCoins = int64(len(t.Coins) - i)
			break
		}
		coin, err := s.coin(v, c)
		if err != nil {
			return err
		}
		view.Coins = append(view.Coins, coin)
	}
	for _, b := range t.Breakers {
		view.Breakers = append(view.Breakers, views.Breaker{
			ID: b.ID, Reason: views.Msg{Text: b.Detail}, At: b.TrippedAt, ResetBy: b.ResetBy, Needed: resetsNeeded,
			CanReset: mayReset(v.by) && !slices.Contains(b.ResetBy, v.by.Name),
		})
	}
	return v.show(http.StatusOK, views.TreasuryPage(v.page, view))
}

func mayReset(by identity.Actor) bool {
	return by.Has(identity.RoleTreasurer) || by.Has(identity.RoleAdmin)
}

// fingerprint returns the master key's, from the descriptor's key origin (BIP 380).
func fingerprint(descriptor string) string {
	_, origin, _ := strings.Cut(descriptor, "[")
	key, _, found := strings.Cut(origin, "/")
	if !found {
		return ""
	}
	return key
}

func (s *Site) coin(v *visit, c payout.Coin) (views.Coin, error) {
	view := views.Coin{
		TxID: c.OutPoint.Hash.String(), Vout: int(c.OutPoint.Index), AmountSat: int64(c.Amount),
		Height: int64(c.Height), Confirmations: int64(c.Confirmations), State: "immature",
	}
	switch {
	case c.ReservedBy != nil:
		view.State, view.Batch = "reserved", batchNumber(*c.ReservedBy)
		list, _, err := s.cfg.Payouts.Batches(v.ctx(), v.by, *c.ReservedBy+1, 1)
		if err != nil {
			return view, err
		}
		if len(list) == 1 && list[0].Number == *c.ReservedBy {
			view.BatchURL = "/batches/" + list[0].ID.String()
		}
	case c.Spendable():
		view.State = "available"
	}
	return view, nil
}

// postBreakerReset adds a person's word that a surprise is understood.
func (s *Site) postBreakerReset(v *visit) error {
	id, err := strconv.ParseInt(v.Param("id"), 10, 64)
	if err != nil {
		return errs.New(errs.NotFound, "not_found", "There is nothing at this address.")
	}
	if err := s.cfg.Payouts.ResetBreaker(v.ctx(), v.by, id); err != nil {
		return err
	}
	return v.see("/treasury")
}
