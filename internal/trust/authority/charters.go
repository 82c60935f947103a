package authority

import (
	"slices"
	"time"

	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/sshsig"
)

// Newest returns the newest charter; false when there is none.
func (s *State) Newest() (charter.Charter, bool) {
	if len(s.versions) == 0 {
		return charter.Charter{}, false
	}
	return s.versions[len(s.versions)-1].charter, true
}

// Binding returns the charters that bind at a moment, the newest last: it, and each replaced
// one for its own hold more. A hold stands still while all is halted. A pinned charter binds
// alone once the holds of those before it are over, halted or not: it is the way out.
func (s *State) Binding(at time.Time) []charter.Charter {
	var list []charter.Charter
	for i, v := range s.versions {
		if i == len(s.versions)-1 || s.holds(i, at) {
			list = append(list, v.charter)
		}
	}
	return list
}

// holds reports whether replaced version i still binds.
func (s *State) holds(i int, at time.Time) bool {
	hold := time.Duration(s.versions[i].charter.HoldHours) * time.Hour
	if s.running(s.versions[i+1].at, at) >= hold {
		return false
	}
	for _, later := range s.versions[i+1:] {
		if later.pinned && at.Sub(later.at) >= hold {
			return false
		}
	}
	return true
}

// BindsAlone returns when the newest charter binds alone, as things stand: false while all
// is halted, since holds stand still, unless the charter was pinned.
func (s *State) BindsAlone(at time.Time) (time.Time, bool) {
	alone, still := at, s.stopped()
	for i := range max(len(s.versions)-1, 0) {
		if !s.holds(i, at) {
			continue
		}
		v, next := s.versions[i], s.versions[i+1]
		hold := time.Duration(v.charter.HoldHours) * time.Hour
		end := at.Add(hold - s.running(next.at, at))
		pinned := false
		for _, later := range s.versions[i+1:] {
			if by := later.at.Add(hold); later.pinned && (still || by.Before(end)) {
				end, pinned = by, true
			}
		}
		if still && !pinned {
			return time.Time{}, false
		}
		if end.After(alone) {
			alone = end
		}
	}
	return alone, true
}

// CheckCharter judges whether a charter may be taken in: whether it follows the newest one and
// enough trustees signed its text by ssh, of its own list and of that of every charter that
// binds. Nobody asks whether it or the one before has expired: an expired charter judges its
// successor still. A charter that was taken in is told by known, without an error.
func (s *State) CheckCharter(text []byte, signatures [][]byte, t Times) (c charter.Charter, known bool, err error) {
	c, err = charter.Parse(text)
	if err != nil {
		return charter.Charter{}, false, err
	}
	newest, ok := s.Newest()
	if !ok {
		return charter.Charter{}, false, refuse(
			CodeNoCharter,
			"There is no charter here yet that this one could follow.",
		)
	}
	if c.Network != s.network || c.Fund != s.fund {
		return charter.Charter{}, false, refuse(CodeOtherFund, "The charter is of another fund or network.")
	}
	if known, err := s.placed(c, newest); known || err != nil {
		return c, known, err
	}
	return c, false, checkSigned(c, signatures, append(s.Binding(t.Begins), c), t)
}

// CheckFirst judges the first charter that a State is told: whether it is of the fund and the
// trustees whom it lists signed it. It may be of any version: what was restored from a backup
// begins with the newest one.
func (s *State) CheckFirst(text []byte, signatures [][]byte, t Times) (charter.Charter, error) {
	c, err := charter.Parse(text)
	if err != nil {
		return charter.Charter{}, err
	}
	if c.Network != s.network || c.Fund != s.fund {
		return charter.Charter{}, refuse(CodeOtherFund, "The charter is of another fund or network.")
	}
	return c, checkSigned(c, signatures, []charter.Charter{c}, t)
}

// checkSigned asks for the trustees of each of the charters.
func checkSigned(c charter.Charter, signatures [][]byte, asked []charter.Charter, t Times) error {
	if c.Expires.After(t.Begins.Add(charter.MaxLife)) {
		return refuse(CodeCharterLongLived,
			"The charter would be valid until %s, for more than 400 days.", stamp(c.Expires))
	}
	signers, err := signersOf(c.Encode(), signatures)
	if err != nil {
		return err
	}
	for _, of := range asked {
		if among, _ := of.TrusteesAmong(signers); int64(len(among)) < of.Trustees {
			return refuse(
				CodeCharterUnsigned,
				"%d of the %d trustees that version %d asks for signed the charter.",
				len(among),
				of.Trustees,
				of.Version,
			)
		}
	}
	return nil
}

// placed reports whether c is one of the charters here, and refuses what is not the next one.
func (s *State) placed(c, newest charter.Charter) (known bool, err error) {
	digest, sameVersion := c.Digest(), false
	for _, v := range s.chain() {
		if v.digest == digest {
			return true, nil
		}
		sameVersion = sameVersion || v.charter.Version == c.Version
	}
	switch {
	case sameVersion:
		return false, fork(c.Version)
	case c.Version < newest.Version:
		return false, refuse(
			CodeCharterOld,
			"Version %d of the charter is older than the first one known here.",
			c.Version,
		)
	case c.Version > newest.Version+1:
		return false, refuse(CodeCharterGap,
			"Version %d of the charter cannot be taken in before version %d. Hand in the versions in turn.",
			c.Version, newest.Version+1)
	case c.Previous != newest.Digest():
		return false, fork(newest.Version)
	}
	return false, nil
}

// chain returns the versions from the last pinned one on: a pin leaves behind what was there.
func (s *State) chain() []version {
	for i, v := range slices.Backward(s.versions) {
		if v.pinned {
			return s.versions[i:]
		}
	}
	return s.versions
}

func fork(version int64) error {
	return refuse(
		CodeCharterFork,
		"There are two charters of version %d. Nothing is paid by either until the trustees say which one holds.",
		version,
	)
}

// signersOf returns the keys whose signatures over text are there. One that does not hold
// refuses the charter: no honest person sent it.
func signersOf(text []byte, signatures [][]byte) ([]sshsig.Key, error) {
	keys := make([]sshsig.Key, 0, len(signatures))
	for _, armored := range signatures {
		signature, err := sshsig.Parse(armored)
		if err != nil {
			return nil, err
		}
		if err := signature.Verify(text); err != nil {
			return nil, err
		}
		keys = append(keys, signature.Key)
	}
	return keys, nil
}

// AddCharter takes a charter in: as the next one, as the first, or, pinned, after whatever
// was there.
func (s *State) AddCharter(c charter.Charter, at time.Time, pinned bool) {
	s.versions = append(s.versions, version{c, c.Digest(), at, pinned})
}

// InUse returns the treasury that pays: the last one that stands in all charters that bind.
func (s *State) InUse(at time.Time) (charter.Treasury, bool) {
	binding := s.Binding(at)
	if len(binding) == 0 {
		return charter.Treasury{}, false
	}
	for _, t := range slices.Backward(binding[len(binding)-1].Treasuries) {
		everywhere := !slices.ContainsFunc(binding, func(c charter.Charter) bool { return !has(c, t) })
		if everywhere {
			return t, true
		}
	}
	return charter.Treasury{}, false
}

func has(c charter.Charter, t charter.Treasury) bool {
	return slices.ContainsFunc(c.Treasuries, func(o charter.Treasury) bool {
		return o.Number == t.Number && o.Descriptor == t.Descriptor
	})
}

// Fees returns the strictest caps of the charters that bind: feerate in sat/kvB, fee of a
// transaction, and thousandths of its payments.
func (s *State) Fees(at time.Time) (limits charter.Limits, ok bool) {
	for i, c := range s.Binding(at) {
		if i == 0 {
			limits = c.Limits
			continue
		}
		limits.FeeRateSatKVB = min(limits.FeeRateSatKVB, c.Limits.FeeRateSatKVB)
		limits.Fee = min(limits.Fee, c.Limits.Fee)
		limits.FeePermille = min(limits.FeePermille, c.Limits.FeePermille)
	}
	return limits, len(s.versions) > 0
}

// valid returns the charters that bind, unless one has expired.
func (s *State) valid(t Times) ([]charter.Charter, error) {
	binding := s.Binding(t.Begins)
	if len(binding) == 0 {
		return nil, refuse(CodeNoCharter, "There is no charter here yet.")
	}
	for _, c := range binding {
		if !t.Ends.Before(c.Expires) {
			return nil, refuse(
				CodeCharterExpired,
				"Version %d of the charter expired at %s. The trustees have to sign a new one.",
				c.Version,
				stamp(c.Expires),
			)
		}
	}
	return binding, nil
}

// knows holds the charter that an approval names against the ones here. An older one than the
// first here, or the same, is fine.
func (s *State) knows(version int64, digest decision.Digest) error {
	newest, _ := s.Newest()
	if version > newest.Version {
		return refuse(
			CodeCharterBehind,
			"Somebody approved by version %d of the charter, and the newest one here is version %d. Hand in the newer one first.",
			version,
			newest.Version,
		)
	}
	other := false
	for _, v := range s.versions {
		if v.digest == digest {
			return nil
		}
		other = other || v.charter.Version == version
	}
	if other {
		return fork(version)
	}
	return nil
}
