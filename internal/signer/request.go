package signer

import (
	"bytes"
	"fmt"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/psbt/v2"

	"github.com/causeway-fund/causeway/internal/decision"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/wallet"
)

// A refusal is an *errs.Error of kind Conflict whose code names the rule.
func refuse(code, format string, args ...any) error {
	return errs.Newf(errs.Conflict, code, format, args...)
}

// rules is what a request is held against, apart from the journal.
type rules struct {
	params     *chaincfg.Params
	descriptor *wallet.Descriptor
	policy     Policy
	now        time.Time
}

// proposal is a request whose parts were parsed; the checks fill in the rest.
type proposal struct {
	packet  *psbt.Packet
	batch   decision.BatchNote
	notes   []decision.Note
	attempt int64
	txid    string

	in, fee btcutil.Amount
	outs    []Output
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
		return nil, refuse("bad_psbt", "The PSBT cannot be read.")
	}
	var again bytes.Buffer
	if err := packet.Serialize(&again); err != nil || !bytes.Equal(again.Bytes(), req.PSBT) {
		return nil, refuse("bad_psbt", "The PSBT is not in canonical form.")
	}
	batch, err := decision.ParseBatch([]byte(req.BatchNote))
	if err != nil {
		return nil, refuse("bad_batch_note", "The batch note cannot be read: %v.", err)
	}
	if req.BatchID != batch.Batch.String() {
		return nil, refuse("batch_mismatch", "The batch note is for another batch than the request.")
	}
	if req.AttemptNo < 0 {
		return nil, refuse("bad_attempt_no", "The attempt's number is negative.")
	}
	p := &proposal{packet: packet, batch: batch, attempt: req.AttemptNo, txid: packet.UnsignedTx.TxHash().String()}
	for i, text := range req.Decisions {
		n, err := decision.Parse([]byte(text))
		if err != nil {
			return nil, refuse("bad_decision_note", "Decision note %d cannot be read: %v.", i, err)
		}
		p.notes = append(p.notes, n)
	}
	return p, nil
}

func checkSizes(req signerrpc.Request) error {
	approvals := 0
	for _, a := range req.Approvals {
		approvals += len(a)
	}
	for _, size := range []struct {
		what     string
		got, max int
	}{
		{"bytes of PSBT", len(req.PSBT), signerrpc.MaxPSBT},
		{"bytes of batch note", len(req.BatchNote), decision.MaxBatchBytes},
		{"decision notes", len(req.Decisions), signerrpc.MaxOutputs - 1},
		{"bytes of approvals", approvals, signerrpc.MaxApprovals},
	} {
		if size.got > size.max {
			return refuse("too_large", "The request has %d %s; %d are allowed.", size.got, size.what, size.max)
		}
	}
	return nil
}

// check runs every rule that does not need the journal, in the order of the
// list, and stops at the first that refuses.
func (r rules) check(p *proposal) error {
	for _, rule := range []func(*proposal) error{
		r.checkTransaction, r.checkFields, r.checkInputs, r.checkNotes, r.checkOutputs, r.checkFee,
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
		inputs = append(inputs, fmt.Sprintf("%s:%d", in.PreviousOutPoint.Hash, in.PreviousOutPoint.Index))
	}
	return Record{
		V: recordVersion, Time: now.Unix(), Treasury: treasury, Request: request,
		Batch: p.batch.Batch.String(), Number: p.batch.Number, BatchNote: p.batch.Digest().String(),
		Attempt: p.attempt, TxID: p.txid, Inputs: inputs, Outs: p.outs, Fee: int64(p.fee),
	}
}
