package authority_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/authority"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/halt"
)

func signed(text []byte, by ...human) [][]byte {
	var list [][]byte
	for _, h := range by {
		list = append(list, h.sign(text))
	}
	return list
}

func same(*charter.Charter) {}

func TestACharterIsTakenIn(t *testing.T) {
	t.Parallel()
	p, one := everybody(t), first(t)
	two := next(one, same)
	replaced := next(one, func(c *charter.Charter) { // Ada and Lin leave, Vera and Ron become trustees
		without(c, p.ada)
		without(c, p.lin)
		for i := range c.People {
			if c.People[i].ID == p.vera.ID || c.People[i].ID == p.ron.ID {
				c.People[i].Roles = []charter.Role{charter.Trustee, charter.Reviewer}
			}
		}
	})
	twice := p.ada
	for name, test := range map[string]struct {
		charter charter.Charter
		by      []human
		at      time.Duration
		want    errs.Code
	}{
		"signed by two of three":             {two, []human{p.ada, p.lin}, time.Hour, ""},
		"signed by one":                      {two, []human{p.ada}, time.Hour, authority.CodeCharterUnsigned},
		"signed by one twice":                {two, []human{p.ada, twice}, time.Hour, authority.CodeCharterUnsigned},
		"signed by nobody":                   {two, nil, time.Hour, authority.CodeCharterUnsigned},
		"signed by reviewers":                {two, []human{p.vera, p.ron}, time.Hour, authority.CodeCharterUnsigned},
		"new trustees alone":                 {replaced, []human{p.vera, p.ron}, time.Hour, authority.CodeCharterUnsigned},
		"old trustees alone":                 {replaced, []human{p.ada, p.lin}, time.Hour, authority.CodeCharterUnsigned},
		"old and new trustees":               {replaced, []human{p.ada, p.noor, p.vera}, time.Hour, ""},
		"after the old one expired":          {next(one, func(c *charter.Charter) { c.Expires = start.AddDate(2, 0, 0) }), []human{p.ada, p.lin}, 366 * 24 * time.Hour, ""},
		"already expired":                    {next(one, func(c *charter.Charter) { c.Expires = start }), []human{p.ada, p.lin}, time.Hour, ""},
		"valid for too long":                 {next(one, func(c *charter.Charter) { c.Expires = start.AddDate(0, 0, 401) }), []human{p.ada, p.lin}, time.Hour, authority.CodeCharterLongLived},
		"a version missing":                  {next(two, same), []human{p.ada, p.lin}, time.Hour, authority.CodeCharterGap},
		"another first version before":       {next(next(one, func(c *charter.Charter) { c.Version, c.Previous, c.Name = 0, one.Previous, "x" }), func(c *charter.Charter) { c.Version = 2 }), []human{p.ada, p.lin}, time.Hour, authority.CodeCharterFork},
		"another fund":                       {next(one, func(c *charter.Charter) { c.Fund = uuid.New() }), []human{p.ada, p.lin}, time.Hour, authority.CodeOtherFund},
		"another first version":              {func() charter.Charter { c := one; c.Name = "Other"; return c }(), []human{p.ada, p.lin}, time.Hour, authority.CodeCharterFork},
		"one key beside that counts already": {two, []human{p.ada, p.lin, {Person: p.noor.Person, key: p.ada.key}}, time.Hour, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := under(one).CheckCharter(test.charter.Encode(), signed(test.charter.Encode(), test.by...), after(test.at))
			want(t, err, test.want)
		})
	}
	t.Run("a signature over another text", func(t *testing.T) {
		t.Parallel()
		_, _, err := under(one).CheckCharter(two.Encode(), append(signed(two.Encode(), p.ada, p.lin), p.noor.sign(one.Encode())), after(0))
		want(t, err, "sshsig_wrong")
	})
	t.Run("known", func(t *testing.T) {
		t.Parallel()
		s := under(one, two)
		for _, c := range []charter.Charter{one, two} {
			if _, known, err := s.CheckCharter(c.Encode(), nil, after(0)); !known || err != nil {
				t.Errorf("version %d: known %v, %v", c.Version, known, err)
			}
		}
		older := one // of a version that was replaced
		older.Name = "Other"
		_, _, err := s.CheckCharter(older.Encode(), signed(older.Encode(), p.ada, p.lin), after(0))
		want(t, err, authority.CodeCharterFork)
		other := next(one, func(c *charter.Charter) { c.HoldHours = 49 })
		_, _, err = s.CheckCharter(other.Encode(), signed(other.Encode(), p.ada, p.lin), after(0))
		want(t, err, authority.CodeCharterFork)
	})
	t.Run("older than the first here", func(t *testing.T) {
		t.Parallel()
		_, _, err := under(two).CheckCharter(one.Encode(), nil, after(0))
		want(t, err, authority.CodeCharterOld)
	})
	t.Run("none yet", func(t *testing.T) {
		t.Parallel()
		_, _, err := under().CheckCharter(one.Encode(), nil, after(0))
		want(t, err, authority.CodeNoCharter)
	})
}

// TestTrusteesOfEveryCharterThatBinds: while version 1 binds beside version 2, version 3
// needs the trustees of all three.
func TestTrusteesOfEveryCharterThatBinds(t *testing.T) {
	t.Parallel()
	p, one := everybody(t), first(t)
	two := next(one, func(c *charter.Charter) {
		without(c, p.ada)
		c.People[2].Roles = []charter.Role{charter.Trustee, charter.Reviewer} // Vera
	})
	three := next(two, func(c *charter.Charter) { c.HoldHours = 24 })
	s := under(one, two)
	check := func(at time.Duration, by ...human) error {
		_, _, err := s.CheckCharter(three.Encode(), signed(three.Encode(), by...), after(at))
		return err
	}
	want(t, check(48*time.Hour, p.lin, p.vera), authority.CodeCharterUnsigned) // version 1 has one of them
	want(t, check(48*time.Hour, p.lin, p.noor), "")
	want(t, check(49*time.Hour, p.lin, p.vera), "") // version 1 binds no longer
}

func versions(list []charter.Charter) []int64 {
	out := []int64{}
	for _, c := range list {
		out = append(out, c.Version)
	}
	return out
}

func TestHolds(t *testing.T) {
	t.Parallel()
	one := first(t)
	two := next(one, func(c *charter.Charter) { c.HoldHours = 24 })
	three := next(two, same)
	all := halting("halt", decision.Digest{})
	for name, test := range map[string]struct {
		make func() *authority.State
		at   time.Duration
		want []int64
	}{
		"one alone":                 {func() *authority.State { return under(one) }, 0, []int64{1}},
		"both during the hold":      {func() *authority.State { return under(one, two) }, 48*time.Hour + 59*time.Minute, []int64{1, 2}},
		"the new one after it":      {func() *authority.State { return under(one, two) }, 49 * time.Hour, []int64{2}},
		"three at once":             {func() *authority.State { return under(one, two, three) }, 3 * time.Hour, []int64{1, 2, 3}},
		"the short hold ends first": {func() *authority.State { return under(one, two, three) }, 26 * time.Hour, []int64{1, 3}},
		"a clock that went back":    {func() *authority.State { return under(one, two) }, -time.Hour, []int64{1, 2}},
		"a halt of all stops the hold": {func() *authority.State {
			s := under(one, two)
			s.AddHalt(all, uuid.New(), start.Add(2*time.Hour))
			return s
		}, 1000 * time.Hour, []int64{1, 2}},
		"a halt of a note does not": {func() *authority.State {
			s := under(one, two)
			h := all
			h.Halts = note("x")
			s.AddHalt(h, uuid.New(), start.Add(2*time.Hour))
			return s
		}, 49 * time.Hour, []int64{2}},
		"the host's halt stops it":  {func() *authority.State { s := under(one, two); s.AddHostHalt(true, start.Add(2*time.Hour)); return s }, 1000 * time.Hour, []int64{1, 2}},
		"it goes on after a resume": {func() *authority.State { s := halfHalted(one, two, all); return s }, 58 * time.Hour, []int64{1, 2}},
		"and ends by what had run":  {func() *authority.State { s := halfHalted(one, two, all); return s }, 59 * time.Hour, []int64{2}},
		"a pin binds alone in the end": {func() *authority.State {
			s := under(one)
			s.AddCharter(two, start.Add(time.Hour), true)
			s.AddHalt(all, uuid.New(), start.Add(2*time.Hour))
			return s
		}, 49 * time.Hour, []int64{2}},
		"a pin waits for the hold, too": {func() *authority.State { s := under(one); s.AddCharter(two, start.Add(time.Hour), true); return s }, 48 * time.Hour, []int64{1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := versions(test.make().Binding(start.Add(test.at))); !equal(got, test.want) {
				t.Errorf("versions %v bind, want %v", got, test.want)
			}
		})
	}
}

// halfHalted was halted for ten hours of the hold of 48.
func halfHalted(one, two charter.Charter, all halt.Note) *authority.State {
	s := under(one, two)
	s.AddHalt(all, uuid.New(), start.Add(2*time.Hour))
	s.AddResume(resuming([]uuid.UUID{all.ID}), start.Add(12*time.Hour))
	return s
}

func equal(a, b []int64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// TestBindsAloneIsWhenItSays: what pages say of the end of the holds is what Binding does.
func TestBindsAloneIsWhenItSays(t *testing.T) {
	t.Parallel()
	one := first(t)
	two := next(one, func(c *charter.Charter) { c.HoldHours = 24 })
	all := halting("halt", decision.Digest{})
	pinned := under(one)
	pinned.AddCharter(two, start.Add(time.Hour), true)
	pinned.AddHalt(all, uuid.New(), start.Add(2*time.Hour))
	for name, s := range map[string]*authority.State{
		"two": under(one, two), "three": under(one, two, next(two, same)), "half halted": halfHalted(one, two, all), "pinned and halted": pinned,
	} {
		for _, hours := range []int{13, 20, 40, 100} {
			now := start.Add(time.Duration(hours) * time.Hour)
			at, ok := s.BindsAlone(now)
			if !ok || len(s.Binding(at)) != 1 || at.After(now) && len(s.Binding(at.Add(-time.Second))) == 1 {
				t.Errorf("%s, after %d h: binds alone at %v (%v), but %v bind then", name, hours, at, ok, versions(s.Binding(at)))
			}
		}
	}
	halted := under(one, two)
	halted.AddHalt(all, uuid.New(), start.Add(2*time.Hour))
	if at, ok := halted.BindsAlone(start.Add(3 * time.Hour)); ok {
		t.Errorf("while all is halted it would bind alone at %v", at)
	}
}

func TestTheTreasuryInUseStandsInAllThatBind(t *testing.T) {
	t.Parallel()
	one := first(t)
	newer := charter.Treasury{Number: 1, Descriptor: "another", Birthday: 7}
	two := next(one, func(c *charter.Charter) { c.Treasuries = append(c.Treasuries[:1:1], newer) })
	s := under(one, two)
	for at, number := range map[time.Duration]int64{48 * time.Hour: 0, 49 * time.Hour: 1} {
		if in, ok := s.InUse(start.Add(at)); !ok || in.Number != number {
			t.Errorf("after %v treasury %d (%v) is in use, want %d", at, in.Number, ok, number)
		}
	}
	if _, ok := under(one, next(one, func(c *charter.Charter) { c.Treasuries = []charter.Treasury{newer} })).InUse(start.Add(time.Hour)); ok {
		t.Error("a treasury is in use that one of the charters lacks")
	}
}

func TestFeesAreTheStrictestThatBind(t *testing.T) {
	t.Parallel()
	one := first(t)
	two := next(one, func(c *charter.Charter) {
		c.Limits.Fee, c.Limits.FeePermille, c.Limits.FeeRateSatKVB = 9_000, 10, 70_000
	})
	got, _ := under(one, two).Fees(start.Add(2 * time.Hour))
	if got.Fee != 8_000 || got.FeePermille != 10 || got.FeeRateSatKVB != 60_000 {
		t.Errorf("caps %+v", got)
	}
	if got, _ := under(one, two).Fees(start.Add(49 * time.Hour)); got.Fee != 9_000 || got.FeeRateSatKVB != 70_000 {
		t.Errorf("after the hold, caps %+v", got)
	}
}
