package ctl

import (
	"fmt"
	"strings"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/approval"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/halt"
	"github.com/causeway-fund/causeway/internal/trust/history"
)

// signable is a note that people approve, as this program read it.
type signable struct {
	what    string // "decision"
	network decision.Network
	fund    uuid.UUID
	digest  decision.Digest
	about   decision.Digest // the application of a decision
	roles   []charter.Role  // in which it may be approved, the usual one first
	amount  btcutil.Amount  // that is typed to approve it; 0: the digest is
	quorum  func(b backing, c charter.Charter) []lack
	parts   []part
}

// readNote reads a note of any kind that people approve.
func readNote(text []byte) (signable, error) {
	header, _, _ := strings.Cut(string(text[:min(len(text), 64)]), "\n")
	kind, _, _ := strings.Cut(strings.TrimPrefix(header, "causeway/"), "/")
	read, ok := map[string]func([]byte) (signable, error){
		"decision": readDecision, "batch": readBatch, "upkeep": readUpkeep, "void": readVoid,
		"halt": readHalt, "resume": readResume, "history": readHistory,
	}[kind]
	if !ok || !strings.HasPrefix(header, "causeway/") {
		return signable{}, errs.New(errs.Invalid, CodeNotANote,
			"This file is no note that people approve: a decision, batch, upkeep, void, halt, resume or history.")
	}
	n, err := read(text)
	if err != nil {
		return signable{}, err
	}
	n.what = kind
	net, err := wallet.Params(n.network.Name)
	if err != nil {
		return signable{}, err
	}
	if n.network != decision.NetworkOf(net) {
		return signable{}, checkFailed(
			"The note is for a chain that calls itself %s but has another genesis block.",
			n.network.Name,
		)
	}
	return n, nil
}

func readDecision(text []byte) (signable, error) {
	n, err := decision.Parse(text)
	if err != nil {
		return signable{}, err
	}
	net, err := wallet.Params(n.Network.Name)
	if err == nil {
		err = n.Check(net)
	}
	if err != nil {
		return signable{}, err
	}
	return signable{
		network: n.Network,
		fund:    n.Fund,
		digest:  n.Digest(),
		about:   n.Application,
		roles:   []charter.Role{charter.Reviewer},
		amount:  n.Most(),
		quorum:  func(b backing, c charter.Charter) []lack { return b.reviewers(c, n.Most()) },
		parts:   []part{decisionWords(n), payeesPart(n)},
	}, nil
}

// decisionWords says what a decision pays, when, and in place of what.
func decisionWords(n decision.Note) part {
	amount, due := "pay "+sats(n.Most()), day(n.FirstDue)
	if n.Currency != decision.CurrencySat {
		amount = fmt.Sprintf(
			"pay at most %s: %d %s in its minor unit a period, as %s to %s",
			sats(n.Most()),
			n.Amount,
			n.Currency,
			sats(n.SatLeast),
			sats(n.SatMost),
		)
	} else if n.Periods > 1 {
		amount = fmt.Sprintf("pay %s: %s in each of %d periods", sats(n.Most()), sats(n.SatMost), n.Periods)
	}
	if n.Every != decision.Once {
		due += ", then every " + n.Every
	}
	replaces := ""
	if n.Replaces.Period > 0 {
		replaces = fmt.Sprintf("the decision %s from its period %d on", n.Replaces.Note, n.Replaces.Period)
	}
	proof := "nothing shows that the payee holds the keys of the address"
	if n.Proof.Kind != "" {
		proof = n.Proof.Kind + " " + n.Proof.Digest.String()
	}
	return record(
		"Decision", amount,
		"Due", due,
		"Payable", fmt.Sprintf("for %d days from each due date", n.PayWithinDays),
		"Instead of", replaces,
		"Address proof", proof,
		"Grant", n.Grant.String(),
		"Id", n.Decision.String(),
		"Application", n.Application.String(),
	)
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func payeesPart(n decision.Note) part {
	p := part{title: "PAYEES", header: []string{"PERIOD", "ADDRESS"}}
	for i, payee := range n.Payees {
		period := itoa(int64(i + 1))
		if len(n.Payees) == 1 {
			period = "all"
		}
		p.cells = append(p.cells, []string{period, payee.Address})
	}
	return p
}

func readBatch(text []byte) (signable, error) {
	n, err := decision.ParseBatch(text)
	if err != nil {
		return signable{}, err
	}
	net, err := wallet.Params(n.Network.Name)
	if err != nil {
		return signable{}, err
	}
	return signable{
		network: n.Network,
		fund:    n.Fund, digest: n.Digest(), roles: []charter.Role{charter.Treasurer}, amount: n.Total(),
		quorum: func(b backing, c charter.Charter) []lack { return b.treasurers(c, n.Total()) },
		parts: withRows(
			record(
				"Batch",
				fmt.Sprintf("pay %s in %s", sats(n.Total()), howMany(len(n.Payments), "payment")),
				"Number",
				itoa(int64(n.Number)),
				"From",
				fmt.Sprintf("treasury %d, until %s", n.Treasury, when(n.Until)),
				"Fee",
				fmt.Sprintf("at most %s, at most %s", sats(n.MaxFee), perVB(n.MaxFeeRateSatKVB)),
				"Id",
				n.Batch.String(),
			),
			table(
				"RATES",
				[]string{"CURRENCY", "MINOR_UNITS_A_BTC", "QUOTES"},
				n.Rates,
				func(r decision.Rate) []string {
					return []string{r.Currency, itoa(r.PerBTC), r.Quotes.String()}
				},
			),
			table(
				"PAYMENTS",
				[]string{"AMOUNT_SAT", "ADDRESS", "PERIOD", "DECISION"},
				n.Payments,
				func(p decision.Payment) []string {
					return []string{
						itoa(
							int64(p.Amount),
						),
						wallet.AddressOf(p.Script, net),
						itoa(int64(p.Period)),
						p.Decision.String(),
					}
				},
			),
		),
	}, nil
}

func readUpkeep(text []byte) (signable, error) {
	n, err := decision.ParseUpkeep(text)
	if err != nil {
		return signable{}, err
	}
	fee := "at most " + sats(n.MaxFee)
	if n.Kind != decision.UpkeepChild {
		fee += ", at most " + perVB(n.MaxFeeRateSatKVB)
	}
	return signable{
		network: n.Network,
		fund:    n.Fund, digest: n.Digest(), roles: stewards(), quorum: backing.ofStewards,
		parts: []part{
			record(
				"Upkeep",
				fmt.Sprintf(
					"%s: %s into %d of the treasury's own; it pays nobody",
					n.Kind,
					howMany(len(n.Coins), "coin"),
					n.Outputs,
				),
				"Number",
				itoa(int64(n.Number)),
				"Until",
				when(n.Until),
				"Fee",
				fee,
				"Id",
				n.Batch.String(),
			),
			table("COINS", []string{"COIN"}, n.Coins, func(op wire.OutPoint) []string { return []string{op.String()} }),
		},
	}, nil
}

func readVoid(text []byte) (signable, error) {
	n, err := decision.ParseVoid(text)
	if err != nil {
		return signable{}, err
	}
	return signable{
		network: n.Network,
		fund:    n.Fund,
		digest:  n.Digest(),
		roles:   stewards(),
		quorum:  backing.ofStewards,
		parts: []part{
			record(
				"Void",
				"take a batch back: its coins go to the treasury, and it pays nobody",
				"Batch",
				n.Batch.String(),
				"Number",
				itoa(int64(n.Number)),
				"Its note",
				n.Note.String(),
				"Until",
				when(n.Until),
				"Fee",
				"at most "+sats(n.MaxFee),
			),
		},
	}, nil
}

func readHalt(text []byte) (signable, error) {
	n, err := halt.Parse(text)
	if err != nil {
		return signable{}, err
	}
	return signable{
		network: n.Network,
		fund:    n.Fund,
		digest:  n.Digest(),
		roles:   []charter.Role{approval.Any},
		quorum:  backing.ofAnybody,
		parts:   []part{{title: "HALT", text: strings.Join(n.Words(), "\n")}},
	}, nil
}

func readResume(text []byte) (signable, error) {
	n, err := halt.ParseResume(text)
	if err != nil {
		return signable{}, err
	}
	return signable{
		network: n.Network,
		fund:    n.Fund,
		digest:  n.Digest(),
		roles:   []charter.Role{charter.Trustee},
		quorum:  backing.ofTrustees,
		parts:   []part{{title: "RESUME", text: strings.Join(n.Words(), "\n")}},
	}, nil
}

func readHistory(text []byte) (signable, error) {
	n, err := history.Parse(text)
	if err != nil {
		return signable{}, err
	}
	return signable{
		network: n.Network,
		fund:    n.Fund,
		digest:  n.Digest(),
		roles:   []charter.Role{charter.Trustee},
		quorum:  backing.ofTrustees,
		parts: []part{
			{title: "HISTORY", text: strings.Join(n.Words(), "\n")},
			table("PAID", []string{"DECISION", "PERIOD"}, n.Paid, func(p history.Payment) []string {
				return []string{p.Decision.String(), itoa(p.Period)}
			}),
		},
	}, nil
}

// stewards are the roles that second upkeep and voids.
func stewards() []charter.Role { return []charter.Role{charter.Treasurer, charter.Trustee} }
