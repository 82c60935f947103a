package recovery

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// waitError says what a lost line has to wait for.
type waitError struct{ what string }

func (w *waitError) Error() string { return "waits: " + w.what }

// lostError says why a line cannot be rebuilt at all.
type lostError struct{ why string }

func (l *lostError) Error() string { return "cannot be rebuilt: " + l.why }

func never(format string, args ...any) error { return &lostError{fmt.Sprintf(format, args...)} }

// lostLine is a line of a signer's journal, as far as it is needed here.
type lostLine struct {
	V         int      `json:"v"`
	Prev      string   `json:"prev"`
	Seq       int64    `json:"seq"`
	Time      int64    `json:"time"` // Unix seconds
	Treasury  string   `json:"treasury"`
	Batch     string   `json:"batch"`
	Number    uint32   `json:"number"`
	BatchNote string   `json:"batch_note"` // digest
	Attempt   int      `json:"attempt"`
	TxID      string   `json:"txid"`
	Inputs    []string `json:"inputs"` // txid:vout
	Outs      []struct {
		Script string  `json:"script"`
		Sat    int64   `json:"sat"`
		Period int     `json:"period"`
		Note   string  `json:"note"` // digest of the decision note; empty for change
		Change *uint32 `json:"change"`
	} `json:"outs"`
	Fee      int64  `json:"fee"`
	Kind     string `json:"kind"`
	LockTime uint32 `json:"lock_time"`
	Note     string `json:"note"`
	Void     string `json:"void"`

	txid   chainhash.Hash
	batch  uuid.UUID
	inputs []wire.OutPoint
}

// isAct reports whether a line is an act of authority: a charter, an accepted decision, a
// halt. It releases nothing, and a signer takes it in again from whoever made it.
func (l lostLine) isAct() bool {
	return l.Treasury == "" && l.TxID == "" && l.Kind != ""
}

// lineVersion is the version of a line that is known.
const lineVersion = 3

// parseLine reads a line.
func parseLine(text string) (lostLine, error) {
	var l lostLine
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		return l, errors.New("is not a record")
	}
	if l.isAct() {
		return l, nil
	}
	if l.V != lineVersion {
		return l, errors.New("has an unknown version")
	}
	txid, err := chainhash.NewHashFromStr(l.TxID)
	if err != nil || txid.String() != l.TxID {
		return l, errors.New("has no txid")
	}
	l.txid = *txid
	if l.batch, err = uuid.Parse(l.Batch); err != nil {
		return l, errors.New("has no batch")
	}
	for _, in := range l.Inputs {
		op, err := wire.NewOutPointFromString(in)
		if err != nil {
			return l, errors.New("has an input that is not an outpoint")
		}
		l.inputs = append(l.inputs, *op)
	}
	if len(l.inputs) == 0 || len(l.Outs) == 0 || l.Fee <= 0 {
		return l, errors.New("has no transaction")
	}
	if l.Number > math.MaxInt32 || l.Attempt < 0 || l.Attempt > math.MaxInt32 {
		return l, errors.New("has a number that is out of range")
	}
	return l, nil
}

// unsigned makes the transaction of the line again.
func (l lostLine) unsigned() (*wire.MsgTx, error) {
	tx := wire.NewMsgTx(2)
	tx.LockTime = l.LockTime
	for _, op := range l.inputs {
		in := wire.NewTxIn(&op, nil, nil)
		in.Sequence = wire.MaxTxInSequenceNum - 2 // replaceable (BIP 125)
		tx.AddTxIn(in)
	}
	for _, o := range l.Outs {
		script, err := hex.DecodeString(o.Script)
		if err != nil {
			return nil, never("its journal line has a script that is not hex.")
		}
		tx.AddTxOut(wire.NewTxOut(o.Sat, script))
	}
	if tx.TxHash() != l.txid {
		return nil, never("its journal line does not reproduce the transaction.")
	}
	return tx, nil
}

// instalments returns what the batch of the line pays.
func (l lostLine) instalments() ([]decision.Instalment, error) {
	if decision.IsUpkeep([]byte(l.Note)) {
		return nil, nil
	}
	note, err := decision.ParseBatch([]byte(l.Note))
	if err != nil {
		return nil, never("its journal line has a batch note that cannot be read.")
	}
	list := make([]decision.Instalment, len(note.Payments))
	for i, p := range note.Payments {
		list[i] = p.Instalment()
	}
	return list, nil
}

// paid returns what an output of the line pays, unless the batch of the line does not.
func (l lostLine) paid(out int, owed []decision.Instalment) (decision.Instalment, error) {
	d, err := decision.ParseDigest(l.Outs[out].Note)
	paid := decision.Instalment{Note: d, Period: l.Outs[out].Period}
	if err != nil || !slices.Contains(owed, paid) {
		return decision.Instalment{}, never("an output of it is in no note of its batch.")
	}
	return paid, nil
}
