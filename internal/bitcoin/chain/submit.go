package chain

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/chain/btcdrpc"
	"github.com/causeway-fund/causeway/internal/errs"
)

// Verdict says what the node made of a transaction. None of them says that the
// transaction can no longer confirm.
type Verdict string

// The verdicts.
const (
	Accepted     Verdict = "accepted"      // taken into the node's mempool just now
	AlreadyKnown Verdict = "already_known" // in the node's mempool before; not relayed again
	AlreadyMined Verdict = "already_mined" // in a block, and at least one output is unspent
	Refused      Verdict = "refused"       // this node will not relay it now; another may have, and it may have been mined
	Unknown      Verdict = "unknown"       // reply lost, or one that fits a paid transaction as well as a conflict
)

// Outcome is the answer to Submit.
type Outcome struct {
	Verdict Verdict
	Code    int    // btcd's error code, or 0
	Reason  string // btcd's words or the transport's, for logs and staff pages
}

// Held reports whether the node has the transaction.
func (o Outcome) Held() bool {
	return o.Verdict == Accepted || o.Verdict == AlreadyKnown || o.Verdict == AlreadyMined
}

// Submit sends a signed transaction, given as its bytes, unless the node says
// that it pays more than maxFeeRateSatKVB (above 0).
// An error means that nothing was sent: bad arguments, a node that is down or of
// another network. Whatever may have reached the node is an Outcome.
func (c *Client) Submit(ctx context.Context, raw []byte, maxFeeRateSatKVB int64) (Outcome, error) {
	if maxFeeRateSatKVB <= 0 {
		return Outcome{}, errs.New(
			errs.Invalid,
			CodeNoFeeCap,
			"A transaction is never sent without a cap on its feerate.",
		)
	}
	tx := new(wire.MsgTx)
	r := bytes.NewReader(raw)
	if err := tx.Deserialize(r); err != nil || r.Len() != 0 {
		return Outcome{}, errs.Wrap(err, errs.Invalid, CodeBadTransaction, "These bytes are not one transaction.")
	}
	if err := c.checkNetwork(ctx); err != nil {
		return Outcome{}, err
	}
	text := hex.EncodeToString(raw)
	if over, err := c.overFeeCap(ctx, text, maxFeeRateSatKVB); err != nil || over != nil {
		return deref(over), err
	}
	var txid string
	err := c.rpc.Call(ctx, &txid, "sendrawtransaction", text)
	if err == nil && txid != tx.TxHash().String() {
		return Outcome{Verdict: Unknown, Reason: "btcd answered with the id " + txid}, nil
	}
	return classify(err), nil
}

// overFeeCap asks the node to measure the fee, which only it can, since it has
// the coins. The rest of its verdict is left to sendrawtransaction: the two do
// not agree on free relay, and a transaction that is known is refused here.
func (c *Client) overFeeCap(ctx context.Context, text string, maxFeeRateSatKVB int64) (*Outcome, error) {
	maxBTCPerKVB := btcutil.Amount(maxFeeRateSatKVB).ToBTC()
	var verdicts []struct {
		Reason string `json:"reject-reason"`
	}
	if err := c.rpc.Call(ctx, &verdicts, "testmempoolaccept", []string{text}, maxBTCPerKVB); err != nil {
		return nil, c.explain(err)
	}
	if len(verdicts) == 1 && verdicts[0].Reason == "max-fee-exceeded" {
		return &Outcome{Verdict: Refused, Reason: "it pays more than the cap on the feerate; it was not sent"}, nil
	}
	return nil, nil // not over the cap, and no error
}

func deref(o *Outcome) Outcome {
	if o == nil {
		return Outcome{}
	}
	return *o
}

// classify reads btcd's answer to sendrawtransaction. Only codes decide, but for
// the one -26 that means success: -25 is the same for a stolen input and for a
// transaction whose outputs were all spent since it confirmed.
func classify(err error) Outcome {
	var answer *btcdrpc.Error
	switch {
	case err == nil:
		return Outcome{Verdict: Accepted}
	case !errors.As(err, &answer):
		return Outcome{Verdict: Unknown, Reason: err.Error()}
	}
	o := Outcome{Verdict: Unknown, Code: answer.Code, Reason: answer.Message}
	switch answer.Code {
	case codeTxInChain:
		o.Verdict = AlreadyMined
	case codeBadTx:
		o.Verdict = Refused
	case codeTxRejected:
		o.Verdict = Refused
		if strings.Contains(answer.Message, "already have transaction in mempool") {
			o.Verdict = AlreadyKnown
		}
	}
	return o
}
