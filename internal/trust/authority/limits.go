package authority

import (
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

const (
	day   = 24 * time.Hour
	month = 30 * day
)

// limit is one sum over a window of time.
type limit struct {
	code   errs.Code
	what   string
	window time.Duration
	most   btcutil.Amount
	adds   btcutil.Amount
	list   []spending
	of     func(spending) btcutil.Amount
}

func whole(sp spending) btcutil.Amount { return sp.sat }

func (s *State) checkLimits(r Release, c charter.Charter, revoked map[uuid.UUID]bool, now time.Time) error {
	var adds, passkeyOnly btcutil.Amount
	for _, p := range r.Payments {
		if s.counted[p.period()] {
			continue
		}
		adds += p.Sat
		if !s.byTerminal(p.Decision, revoked) {
			passkeyOnly += p.Sat
		}
	}
	l := c.Limits
	for _, l := range []limit{
		{CodeLimitDay, "payments", day, l.Day, adds, s.spent, whole},
		{CodeLimitMonth, "payments", month, l.Month, adds, s.spent, whole},
		{
			CodeLimitPasskeyOnly, "payments that nobody approved by ssh", day, l.PasskeyOnlyDay, passkeyOnly, s.spent,
			func(sp spending) btcutil.Amount { return sp.passkeyOnly },
		},
	} {
		if err := l.check(c.Version, now); err != nil {
			return err
		}
	}
	return nil
}

// checkFees holds what a transaction adds to the fees of the day.
func (s *State) checkFees(batch uuid.UUID, fee btcutil.Amount, binding []charter.Charter, now time.Time) error {
	for _, c := range binding {
		l := limit{CodeLimitFees, "fees", day, c.Limits.FeesDay, max(fee-s.dearest[batch], 0), s.fees, whole}
		if err := l.check(c.Version, now); err != nil {
			return err
		}
	}
	return nil
}

// byTerminal reports whether somebody who was not revoked approved a decision by ssh.
func (s *State) byTerminal(digest decision.Digest, revoked map[uuid.UUID]bool) bool {
	for person, terminal := range s.approvers[digest] {
		if terminal && !revoked[person] {
			return true
		}
	}
	return false
}

// check refuses what goes beyond the limit, and says when there is room.
func (l limit) check(version int64, now time.Time) error {
	if l.adds == 0 {
		return nil
	}
	var used btcutil.Amount
	for _, sp := range l.list {
		if sp.at.After(now.Add(-l.window)) {
			used += l.of(sp)
		}
	}
	if used+l.adds <= l.most {
		return nil
	}
	hours := int(l.window / time.Hour)
	if l.adds > l.most {
		return refuse(
			l.code,
			"This adds %d sat of %s; version %d of the charter allows %d sat in %d hours, so it never fits.",
			int64(l.adds),
			l.what,
			version,
			int64(l.most),
			hours,
		)
	}
	return refuse(
		l.code,
		"This adds %d sat of %s to the %d sat of the last %d hours; version %d of the charter allows %d sat. It fits from %s on.",
		int64(l.adds),
		l.what,
		int64(used),
		hours,
		version,
		int64(l.most),
		stamp(l.frees(used, now)),
	)
}

// frees returns when so much has left the window that the rest fits. Spendings are in the
// order of their time.
func (l limit) frees(used btcutil.Amount, now time.Time) time.Time {
	at := now
	for _, sp := range l.list {
		if used+l.adds <= l.most {
			break
		}
		if sp.at.After(now.Add(-l.window)) {
			used -= l.of(sp)
			at = sp.at.Add(l.window)
		}
	}
	return at
}
