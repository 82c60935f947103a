package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/treasurer"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

const (
	coinRows = 100

	// oldTip is how long no block may come before the page says so. On the
	// Bitcoin network two hours without one happen less than once in a year.
	oldTip = 2 * time.Hour

	// resetsNeeded is how many people close a breaker.
	resetsNeeded = 2
)

func (s *Site) getTreasury(v *visit) error { return s.showTreasury(v, http.StatusOK, nil) }

// showTreasury draws the page; change puts back what was typed.
func (s *Site) showTreasury(v *visit, status int, change func(*views.Treasury)) error {
	s.liven(v)
	t, err := s.cfg.Payouts.Treasury(v.ctx(), v.by)
	if err != nil {
		return err
	}
	view := views.Treasury{
		DepositAddress: t.DepositAddress,
		Descriptor:     t.Descriptor,
		Fingerprint:    fingerprint(t.Descriptor),
		LedgerSat:      int64(t.Balances.OnChain()),
		ChainSat:       int64(t.CoinsSat),
		TotalSat:       int64(t.CoinsSat),
		Node: views.Node{
			Height:  int64(t.Tip.Height),
			Hash:    t.Tip.Hash.String(),
			At:      t.Tip.At,
			Network: v.fund.Network,
		},
		CanCompose: v.by.Can(
			identity.PermBatchCompose,
		),
		Runway:   runway(t),
		Estimate: v.estimate(t.Estimate),
		Breakers: v.breakers(t.Breakers),
	}
	switch {
	case t.Tip.At.IsZero():
		view.Node.Hash, view.Node.Trouble = "", views.Msg{Key: "node.none"}
	case v.page.Now.Sub(t.Tip.At) > oldTip:
		view.Node.Trouble = views.Msg{Key: "node.old"}
	}
	walking(&view.Node, t.Progress, v.fund.BirthdayHeight)
	for _, account := range []ledger.Account{ledger.Available, ledger.Committed, ledger.InFlight, ledger.Confirming, ledger.Paid, ledger.Fees, ledger.Lost} {
		if account != ledger.Lost || t.Balances[account] != 0 {
			view.Balances = append(view.Balances, views.Balance{Name: string(account), Sat: int64(t.Balances[account])})
		}
	}
	for _, b := range t.Stuck {
		view.Stuck = append(
			view.Stuck,
			views.Stuck{
				Number: batchNumber(b.Number),
				URL:    "/batches/" + b.BatchID.String(),
				State:  string(b.State),
				Why:    views.Msg{Text: b.Why},
			},
		)
	}
	for _, b := range t.Lapsed {
		view.Lapsed = append(
			view.Lapsed,
			views.Lapsed{
				Number: batchNumber(b.Number),
				URL:    "/batches/" + b.BatchID.String(),
				By:     b.ComposedBy,
				Payees: int64(b.Payees),
				At:     b.At,
			},
		)
	}
	if view.Unjoined, err = s.unjoined(v); err != nil {
		return err
	}
	if a := t.Accepted; a != nil {
		view.Accepted = &views.Accepted{Sat: int64(a.Amount), At: a.At, By: a.By}
	}
	for i, c := range t.Coins {
		if c.Spendable() {
			view.Upkeep.Coins++
		}
		if i >= coinRows {
			view.MoreCoins++
			continue
		}
		coin, err := s.coin(v, c)
		if err != nil {
			return err
		}
		view.Coins = append(view.Coins, coin)
	}
	if x := t.Proposal; x != nil {
		view.Proposal = &views.Proposal{
			Ready: int64(
				x.Ready,
			),
			Target:  int64(x.Target),
			Outputs: x.Order.Outputs,
			EachSat: int64(x.Each),
			FeeRate: money.FormatFeeRate(x.Order.FeeRateSatKVB),
		}
	}
	if change != nil {
		change(&view)
	}
	return v.show(status, views.TreasuryPage(v.page, view))
}

// runway sorts the coins by what may be done with them.
func runway(t treasurer.Treasury) views.Runway {
	r := views.Runway{ApprovedSat: int64(t.Approved)}
	for _, c := range t.Coins {
		switch {
		case c.ReservedBy != nil:
			r.ReservedSat += int64(c.Amount)
		case c.Lock != nil:
			r.LockedSat += int64(c.Amount)
		case c.Spendable():
			r.SpendableSat += int64(c.Amount)
		default:
			r.ImmatureSat += int64(c.Amount)
		}
	}
	r.ShortSat = max(r.ApprovedSat-r.SpendableSat, 0)
	return r
}

func (v *visit) estimate(e *fee.Estimate) views.Estimate {
	view := views.Estimate{Why: noEstimate(e, v.page.Now)}
	view.Trusted = view.Why.Key == ""
	if e == nil {
		return view
	}
	view.At, view.Height, view.Floor = e.At, int64(e.Height), money.FormatFeeRate(e.FloorSatKVB)
	for _, t := range e.Targets {
		view.Targets = append(view.Targets, views.FeeChoice{Blocks: t.Blocks, Rate: money.FormatFeeRate(t.RateSatKVB)})
	}
	for _, x := range e.Votes {
		source := views.Source{
			Name: x.Name,
			Used: x.Used,
			Why:  x.Why,
			Age:  v.page.Ago(e.At.Add(-time.Duration(x.AgeSec) * time.Second)),
		}
		for _, r := range x.RatesSatKVB {
			source.Rates = append(source.Rates, money.FormatFeeRate(r))
		}
		view.Votes = append(view.Votes, source)
	}
	return view
}

func (v *visit) breakers(list []payout.Breaker) []views.Breaker {
	var out []views.Breaker
	for _, b := range list {
		view := views.Breaker{
			ID:       b.ID,
			Code:     string(b.Code),
			At:       b.TrippedAt,
			Version:  b.Version(),
			Needed:   resetsNeeded,
			CanReset: v.by.Can(identity.PermBreakerReset),
		}
		for _, c := range b.Consents {
			view.ResetBy = append(view.ResetBy, c.Name)
			if c.StaffID == v.by.StaffID {
				view.CanReset, view.Mine = false, true
			}
		}
		for _, f := range b.Findings {
			view.Findings = append(view.Findings, views.Finding{Text: f.Detail, At: f.At})
		}
		out = append(out, view)
	}
	return out
}

// getBreakers is for those who may reset a breaker and may see nothing else of the
// treasury: admins.
func (s *Site) getBreakers(v *visit) error {
	list, err := s.cfg.Payouts.Breakers(v.ctx(), v.by)
	if err != nil {
		return err
	}
	s.liven(v)
	return v.show(http.StatusOK, views.BreakersPage(v.page, views.Breakers{List: v.breakers(list)}))
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

// plainCoin shows a coin without its batch.
func plainCoin(c payout.Coin) views.Coin {
	view := views.Coin{
		TxID:      c.OutPoint.Hash.String(),
		Vout:      int(c.OutPoint.Index),
		AmountSat: int64(c.Amount),
		At:        c.At,
		Height: int64(
			c.Height,
		),
		Confirmations: int64(c.Confirmations),
		State:         "immature",
		CanLock:       c.ReservedBy == nil && c.Lock == nil,
	}
	switch {
	case c.ReservedBy != nil:
		view.State = "reserved"
	case c.Lock != nil:
		view.State, view.Lock = "locked", &views.Lock{Reason: c.Lock.Reason, By: c.Lock.By, At: c.Lock.At}
	case c.Spendable():
		view.State = "available"
	}
	return view
}

func (s *Site) coin(v *visit, c payout.Coin) (views.Coin, error) {
	view := plainCoin(c)
	if c.ReservedBy == nil {
		return view, nil
	}
	view.Batch = batchNumber(*c.ReservedBy)
	list, _, err := s.cfg.Payouts.Batches(v.ctx(), v.by, payout.BatchFilter{Before: *c.ReservedBy + 1}, 1)
	if err != nil {
		return view, err
	}
	if len(list) == 1 && list[0].Number == *c.ReservedBy {
		view.BatchURL = "/batches/" + list[0].ID.String()
	}
	return view, nil
}

// postBreakerReset adds a person's word that a surprise is understood.
func (s *Site) postBreakerReset(v *visit) error {
	id, err := strconv.ParseInt(v.Param("id"), 10, 64)
	if err != nil {
		return errs.New(errs.NotFound, errs.CodeNotFound, "There is nothing at this address.")
	}
	version, err := strconv.ParseInt(v.posted("version"), 10, 64)
	if err != nil {
		return errs.Wrap(err, errs.Malformed, errs.CodeMalformedForm, "The form cannot be read. Nothing was saved.")
	}
	if _, err := s.cfg.Payouts.ResetBreaker(v.ctx(), v.by, id, version); err != nil {
		return err
	}
	if !v.by.Can(identity.PermTreasuryRead) {
		return v.see("/treasury/breakers")
	}
	return v.see("/treasury")
}

// walking shows where the worker is on its way, and what keeps it from going on.
func walking(n *views.Node, p *payout.Progress, birthday int32) {
	if p == nil {
		return
	}
	if p.Trouble != "" {
		n.Trouble = views.Msg{Text: p.Trouble}
	}
	const near = 3 // blocks that come while a page is read
	if p.Target-p.Walked < near {
		return
	}
	n.Target = int64(p.Target)
	n.WalkedPermille = int64(max(p.Walked-birthday, 0)) * 1000 / int64(max(p.Target-birthday, 1))
}
