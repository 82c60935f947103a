package charter

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

const (
	mainnet         = "mainnet"
	maxVersion      = 1_000_000
	maxHoldHours    = 90 * 24 // longer, and nobody can set a wrong charter right
	minMainnetHold  = 24
	maxFeeRate      = 10_000_000
	maxName         = 80
	maxShortName    = 40
	fewestReviewers = 2
	fewestTrustees  = 2
)

// fault is a rule that a charter breaks, and the line where it does.
type fault struct {
	code errs.Code
	line string // how the line begins
	text string // what follows "Line 7 of the charter "
}

func (f *fault) stands(line string) bool {
	return line == f.line || strings.HasPrefix(line, f.line+" ")
}

func broken(code errs.Code, line, format string, args ...any) *fault {
	return &fault{code, line, fmt.Sprintf(format, args...)}
}

// check returns the first rule that c breaks, or nil.
func (c Charter) check() *fault {
	for _, rule := range []func(Charter) *fault{
		Charter.checkHead, Charter.checkPeople, Charter.checkKeys, Charter.checkSole, Charter.checkTrustees,
		Charter.checkTreasuries, Charter.checkSigners, Charter.checkLines, Charter.checkLimits,
	} {
		if f := rule(c); f != nil {
			return f
		}
	}
	return nil
}

func (c Charter) checkHead() *fault {
	net, err := wallet.Params(c.Network.Name)
	switch {
	case err != nil:
		return broken(CodeNetwork, "network", "names no network of Bitcoin")
	case c.Network != decision.NetworkOf(net):
		return broken(CodeNetwork, "network", "names another genesis block than that of %s", net.Name)
	case !isName(c.Name, maxName):
		return broken(CodeMalformed, "name", "needs a name of 1 to %d characters, without spaces around it", maxName)
	case c.Version < 1 || c.Version > maxVersion:
		return broken(CodeMalformed, "version", "needs a version from 1 to %d", maxVersion)
	case (c.Version == 1) != (c.Previous == decision.Digest{}):
		return broken(
			CodePrevious,
			"previous",
			"does not fit the version: version 1 has none, and a later one the digest of the one before it",
		)
	case c.HoldHours > maxHoldHours:
		return broken(CodeHold, "hold_hours", "makes every change wait for more than %d hours", maxHoldHours)
	case !c.Sole() && c.Network.Name == mainnet && c.HoldHours < minMainnetHold:
		return broken(
			CodeMainnetHold,
			"hold_hours",
			"has a hold of less than %d hours, which mainnet needs",
			minMainnetHold,
		)
	}
	return nil
}

func isName(s string, most int) bool { return s != "" && len(s) <= most && strings.TrimSpace(s) == s }

func (c Charter) checkPeople() *fault {
	names := map[string]bool{}
	for i, p := range c.People {
		line, name := "person "+p.ID.String(), strings.ToLower(p.Name)
		switch {
		case i > 0 && !less(c.People[i-1].ID, p.ID):
			return broken(CodeOrder, line, "is not in the order of people's ids, or one stands twice")
		case !rolesInOrder(p.Roles):
			return broken(CodePerson, line, "needs roles of trustee, reviewer and treasurer, in this order")
		case !isName(p.Name, maxShortName) || names[name]:
			return broken(CodePerson, line, "needs a name of 1 to %d characters that no other person has", maxShortName)
		case !c.Sole() && p.Has(Reviewer) && p.Has(Treasurer):
			return broken(CodeReviewerAndTreasurer, line, "makes one person reviewer and treasurer")
		case p.Has(Trustee) && len(p.SSH) == 0:
			return broken(
				CodeTrusteeWithoutSSH,
				line,
				"has a trustee without an ssh key; charters are signed by ssh only",
			)
		case len(p.SSH)+len(p.Passkeys) == 0:
			return broken(CodePerson, line, "has a person without a key")
		}
		names[name] = true
	}
	for i, id := range c.Revoked {
		line := "revoked " + id.String()
		switch {
		case i > 0 && !less(c.Revoked[i-1], id):
			return broken(CodeOrder, line, "is not in the order of ids, or one stands twice")
		case slices.ContainsFunc(c.People, func(p Person) bool { return p.ID == id }):
			return broken(CodeRevoked, line, "revokes a person who is listed above")
		}
	}
	return nil
}

func less(a, b uuid.UUID) bool { return cmp.Less(a.String(), b.String()) }

// rolesInOrder reports whether roles are some of all roles, each once and in their order.
func rolesInOrder(roles []Role) bool {
	last := -1
	for _, r := range roles {
		at := slices.Index(allRoles(), r)
		if at <= last {
			return false
		}
		last = at
	}
	return len(roles) > 0
}

// checkSole holds a charter of one person to what the word says.
func (c Charter) checkSole() *fault {
	switch {
	case !c.Sole():
		return nil
	case len(c.People) != 1 || c.People[0].ID != c.SoleOperator || len(c.People[0].Roles) != len(allRoles()):
		return broken(
			CodeSoleOperator,
			"sole_operator",
			"needs exactly that one person in the charter, as trustee, reviewer and treasurer",
		)
	case c.Trustees != 1:
		return broken(CodeSoleOperator, "trustees", "has to be 1 beside sole_operator")
	}
	for _, l := range c.Lines {
		if l.Reviewers != 1 || l.Treasurers != 1 || l.ByTerminal > 1 {
			return broken(CodeSoleOperator, l.start(), "asks for other numbers than 1 beside sole_operator")
		}
	}
	return nil
}

func (c Charter) checkTrustees() *fault {
	switch listed := int64(len(c.With(Trustee))); {
	case c.Sole():
		return nil
	case c.Trustees < fewestTrustees:
		return broken(CodeTrusteesFew, "trustees", "lets fewer than %d trustees sign a charter", fewestTrustees)
	case c.Trustees >= listed:
		return broken(
			CodeTrusteesSpare,
			"trustees",
			"asks for %d trustees, and %d are listed. List at least one more than have to sign, or one lost key ends the fund",
			c.Trustees,
			listed,
		)
	}
	return nil
}

func (c Charter) checkTreasuries() *fault {
	if len(c.Treasuries) == 0 {
		return broken(CodeTreasury, "trustees", "is not followed by a treasury")
	}
	seen := map[string]bool{}
	for i, t := range c.Treasuries {
		line := fmt.Sprintf("treasury %d", t.Number)
		d, err := c.descriptor(t)
		switch {
		case i > 0 && c.Treasuries[i-1].Number >= t.Number:
			return broken(CodeOrder, line, "is not in rising order, or one stands twice")
		case err != nil:
			return broken(CodeTreasury, line, "has a descriptor that cannot be used on this network, with its checksum")
		case d.String() != t.Descriptor:
			return broken(CodeTreasury, line, "has a descriptor in another spelling than %s", d)
		case seen[t.Descriptor]:
			return broken(CodeTreasury, line, "has a descriptor that another treasury has")
		case t.Birthday > math.MaxInt32:
			return broken(CodeTreasury, line, "has a birthday that is not the height of a block")
		}
		seen[t.Descriptor] = true
		if k, _ := d.Threshold(); !c.Sole() && c.Network.Name == mainnet && (d.Kind() != wallet.KindWSH || k < 2) {
			return broken(
				CodeMainnetTreasury,
				line,
				"is not wsh(sortedmulti(k,...)) with a k of 2 or more, which mainnet needs",
			)
		}
	}
	return nil
}

func (c Charter) descriptor(t Treasury) (*wallet.Descriptor, error) {
	net, err := wallet.Params(c.Network.Name)
	if err != nil {
		return nil, err
	}
	return wallet.ParseChecksummed(t.Descriptor, net)
}

func (c Charter) checkSigners() *fault {
	newest, known := []string{}, []string{}
	for _, t := range c.Treasuries {
		d, err := c.descriptor(t)
		if err != nil {
			return broken(CodeTreasury, "treasury", "has a descriptor that cannot be used")
		}
		newest = d.Fingerprints()
		known = append(known, newest...)
	}
	taken, inUse := map[string]bool{}, false
	for i, s := range c.Signers {
		line := "signer " + s.Name
		switch {
		case i > 0 && c.Signers[i-1].Name >= s.Name:
			return broken(CodeOrder, line, "is not in the order of signers' names, or one stands twice")
		case !isName(s.Name, maxShortName):
			return broken(CodeSigner, line, "needs a name of 1 to %d characters", maxShortName)
		case s.Key.Application != "":
			return broken(CodeKey, line, "gives a signer a security key, which a program cannot touch")
		case !slices.Contains(known, s.Fingerprint):
			return broken(CodeSigner, line, "names a treasury key that is in no treasury")
		case taken[s.Fingerprint]:
			return broken(CodeSigner, line, "has a treasury key that another signer has")
		}
		taken[s.Fingerprint] = true
		inUse = inUse || slices.Contains(newest, s.Fingerprint)
	}
	if !inUse {
		last := c.Treasuries[len(c.Treasuries)-1]
		return broken(
			CodeNoSigner,
			fmt.Sprintf("treasury %d", last.Number),
			"has no signer, so nothing could be paid from it",
		)
	}
	return nil
}

// start is how the line of l begins.
func (l Line) start() string { return fmt.Sprintf("approve_up_to_sat %d", int64(l.UpTo)) }

func (c Charter) checkLines() *fault {
	if len(c.Lines) == 0 {
		return broken(CodeLines, "signer", "is not followed by a line approve_up_to_sat")
	}
	if last := c.Lines[len(c.Lines)-1]; last.UpTo != 0 {
		return broken(
			CodeLines,
			last.start(),
			"has an end; the last line of approvals is approve_up_to_sat 0, without end",
		)
	}
	for i, l := range c.Lines {
		if l.UpTo > money.MaxSat || i < len(c.Lines)-1 && l.UpTo == 0 {
			return broken(CodeLines, l.start(), "has an amount that only the last line may have, or nobody")
		}
		if i > 0 && !rises(c.Lines[i-1], l) {
			return broken(
				CodeLines,
				l.start(),
				"does not rise: amounts rise from line to line, and people do not become fewer",
			)
		}
		if f := c.checkLine(l); f != nil {
			return f
		}
	}
	return nil
}

func rises(a, b Line) bool {
	return (b.UpTo == 0 || a.UpTo < b.UpTo) && a.Reviewers <= b.Reviewers && a.ByTerminal <= b.ByTerminal &&
		a.Treasurers <= b.Treasurers
}

func (c Charter) checkLine(l Line) *fault {
	reviewers := c.With(Reviewer)
	terminals := slices.DeleteFunc(slices.Clone(reviewers), func(p Person) bool { return len(p.SSH) == 0 })
	treasurers := c.With(Treasurer)
	switch {
	case !c.Sole() && l.Reviewers < fewestReviewers:
		return broken(CodeReviewersFew, l.start(), "asks for fewer than %d reviewers", fewestReviewers)
	case !c.Sole() && l.Treasurers < 1:
		return broken(CodeTreasurersFew, l.start(), "asks for no treasurer")
	case l.ByTerminal == 0 && c.Limits.PasskeyOnlyDay == 0:
		return broken(
			CodeByTerminal,
			l.start(),
			"asks for nobody by terminal while limit_passkey_only_day_sat is 0, so that what it allows could not be paid",
		)
	case l.ByTerminal > l.Reviewers:
		return broken(CodeLines, l.start(), "asks for more reviewers by terminal than reviewers")
	case l.Reviewers > int64(len(reviewers)):
		return broken(CodeLineUnmet, l.start(), "asks for %d reviewers, and %d are listed", l.Reviewers, len(reviewers))
	case l.ByTerminal > int64(len(terminals)):
		return broken(
			CodeLineUnmet,
			l.start(),
			"asks for %d reviewers by terminal, and %d have an ssh key",
			l.ByTerminal,
			len(terminals),
		)
	case l.Treasurers > int64(len(treasurers)):
		return broken(
			CodeLineUnmet,
			l.start(),
			"asks for %d treasurers, and %d are listed",
			l.Treasurers,
			len(treasurers),
		)
	}
	return nil
}

func (c Charter) checkLimits() *fault {
	most := map[string]int64{"fee_max_feerate_sat_kvb": maxFeeRate, "fee_max_permille": 1000}
	for _, l := range c.limitLines() {
		least, top := int64(1), cmp.Or(most[l.name], int64(money.MaxSat))
		if l.name == "limit_passkey_only_day_sat" {
			least = 0
		}
		if l.value < least || l.value > top {
			return broken(CodeLimit, l.name, "needs a number from %d to %d", least, top)
		}
	}
	return nil
}

// Requirement is what a decision of an amount needs.
func (c Charter) Requirement(amount btcutil.Amount) Line {
	for _, l := range c.Lines {
		if l.UpTo == 0 || amount <= l.UpTo {
			return l
		}
	}
	return Line{} // a charter that Parse accepted has a last line
}
