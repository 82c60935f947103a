package ctl

import (
	"fmt"
	"strings"

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
		network: n.Network, digest: n.Digest(),
		about: n.ApplicationSHA256, roles: []charter.Role{charter.Reviewer}, amount: n.Amount,
		quorum: func(b backing, c charter.Charter) []lack { return b.reviewers(c, n.Amount) },
		parts: []part{record(
			"Decision", "pay "+sats(n.Amount),
			"To", n.PayeeAddress,
			"Between", when(n.NotBefore)+" and "+when(n.NotAfter),
			"Grant", n.Grant.String(),
			"Id", n.Decision.String(),
			"Application", fmt.Sprintf("%x", n.ApplicationSHA256),
		)},
	}, nil
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
		network: n.Network, digest: n.Digest(), roles: []charter.Role{charter.Treasurer}, amount: n.Total(),
		quorum: func(b backing, c charter.Charter) []lack { return b.treasurers(c, n.Total()) },
		parts: []part{
			record(
				"Batch",
				fmt.Sprintf("pay %s in %s", sats(n.Total()), howMany(len(n.Payments), "payment")),
				"Number",
				itoa(int64(n.Number)),
				"Fee",
				fmt.Sprintf("at most %s, at most %s", sats(n.MaxFee), perVB(n.MaxFeeRateSatKVB)),
				"Id",
				n.Batch.String(),
			),
			table(
				"PAYMENTS",
				[]string{"AMOUNT_SAT", "ADDRESS", "DECISION"},
				n.Payments,
				func(p decision.Payment) []string {
					return []string{itoa(int64(p.Amount)), wallet.AddressOf(p.Script, net), p.Decision.String()}
				},
			),
		},
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
		network: n.Network, digest: n.Digest(), roles: stewards(), quorum: backing.ofStewards,
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
