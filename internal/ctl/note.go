package ctl

import (
	"bytes"
	"encoding/hex"
	"errors"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/decision"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/wallet"
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
		return digest, checkFailed("The digest of the note is %s, but the server says %s. Do not vote; tell the fund.", digest, clean(app.DecisionDigest))
	}
	net, err := wallet.Params(note.Network.Name)
	if err != nil {
		return digest, checkFailed("The decision note cannot be trusted: %s", userText(err))
	}
	if err := note.Check(net); err != nil {
		return digest, checkFailed("The decision note cannot be trusted: %s", userText(err))
	}
	switch {
	case int64(note.Amount) != app.AmountSat:
		return digest, checkFailed("The note pays %d sat, the application asks for %d. Do not vote; tell the fund.", int64(note.Amount), app.AmountSat)
	case hex.EncodeToString(note.ApplicationSHA256[:]) != app.ApplicationSha256:
		return digest, checkFailed("The note is about another text of the application. Do not vote; tell the fund.")
	case !app.Purged && note.PayeeAddress != app.PayoutAddress:
		return digest, checkFailed("The note pays %s, the application names %s. Do not vote; tell the fund.", note.PayeeAddress, clean(app.PayoutAddress))
	}
	return digest, nil
}

// payee is a payment of a batch as its note has it.
type payee struct {
	item    client.BatchItem // who it is for, as the server says
	address string           // from the script in the note
	sat     int64
}

// checkBatch reads the note of a batch and returns it with its payees. The error
// (checks_failed) says what does not hold: the text, its digest, or that the
// server lists other payments than the note.
func checkBatch(b client.Batch) (decision.BatchNote, []payee, error) {
	note, err := decision.ParseBatch([]byte(b.Note))
	if err != nil {
		return note, nil, checkFailed("The batch note cannot be trusted: %s", userText(err))
	}
	if digest := note.Digest(); digest.String() != b.Digest {
		return note, nil, checkFailed("The digest of the note is %s, but the server says %s. Do not approve; tell the fund.", digest, clean(b.Digest))
	}
	net, err := wallet.Params(note.Network.Name)
	if err != nil {
		return note, nil, checkFailed("The batch note cannot be trusted: %s", userText(err))
	}
	if note.Network != decision.NetworkOf(net) {
		return note, nil, checkFailed("The batch note is for a chain that calls itself %s and has another genesis block. Do not approve; tell the fund.", note.Network.Name)
	}
	if note.Batch != b.Id || int64(note.Number) != b.Number || int64(note.MaxFee) != b.MaxFeeSat ||
		note.MaxFeeRateSatVB != b.MaxFeerateSatVb || int64(note.Total()) != b.TotalSat {
		return note, nil, checkFailed("The batch note is about another batch or other sums than the server shows. Do not approve; tell the fund.")
	}
	items := make(map[string]client.BatchItem, len(b.Items))
	for _, it := range b.Items {
		items[it.DecisionDigest] = it
	}
	if len(b.Items) != len(note.Payments) {
		return note, nil, checkFailed("The batch note has %d payments, the server lists %d. Do not approve; tell the fund.", len(note.Payments), len(b.Items))
	}
	payees := make([]payee, 0, len(note.Payments))
	for _, p := range note.Payments {
		it, ok := items[p.Decision.String()]
		listed, bad := wallet.ParsePayee(it.PayoutAddress, net, nil)
		if !ok || bad != nil || it.AmountSat != int64(p.Amount) || !bytes.Equal(listed.Script, p.Script) {
			return note, nil, checkFailed("The batch note pays something else for decision %s than the server lists. Do not approve; tell the fund.", p.Decision)
		}
		payees = append(payees, payee{item: it, address: wallet.AddressOf(p.Script, net), sat: int64(p.Amount)})
	}
	return note, payees, nil
}

// userText returns what err says to a person.
func userText(err error) string {
	var e *errs.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}
