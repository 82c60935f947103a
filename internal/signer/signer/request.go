package signer

import (
	"bytes"
	"errors"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// A refusal is an *errs.Error of kind Conflict whose code names the rule.
func refuse(code errs.Code, format string, args ...any) error {
	return errs.Newf(errs.Conflict, code, format, args...)
}

// asRefusal makes the wallet's verdict about a PSBT a refusal with the same code.
func asRefusal(err error) error {
	if e := (*errs.Error)(nil); errors.As(err, &e) {
		return refuse(e.Code, "%s", e.Message)
	}
	return err
}

// rules is what a request is held against, apart from the journal.
type rules struct {
	params     *chaincfg.Params
	descriptor *wallet.Descriptor
	policy     Policy
	fund       uuid.UUID // uuid.Nil: of any fund
	now        time.Time
}

// proposal is a request whose parts were parsed; the checks fill in the rest.
type proposal struct {
	kind    string // KindPay, KindVoid or KindUpkeep
	packet  *psbt.Packet
	prevTxs [][]byte
	attempt int64
	txid    string

	network    decision.Network
	fund       uuid.UUID
	id         uuid.UUID
	number     uint32
	note       string // batch or upkeep note
	noteDigest decision.Digest
	maxFee     btcutil.Amount
	until      time.Time // of the note that is asked for: the void note of a void

	maxRateSatKVB int64 // as people approved it; unused where anyFeeRate

	batch  decision.BatchNote  // KindPay, and KindVoid of one
	notes  []decision.Note     // KindPay
	owed   []owed              // KindPay: the payments of the batch note, proven by the notes
	upkeep decision.UpkeepNote // KindUpkeep
	void   string              // KindVoid: text of the void note

	coins   []coin // what each input spends, proven
	in, fee btcutil.Amount
	outs    []Output
}

// owed is a payment of the batch note and the note of its decision.
type owed struct {
	decision.Payment
	note decision.Note
}

// coin is an output of the treasury and where the descriptor derives its script.
type coin struct {
	prev         *wire.TxOut
	chain, index uint32
}

// parseRequest checks sizes and reads the PSBT and the notes. Each must be in
// its one canonical spelling, which leaves no room for duplicate keys, trailing
// bytes or fields that two programs read differently.
func parseRequest(req signerrpc.Request) (*proposal, error) {
	if err := checkSizes(req); err != nil {
		return nil, err
	}
	packet, err := psbt.NewFromRawBytes(bytes.NewReader(req.PSBT), false)
	if err != nil {
		return nil, refuse(wallet.CodeBadPSBT, "The PSBT cannot be read.")
	}
	var again bytes.Buffer
	if err := packet.Serialize(&again); err != nil || !bytes.Equal(again.Bytes(), req.PSBT) {
		return nil, refuse(wallet.CodeBadPSBT, "The PSBT is not in canonical form.")
	}
	p := &proposal{
		packet:  packet,
		prevTxs: req.PrevTxs,
		attempt: req.AttemptNo,
		txid:    packet.UnsignedTx.TxHash().String(),
	}
	if err := p.readBatchNote([]byte(req.BatchNote)); err != nil {
		return nil, err
	}
	if req.BatchID != p.id.String() {
		return nil, refuse(CodeBatchMismatch, "The batch note is for another batch than the request.")
	}
	if req.AttemptNo < 0 {
		return nil, refuse(CodeBadAttemptNo, "The attempt's number is negative.")
	}
	if req.Void != "" {
		if err := p.readVoid([]byte(req.Void)); err != nil {
			return nil, err
		}
	}
	if p.kind != KindPay && len(req.Decisions) > 0 {
		return nil, refuse(CodeUnexpectedDecisions, "The request pays nobody but shows decisions.")
	}
	for i, text := range req.Decisions {
		n, err := decision.Parse([]byte(text))
		if err != nil {
			return nil, refuse(CodeBadDecisionNote, "Decision note %d cannot be read: %v.", i, err)
		}
		p.notes = append(p.notes, n)
	}
	return p, nil
}

// readBatchNote reads a batch note or an upkeep note.
func (p *proposal) readBatchNote(text []byte) error {
	p.note = string(text)
	if decision.IsUpkeep(text) {
		n, err := decision.ParseUpkeep(text)
		if err != nil {
			return refuse(CodeBadBatchNote, "The upkeep note cannot be read: %v.", err)
		}
		p.kind, p.upkeep = KindUpkeep, n
		p.network, p.fund, p.id, p.number, p.noteDigest = n.Network, n.Fund, n.Batch, n.Number, n.Digest()
		p.maxRateSatKVB, p.maxFee, p.until = n.MaxFeeRateSatKVB, n.MaxFee, n.Until
		return nil
	}
	n, err := decision.ParseBatch(text)
	if err != nil {
		return refuse(CodeBadBatchNote, "The batch note cannot be read: %v.", err)
	}
	p.kind, p.batch = KindPay, n
	p.network, p.fund, p.id, p.number, p.noteDigest = n.Network, n.Fund, n.Batch, n.Number, n.Digest()
	p.maxRateSatKVB, p.maxFee, p.until = n.MaxFeeRateSatKVB, n.MaxFee, n.Until
	return nil
}

// readVoid makes the request one that takes the batch back, if the void note
// names exactly this batch.
func (p *proposal) readVoid(text []byte) error {
	n, err := decision.ParseVoid(text)
	if err != nil {
		return refuse(CodeBadVoidNote, "The void note cannot be read: %v.", err)
	}
	if n.Network != p.network || n.Fund != p.fund || n.Batch != p.id || n.Number != p.number || n.Note != p.noteDigest {
		return refuse(CodeVoidMismatch, "The void note is for another batch than the batch note.")
	}
	p.kind, p.void, p.maxFee, p.until = KindVoid, string(text), n.MaxFee, n.Until
	return nil
}

func checkSizes(req signerrpc.Request) error {
	approvals, dead, prevTxs := 0, 0, 0
	for _, raw := range req.PrevTxs {
		prevTxs += len(raw)
	}
	for _, a := range req.Approvals {
		approvals += len(a)
	}
	for _, d := range req.Dead {
		dead += len(d.Proof.Tx) + chainhash.HashSize*len(d.Proof.Branch) + len(d.Proof.Headers)
	}
	for _, size := range []struct {
		what     string
		got, max int
	}{
		{"bytes of PSBT", len(req.PSBT), signerrpc.MaxPSBT},
		{"previous transactions", len(req.PrevTxs), signerrpc.MaxInputs},
		{"bytes of previous transactions", prevTxs, signerrpc.MaxPrevTxs},
		{"bytes of batch note", len(req.BatchNote), decision.MaxBatchBytes},
		{"decision notes", len(req.Decisions), signerrpc.MaxOutputs},
		{"bytes of approvals", approvals, signerrpc.MaxApprovals},
		{"proofs", len(req.Dead), signerrpc.MaxProofs},
		{"bytes of proofs", dead, signerrpc.MaxDead},
	} {
		if size.got > size.max {
			return refuse(errs.CodeTooLarge, "The request has %d %s; %d are allowed.", size.got, size.what, size.max)
		}
	}
	return nil
}

// check runs every rule that says what the transaction is, in the order of the
// list, and stops at the first that refuses.
func (r rules) check(p *proposal) error {
	outputs := r.checkPayments
	if p.kind != KindPay {
		outputs = r.checkOwnOutputs
	}
	for _, rule := range []func(*proposal) error{
		r.checkTransaction, r.checkFields, r.checkInputs, r.checkNotes, r.checkCoins, outputs,
	} {
		if err := rule(p); err != nil {
			return err
		}
	}
	return nil
}

// record returns the journal line of a checked proposal.
func (p *proposal) record(now time.Time, treasury, request Hash) Record {
	inputs := make([]string, 0, len(p.packet.UnsignedTx.TxIn))
	for _, in := range p.packet.UnsignedTx.TxIn {
		inputs = append(inputs, in.PreviousOutPoint.String())
	}
	return Record{
		V: recordVersion, Time: now.Unix(), Treasury: treasury, Request: request,
		Batch: p.id.String(), Number: p.number, BatchNote: p.noteDigest.String(),
		Attempt: p.attempt, TxID: p.txid, Inputs: inputs, Outs: p.outs, Fee: int64(p.fee),
		Kind: p.kind, LockTime: p.packet.UnsignedTx.LockTime, Note: p.note, Void: p.void,
	}
}
