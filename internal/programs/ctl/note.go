package ctl

import (
	"bytes"
	"errors"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// checkDecision reads the decision note of an application and returns its
// digest, computed from the text. The error (checks_failed) says what does not
// hold: the text is no canonical note, the server names another digest, or the
// note pays somebody or something else than the application says.
func checkDecision(app client.Application) (decision.Digest, error) {
	note, err := decision.Parse([]byte(app.DecisionNote))
	if err != nil {
		return decision.Digest{}, checkFailed("The decision note cannot be trusted: %s", userText(err))
	}
	digest := note.Digest()
	if digest.String() != app.DecisionDigest {
		return digest, checkFailed(
			"The digest of the note is %s, but the server says %s. Do not vote; tell the fund.",
			digest,
			clean(app.DecisionDigest),
		)
	}
	net, err := wallet.Params(note.Network.Name)
	if err != nil {
		return digest, checkFailed("The decision note cannot be trusted: %s", userText(err))
	}
	if err := note.Check(net); err != nil {
		return digest, checkFailed("The decision note cannot be trusted: %s", userText(err))
	}
	switch {
	case note.Currency != decision.CurrencySat || note.Periods != 1 || note.Replaces.Period != 0:
		return digest, checkFailed(
			"The note pays %d times, in %s, which the application does not ask for. Do not vote; tell the fund.",
			note.Periods,
			note.Currency,
		)
	case note.Amount != app.AmountSat:
		return digest, checkFailed(
			"The note pays %d sat, the application asks for %d. Do not vote; tell the fund.",
			note.Amount,
			app.AmountSat,
		)
	case note.Application.String() != app.ApplicationSha256:
		return digest, checkFailed("The note is about another text of the application. Do not vote; tell the fund.")
	case !app.Purged && note.Payee(1).Address != app.PayoutAddress:
		return digest, checkFailed(
			"The note pays %s, the application names %s. Do not vote; tell the fund.",
			note.Payee(1).Address,
			clean(app.PayoutAddress),
		)
	}
	return digest, nil
}

// payee is a payment of a batch as its note has it.
type payee struct {
	item    client.BatchItem // who it is for, as the server says
	address string           // from the script in the note
	sat     int64
}

// checked is what the note of a batch releases.
type checked struct {
	digest  decision.Digest
	network decision.Network
	number  uint32
	total   btcutil.Amount
	maxFee  btcutil.Amount
	maxRate int64
	fund    uuid.UUID
	until   time.Time
	payees  []payee
	upkeep  *decision.UpkeepNote // nil for a batch that pays people
}

// checkNote reads the note of a batch and returns what it releases. The error
// (checks_failed) says what does not hold: the text, its digest, or that the
// server lists something else than the note.
func checkNote(b client.Batch) (checked, error) {
	if decision.IsUpkeep([]byte(b.Note)) {
		return checkUpkeep(b)
	}
	note, err := decision.ParseBatch([]byte(b.Note))
	if err != nil {
		return checked{}, checkFailed("The batch note cannot be trusted: %s", userText(err))
	}
	out := checked{
		digest:  note.Digest(),
		network: note.Network,
		number:  note.Number,
		total:   note.Total(),
		maxFee:  note.MaxFee,
		maxRate: note.MaxFeeRateSatKVB,
		fund:    note.Fund,
		until:   note.Until,
	}
	net, err := out.against(b, note.Batch)
	if err != nil {
		return out, err
	}
	if b.Kind != payoutKind || int64(out.total) != b.TotalSat {
		return out, checkFailed(otherSums)
	}
	out.payees, err = checkPayees(b, note, net)
	return out, err
}

const (
	payoutKind = "payout"
	otherSums  = "The batch note is about another batch or other sums than the server shows. Do not approve; tell " +
		"the fund."
)

// anyRate reports whether the note bounds no feerate: a child pays for its parent.
func (n checked) anyRate() bool { return n.upkeep != nil && n.upkeep.Kind == decision.UpkeepChild }

// against compares what all notes have with what the server says of the batch.
func (n checked) against(b client.Batch, id uuid.UUID) (*chaincfg.Params, error) {
	if n.digest.String() != b.Digest {
		return nil, checkFailed(
			"The digest of the note is %s, but the server says %s. Do not approve; tell the fund.",
			n.digest,
			clean(b.Digest),
		)
	}
	net, err := checkNetwork(n.network)
	if err != nil {
		return nil, err
	}
	if id != b.Id || int64(n.number) != b.Number || int64(n.maxFee) != b.MaxFeeSat || !n.until.Equal(b.Until) ||
		!n.anyRate() && n.maxRate != b.MaxFeerateSatKvb {
		return nil, checkFailed(otherSums)
	}
	return net, nil
}

func checkNetwork(n decision.Network) (*chaincfg.Params, error) {
	net, err := wallet.Params(n.Name)
	if err != nil {
		return nil, checkFailed("The batch note cannot be trusted: %s", userText(err))
	}
	if n != decision.NetworkOf(net) {
		return nil, checkFailed(
			"The batch note is for a chain that calls itself %s but has another genesis block. Do not approve; tell the fund.",
			n.Name,
		)
	}
	return net, nil
}

func checkPayees(b client.Batch, note decision.BatchNote, net *chaincfg.Params) ([]payee, error) {
	type owed struct {
		digest string
		period int
	}
	items := make(map[owed]client.BatchItem, len(b.Items))
	for _, it := range b.Items {
		items[owed{it.DecisionDigest, int(it.Period)}] = it
	}
	if len(b.Items) != len(note.Payments) {
		return nil, checkFailed(
			"The batch note has %d payments, the server lists %d. Do not approve; tell the fund.",
			len(note.Payments),
			len(b.Items),
		)
	}
	payees := make([]payee, 0, len(note.Payments))
	for _, p := range note.Payments {
		it, ok := items[owed{p.Decision.String(), p.Period}]
		listed, bad := wallet.ParsePayee(it.PayoutAddress, net, nil)
		if !ok || bad != nil || it.AmountSat != int64(p.Amount) || !bytes.Equal(listed.Script, p.Script) {
			return nil, checkFailed(
				"The batch note pays something else for period %d of decision %s than the server lists. Do not approve; tell the fund.",
				p.Period,
				p.Decision,
			)
		}
		payees = append(payees, payee{item: it, address: wallet.AddressOf(p.Script, net), sat: int64(p.Amount)})
	}
	return payees, nil
}

// checkUpkeep is checkNote for a batch that pays nobody.
func checkUpkeep(b client.Batch) (checked, error) {
	note, err := decision.ParseUpkeep([]byte(b.Note))
	if err != nil {
		return checked{}, checkFailed("The upkeep note cannot be trusted: %s", userText(err))
	}
	out := checked{
		digest:  note.Digest(),
		network: note.Network,
		number:  note.Number,
		maxFee:  note.MaxFee,
		maxRate: note.MaxFeeRateSatKVB,
		fund:    note.Fund,
		until:   note.Until,
		upkeep:  &note,
	}
	if _, err := out.against(b, note.Batch); err != nil {
		return out, err
	}
	if note.Kind != string(b.Kind) || len(b.Items) > 0 || b.TotalSat != 0 {
		return out, checkFailed(
			"The note is for %s and pays nobody, the server shows something else. Do not approve; tell the fund.",
			note.Kind,
		)
	}
	return out, nil
}

// checkVoid reads the void note of a batch whose own note holds.
func checkVoid(b client.Batch, own checked) (decision.VoidNote, error) {
	if b.Void == nil {
		return decision.VoidNote{}, errs.New(
			errs.Conflict,
			errs.CodeWrongState,
			"Nobody has asked to take this batch back.",
		)
	}
	note, err := decision.ParseVoid([]byte(b.Void.Note))
	if err != nil {
		return note, checkFailed("The void note cannot be trusted: %s", userText(err))
	}
	if note.Digest().String() != b.Void.Digest {
		return note, checkFailed(
			"The digest of the void note is %s, but the server says %s. Do not approve; tell the fund.",
			note.Digest(),
			clean(b.Void.Digest),
		)
	}
	if note.Network != own.network || note.Fund != own.fund || note.Batch != b.Id || note.Number != own.number ||
		note.Note != own.digest ||
		note.MaxFee != own.maxFee {
		return note, checkFailed(
			"The void note is about another batch or other limits than the batch's own note. Do not approve; tell the fund.",
		)
	}
	return note, nil
}

// userText returns what err says to a person.
func userText(err error) string {
	var e *errs.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}
