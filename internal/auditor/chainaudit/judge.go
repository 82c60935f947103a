package chainaudit

import (
	"encoding/hex"
	"slices"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// judge holds a scan against the journals. It is used once.
type judge struct {
	scan     *scan
	journals []*journal
	net      *chaincfg.Params
	final    int32         // confirmations
	acts     *ledgerOfActs // nil: approvals are not checked
	told     map[string]bool
	// acceptLost are batches whose approval the reader knows to be lost.
	acceptLost []uint32
	report     *Report

	onChain  map[chainhash.Hash]*touch       // the scan's transactions
	records  []*record                       // of all journals, each transaction once
	byTxID   map[chainhash.Hash]*record      // the same
	payments map[Instalment][]chainhash.Hash // what confirmed transactions pay
	states   map[chainhash.Hash]string       // of waiting ones
	pairs    map[[2]chainhash.Hash]bool      // at most one of the two can confirm
	spenders map[wire.OutPoint][]*record     // who may spend a coin
}

// run writes everything into the report.
func (j *judge) run() {
	j.byTxID = map[chainhash.Hash]*record{}
	j.onChain = map[chainhash.Hash]*touch{}
	j.pairs = map[[2]chainhash.Hash]bool{}
	j.spenders = map[wire.OutPoint][]*record{}
	j.payments = map[Instalment][]chainhash.Hash{}
	j.states = map[chainhash.Hash]string{}
	j.told = map[string]bool{}
	for _, t := range j.scan.touches {
		j.onChain[t.txid] = t
	}
	j.gather()
	for _, t := range j.scan.touches {
		j.transaction(t)
	}
	j.coins()
	for _, one := range j.journals {
		j.attempts(one)
	}
	j.instalments()
	j.waiting()
	j.approvals()
}

// transaction accounts for one transaction on the chain.
func (j *judge) transaction(t *touch) {
	in, known := int64(0), 0
	for _, c := range t.prev {
		if c != nil {
			in, known = in+c.sat, known+1
		}
	}
	r := j.byTxID[t.txid]
	switch {
	case r != nil:
		j.ours(t, r, in, known)
	case known > 0:
		j.foreign(t, in)
	default:
		j.deposit(t)
	}
}

// deposit books what somebody else sent.
func (j *judge) deposit(t *touch) {
	for i, p := range t.own {
		if p == nil {
			continue
		}
		sat := t.outs[i].Value
		j.report.DepositsSat += sat
		j.report.Deposits = append(j.report.Deposits, Deposit{
			TxID: t.txid.String(), Vout: i, Height: t.height, Sat: sat, Chain: p.chain, Index: p.index,
		})
		if p.chain == change {
			f := Finding{Code: ChangeGift, TxID: t.txid.String(), Vout: &i, Height: t.height, Sat: sat}
			j.report.note(f, "Somebody else paid %d sat to change script %d; it is counted as a deposit.", sat, p.index)
		}
	}
}

// foreign books a transaction that no signer of the journals released.
func (j *judge) foreign(t *touch, in int64) {
	back := int64(0)
	for i, p := range t.own {
		if p != nil {
			back += t.outs[i].Value
		}
	}
	f := Finding{Code: ForeignSpend, TxID: t.txid.String(), Height: t.height, Sat: in - back}
	j.report.alarm(
		f,
		"Transaction %s in block %d spends %d sat of the treasury and is in no journal; %d sat came back. "+
			"Either a journal is missing or a key is in other hands.",
		t.txid,
		t.height,
		in,
		back,
	)
	// What came back beyond what was taken was brought by somebody else.
	lost, gift := max(in-back, 0), max(back-in, 0)
	j.report.LostSat += lost
	j.report.DepositsSat += gift
	j.report.Transactions = append(j.report.Transactions, Transaction{
		TxID: t.txid.String(), Height: t.height, Kind: KindForeign, InSat: in, BackSat: back, LostSat: lost,
	})
}

// ours books a journalled transaction, output by output.
func (j *judge) ours(t *touch, r *record, in int64, known int) {
	line := Transaction{
		TxID:    t.txid.String(),
		Height:  t.height,
		Kind:    r.kind,
		Batch:   r.batch,
		Number:  r.number,
		Attempt: r.attempt,
		InSat:   in,
	}
	f := r.finding()
	f.Height = t.height
	out := int64(0)
	for i, o := range t.outs {
		out += o.Value
		j.output(&line, t, r, i)
	}
	for i := len(t.outs); i < len(r.outs); i++ {
		f.Code, f.Vout = WrongPayment, &i
		f.Decision, f.Period = r.outs[i].paid.Decision, r.outs[i].paid.Period
		j.report.alarm(f, "Output %d of %s is in the journal but not on the chain.", i, t.txid)
	}
	f.Vout, f.Decision, f.Period = nil, "", 0
	if !slices.Equal(t.inputs, r.inputs) {
		f.Code = WrongInputs
		j.report.alarm(f, "Transaction %s spends other coins than the journal says.", t.txid)
	}
	line.FeeSat = in - out
	if known < len(t.inputs) {
		f.Code = UnknownInput
		j.report.alarm(
			f,
			"Transaction %s spends %d coins that are not known as the treasury's: is the birthday too late, or the gap limit "+
				"too small?",
			t.txid,
			len(t.inputs)-known,
		)
		line.FeeSat = r.fee // nobody here can say better
	} else if line.FeeSat != r.fee {
		f.Code, f.Sat = WrongFee, line.FeeSat
		j.report.alarm(f, "Transaction %s pays a fee of %d sat; the journal says %d.", t.txid, line.FeeSat, r.fee)
	}
	j.report.PaidSat += line.PaidSat
	j.report.FeesSat += line.FeeSat
	j.report.LostSat += line.LostSat
	j.report.Transactions = append(j.report.Transactions, line)
}

// output matches one output of a journalled transaction with what the journal
// says of it.
func (j *judge) output(line *Transaction, t *touch, r *record, i int) {
	got, own := t.outs[i], t.own[i]
	want := output{}
	if i < len(r.outs) {
		want = r.outs[i]
	}
	f := r.finding()
	f.Vout, f.Height, f.Sat, f.Decision, f.Period = &i, t.height, got.Value, want.paid.Decision, want.paid.Period
	pays := want.paid != (Instalment{})
	exact := want.script == string(got.PkScript) && want.sat == got.Value
	switch {
	case own != nil:
		line.BackSat += got.Value
		switch {
		case pays:
			f.Code = WrongPayment
			j.report.alarm(
				f,
				"Output %d of %s should pay %s and returns to the treasury.",
				i,
				t.txid,
				want.paid,
			)
		case own.chain != change || own.index != r.number || want.change == nil || *want.change != r.number:
			f.Code = WrongChange
			j.report.alarm(f, "Output %d of %s returns %d sat to script %d/%d; the change of batch %d belongs to 1/%d.",
				i, t.txid, got.Value, own.chain, own.index, r.number, r.number)
		case !exact:
			f.Code = WrongChange
			j.report.alarm(f, "Output %d of %s returns %d sat; the journal says %d.", i, t.txid, got.Value, want.sat)
		}
	case exact && pays:
		line.PaidSat += got.Value
		j.paid(t, r, i, want.paid)
	case pays:
		line.LostSat += got.Value
		f.Code = WrongPayment
		j.report.alarm(f, "Output %d of %s pays %d sat to %s; %s is for %d sat to %s.",
			i, t.txid, got.Value, j.payee(got.PkScript), want.paid, want.sat, j.payee([]byte(want.script)))
	default:
		line.LostSat += got.Value
		f.Code = UnmappedOutput
		j.report.alarm(
			f,
			"Output %d of %s pays %d sat to %s, which no decision names.",
			i,
			t.txid,
			got.Value,
			j.payee(got.PkScript),
		)
	}
}

// paid books a payment as approved.
func (j *judge) paid(t *touch, r *record, i int, id Instalment) {
	sat := t.outs[i].Value
	if before := j.payments[id]; len(before) > 0 {
		f := r.finding()
		f.Code, f.Decision, f.Period, f.Vout, f.Height, f.Sat = PaidTwice, id.Decision, id.Period, &i, t.height, sat
		j.report.alarm(f, "Transaction %s pays %s again, after %s.", t.txid, id, before[0])
	}
	j.payments[id] = append(j.payments[id], t.txid)
	j.report.Payments = append(j.report.Payments, Payment{
		Instalment: id,
		TxID:       t.txid.String(),
		Vout:       i,
		Height:     t.height,
		Sat:        sat,
		Batch:      r.batch,
		Number:     r.number,
	})
}

// payee names a script as people know it.
func (j *judge) payee(script []byte) string {
	if _, addrs, _, err := txscript.ExtractPkScriptAddrs(script, j.net); err == nil && len(addrs) == 1 {
		return addrs[0].EncodeAddress()
	}
	return "script " + hex.EncodeToString(script)
}

// coins lists what is unspent and draws the sum.
func (j *judge) coins() {
	for op, c := range j.scan.coins {
		j.report.UnspentSat += c.sat
		j.report.Coins = append(j.report.Coins, Coin{
			TxID: op.Hash.String(), Vout: op.Index, Height: c.height, Sat: c.sat, Chain: c.chain, Index: c.index,
		})
	}
	slices.SortFunc(j.report.Coins, func(a, b Coin) int {
		if a.Height != b.Height {
			return int(a.Height - b.Height)
		}
		return compareOutputs(a.TxID, a.Vout, b.TxID, b.Vout)
	})
	r := j.report
	r.DifferenceSat = r.DepositsSat - r.PaidSat - r.FeesSat - r.LostSat - r.UnspentSat
	if r.DifferenceSat != 0 {
		r.alarm(
			Finding{Code: DoesNotAddUp, Sat: r.DifferenceSat},
			"Deposits - paid - fees - lost is %d sat; the coins are worth %d sat.",
			r.UnspentSat+r.DifferenceSat,
			r.UnspentSat,
		)
	}
}

// spender returns the confirmed transaction, other than txid, that spends op.
func (j *judge) spender(op wire.OutPoint, txid chainhash.Hash) (spend, bool) {
	s, ok := j.scan.spent[op]
	return s, ok && s.txid != txid
}
