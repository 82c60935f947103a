package charter

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/sshsig"
)

// Effect is what a change does to the rules.
type Effect string

// The effects.
const (
	Loosens  Effect = "loosens"  // something is allowed that was not, or it cannot be told
	Tightens Effect = "tightens" // something is not allowed that was
	Neither  Effect = "neither"
)

// Change is a difference of two charters in plain words.
type Change struct {
	Effect Effect
	Text   string
}

// Follows reports whether c is the next version after previous. Who signed it is not asked
// here. The error is Conflict with code charter_other_fund or charter_not_next.
func (c Charter) Follows(previous Charter) error {
	switch {
	case c.Network != previous.Network || c.Fund != previous.Fund:
		return errs.New(errs.Conflict, CodeOtherFund, "The two charters are of different funds or networks.")
	case c.Version != previous.Version+1:
		return errs.Newf(
			errs.Conflict,
			CodeNotNext,
			"Version %d does not follow version %d: missed versions come in turn, and none goes backwards.",
			c.Version,
			previous.Version,
		)
	case c.Previous != previous.Digest():
		return errs.Newf(
			errs.Conflict,
			CodeNotNext,
			"The charter names another version %d than this one. Two charters of one version are a fork; ask the trustees.",
			previous.Version,
		)
	}
	return nil
}

// Diff returns what changes from old to c, in the order of the text. What is the same in
// both is left out, and so are version and previous, which always change.
func Diff(old, c Charter) []Change {
	d := &differ{}
	d.head(old, c)
	d.treasuries(old, c)
	d.signers(old, c)
	d.lines(old, c)
	was := old.limitLines()
	for i, l := range c.limitLines() {
		d.number(l.what, was[i].value, l.value, " "+l.unit, Loosens)
	}
	d.people(old, c)
	d.revoked(old, c)
	return d.changes
}

type differ struct{ changes []Change }

func (d *differ) add(e Effect, format string, args ...any) {
	d.changes = append(d.changes, Change{e, fmt.Sprintf(format, args...)})
}

func opposite(e Effect) Effect {
	if e == Loosens {
		return Tightens
	}
	return Loosens
}

// number tells of a number whose growth has the effect up; unit is "" or begins with a space.
func (d *differ) number(what string, old, now int64, unit string, up Effect) {
	text := fmt.Sprintf("%s: %s%s instead of %s.", what, money.Group(now, " "), unit, money.Group(old, " "))
	switch {
	case now > old:
		d.add(up, "%s", text)
	case now < old:
		d.add(opposite(up), "%s", text)
	}
}

func (d *differ) head(old, c Charter) {
	if old.Network != c.Network || old.Fund != c.Fund {
		d.add(Loosens, "It is a charter of another fund or network.")
	}
	if old.Name != c.Name {
		d.add(Neither, "The fund is called %s instead of %s.", c.Name, old.Name)
	}
	if !old.Expires.Equal(c.Expires) {
		effect := Tightens
		if c.Expires.After(old.Expires) {
			effect = Loosens
		}
		d.add(
			effect,
			"It expires on %s instead of %s.",
			c.Expires.Format(time.RFC3339),
			old.Expires.Format(time.RFC3339),
		)
	}
	d.number("A charter that is replaced binds for a while more", old.HoldHours, c.HoldHours, " hours", Tightens)
	d.number("Trustees who have to sign a charter", old.Trustees, c.Trustees, "", Tightens)
	switch {
	case old.SoleOperator == c.SoleOperator:
	case c.Sole():
		d.add(Loosens, "One person, %s, runs this fund.", c.SoleOperator)
	default:
		d.add(Tightens, "It is no longer one person who runs this fund.")
	}
}

func (d *differ) treasuries(old, c Charter) {
	was, is := map[int64]Treasury{}, map[int64]Treasury{}
	for _, t := range old.Treasuries {
		was[t.Number] = t
	}
	for _, t := range c.Treasuries {
		is[t.Number] = t
		before, known := was[t.Number]
		switch {
		case !known:
			d.add(Loosens, "Treasury %d is new: %s", t.Number, t.Descriptor)
		case before.Descriptor != t.Descriptor:
			d.add(Loosens, "Treasury %d is another: %s instead of %s", t.Number, t.Descriptor, before.Descriptor)
		case before.Birthday != t.Birthday:
			d.add(
				Neither,
				"The birthday of treasury %d is block %d instead of %d.",
				t.Number,
				t.Birthday,
				before.Birthday,
			)
		}
	}
	for i, t := range old.Treasuries {
		if _, kept := is[t.Number]; kept {
			continue
		}
		if i == len(old.Treasuries)-1 { // an earlier one, or another, is in use from then on
			d.add(Loosens, "Treasury %d, the newest, is taken out.", t.Number)
			continue
		}
		d.add(Tightens, "Treasury %d is taken out: its coins cannot be spent.", t.Number)
	}
}

func (d *differ) signers(old, c Charter) {
	for _, s := range c.Signers {
		before := slices.IndexFunc(old.Signers, func(o Signer) bool { return o.Name == s.Name })
		switch {
		case before < 0:
			d.add(
				Loosens,
				"Signer %s is new: treasury key %s, answers with %s.",
				s.Name,
				s.Fingerprint,
				s.Key.Fingerprint(),
			)
		case old.Signers[before] != s:
			d.add(
				Loosens,
				"Signer %s is another: treasury key %s, answers with %s.",
				s.Name,
				s.Fingerprint,
				s.Key.Fingerprint(),
			)
		}
	}
	for _, s := range old.Signers {
		if !slices.ContainsFunc(c.Signers, func(n Signer) bool { return n.Name == s.Name }) {
			d.add(Tightens, "Signer %s is taken out.", s.Name)
		}
	}
}

// lines compares what each amount needs, whatever lines it is written in.
func (d *differ) lines(old, c Charter) {
	ends := []btcutil.Amount{math.MaxInt64}
	for _, l := range slices.Concat(old.Lines, c.Lines) {
		if l.UpTo != 0 {
			ends = append(ends, l.UpTo)
		}
	}
	slices.Sort(ends)
	ends = slices.Compact(ends)
	above := btcutil.Amount(0)
	for i, end := range ends {
		was, is := old.Requirement(end), c.Requirement(end)
		if i+1 < len(ends) && same(old, c, end, ends[i+1]) {
			continue // told with the next
		}
		amounts := span(above, end)
		above = end
		d.number("Reviewers for a decision "+amounts, was.Reviewers, is.Reviewers, "", Tightens)
		d.number("Reviewers by terminal for a decision "+amounts, was.ByTerminal, is.ByTerminal, "", Tightens)
		d.number("Treasurers for a decision "+amounts, was.Treasurers, is.Treasurers, "", Tightens)
	}
}

// same reports whether two amounts need the same, in both charters.
func same(old, c Charter, a, b btcutil.Amount) bool {
	equal := func(x, y Line) bool { x.UpTo, y.UpTo = 0, 0; return x == y }
	return equal(old.Requirement(a), old.Requirement(b)) && equal(c.Requirement(a), c.Requirement(b))
}

func span(above, end btcutil.Amount) string {
	switch {
	case above == 0 && end == math.MaxInt64:
		return "of any amount"
	case end == math.MaxInt64:
		return "above " + money.Group(above, " ") + " sat"
	case above == 0:
		return "up to " + money.Group(end, " ") + " sat"
	}
	return "above " + money.Group(above, " ") + " and up to " + money.Group(end, " ") + " sat"
}

func (d *differ) people(old, c Charter) {
	was := map[uuid.UUID]Person{}
	for _, p := range old.People {
		was[p.ID] = p
	}
	is := map[uuid.UUID]bool{}
	for _, p := range c.People {
		is[p.ID] = true
		before, known := was[p.ID]
		if !known {
			d.add(Loosens, "%s is new, as %s (%s).", p.Name, roleWords(p.Roles), p.ID)
		} else if before.Name != p.Name {
			d.add(Neither, "%s is called %s.", before.Name, p.Name)
		}
		for _, role := range allRoles() {
			switch {
			case known && p.Has(role) && !before.Has(role):
				d.add(Loosens, "%s becomes %s.", p.Name, role)
			case known && !p.Has(role) && before.Has(role):
				d.add(Tightens, "%s is no longer %s.", p.Name, role)
			}
		}
		keys(d, p.Name, "ssh key", before.SSH, p.SSH, sshsig.Key.Fingerprint)
		keys(d, p.Name, "passkey", before.Passkeys, p.Passkeys, Passkey.String)
	}
	for _, p := range old.People {
		if !is[p.ID] {
			d.add(Tightens, "%s, who was %s, is taken out, with every key (%s).", p.Name, roleWords(p.Roles), p.ID)
		}
	}
}

// keys tells of the keys of one person.
func keys[K comparable](d *differ, name, kind string, old, now []K, words func(K) string) {
	for _, k := range now {
		if !slices.Contains(old, k) {
			d.add(Loosens, "%s gets the %s %s", name, kind, words(k))
		}
	}
	for _, k := range old {
		if !slices.Contains(now, k) {
			d.add(Tightens, "%s loses the %s %s", name, kind, words(k))
		}
	}
}

func roleWords(roles []Role) string { return strings.ReplaceAll(rolesText(roles), ",", " and ") }

func (d *differ) revoked(old, c Charter) {
	for _, id := range c.Revoked {
		if !slices.Contains(old.Revoked, id) {
			d.add(Tightens, "Nothing that %s approved counts any more.", id)
		}
	}
	for _, id := range old.Revoked {
		if !slices.Contains(c.Revoked, id) {
			d.add(Loosens, "What %s approved counts again.", id)
		}
	}
}
