package grant

import (
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/prose"
	"github.com/causeway-fund/causeway/internal/review/fund"
)

// Limits on what an operator may write, in characters.
const (
	MaxTitle     = 120
	MaxNarrative = 6000
	MinNarrative = 20
	MaxContact   = 200
	MaxMessage   = 4000
)

// Proposal is what an operator sends.
type Proposal struct {
	Title         string           `json:"title"`
	Narrative     string           `json:"narrative"`
	Contact       string           `json:"contact"`
	Endpoints     []claim.Endpoint `json:"endpoints"`
	Region        string           `json:"region"`
	Language      string           `json:"language"`
	AmountSat     int64            `json:"amount_sat"`
	PayoutAddress string           `json:"payout_address"`
}

// normalise trims what people leave at the ends.
func (p Proposal) normalise() Proposal {
	for _, s := range []*string{&p.Title, &p.Narrative, &p.Contact} {
		*s = prose.Tidy(*s)
	}
	for _, s := range []*string{&p.PayoutAddress, &p.Region, &p.Language} {
		*s = strings.TrimSpace(*s)
	}
	p.Endpoints = claim.Normalise(p.Endpoints)
	return p
}

// validate returns every field that breaks a rule of the fund, those of the claims
// included, and the payee when the address holds.
func (p Proposal) validate(f fund.Fund, c claim.Claims, isTreasury func([]byte) bool) (wallet.Payee, []errs.Field) {
	var bad []errs.Field
	add := func(field string, code errs.Code, message string) {
		bad = append(bad, errs.Field{Field: field, Code: code, Message: message})
	}
	text := func(field, value string, r prose.Rule) {
		if f := prose.Check(field, value, r); f != nil {
			bad = append(bad, *f)
		}
	}
	text("title", p.Title, prose.Rule{Min: 3, Max: MaxTitle})
	text("narrative", p.Narrative, prose.Rule{Min: MinNarrative, Max: MaxNarrative, Lines: true})
	text("contact", p.Contact, prose.Rule{Max: MaxContact})
	if !isRegion(p.Region) {
		add("region", CodeUnknownRegion, "Choose the country that your users are in, or \"other\".")
	}
	if !isLanguage(p.Language) {
		add("language", CodeUnknownLanguage, "Choose the language of your application, for example \"en\".")
	}
	bad = append(bad, c.Refused()...)

	params, err := f.Params()
	if err != nil {
		add("payout_address", CodeNoNetwork, "The fund's network is not known to this program.")
		return wallet.Payee{}, bad
	}
	payee, field := wallet.PayeeRules{AllowFutureWitness: f.FutureWitness}.Parse(p.PayoutAddress, params, isTreasury)
	if field != nil {
		bad = append(bad, *field)
	}
	bad = append(bad, validateAmount(btcutil.Amount(p.AmountSat), f, payee.Script)...)
	return payee, bad
}

func validateAmount(amt btcutil.Amount, f fund.Fund, script []byte) []errs.Field {
	one := func(code errs.Code, message string, limit btcutil.Amount) []errs.Field {
		return []errs.Field{
			{
				Field:   "amount_sat",
				Code:    code,
				Message: message,
				Params:  map[string]string{"limit_sat": itoa(int(limit))},
			},
		}
	}
	switch dust := wallet.DustLimit(script); {
	case amt <= 0:
		return one(money.CodeNotPositive, "The amount must be more than zero.", 0)
	case len(script) > 0 && amt < dust:
		return one(
			CodeDust,
			"The amount is dust: nodes do not relay less than "+money.Group(dust, " ")+" sat to this kind of address.",
			dust,
		)
	case amt < f.MinAmount:
		return one(CodeBelowMinimum, "The fund pays "+money.Group(f.MinAmount, " ")+" sat or more.", f.MinAmount)
	case amt > f.MaxAmount:
		return one(
			CodeAboveLimit,
			"The fund pays at most "+money.Group(f.MaxAmount, " ")+" sat for one application.",
			f.MaxAmount,
		)
	}
	return nil
}
