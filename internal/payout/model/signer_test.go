package model

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/spv"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// unit is what one satoshi of the model is worth, so that nothing is dust.
const unit = 400

// subject is what a batch is about, which its notes say.
type subject struct {
	kind  kind
	child bool
	pays  paySet
	first coinSet
}

// twin asks a real signer everything that the model's is asked.
type twin struct {
	t        *testing.T
	h        *History
	key      *signer.Key
	signer   *signer.Signer
	txs      map[uint8]*wire.MsgTx
	subjects map[uint8]subject
	verdicts map[string]int
	lost     bool // a request is about a batch that no database remembers
}

// The model's rules and those of the signer give the same verdict, request by
// request, through whole histories of real transactions, notes and proofs. Proofs
// go by own coins alone, as the signer has it.
func TestTheSignerSaysTheSame(t *testing.T) {
	t.Parallel()
	key, err := signer.NewKey(bytes.Repeat([]byte{7}, 32), wallet.KindWPKH, &chaincfg.SimNetParams)
	if err != nil {
		t.Fatal(err)
	}
	verdicts := map[string]int{}
	workers := []Fault{0, NoRecovery, ReleaseOnTimeout, ForgetReplaced, NoRecovery | ReleaseOnTimeout}
	for seed := range uint64(150) {
		h := New(Config{Depths: Tight(), Without: ShallowProof | workers[seed%uint64(len(workers))]}, &Seen{})
		w := newTwin(t, h, key, verdicts)
		h.asked = w.compare
		b := make([]byte, 4*140)
		var s [32]byte
		binary.LittleEndian.PutUint64(s[:], 1<<50|seed)
		_, _ = rand.NewChaCha8(s).Read(b) // it never fails
		h.Run(Commands(b))
		if t.Failed() {
			t.Fatalf("in history %d", seed)
		}
	}
	t.Logf("asked %v", verdicts)
	for _, v := range []Verdict{signed, wouldPayTwice, coinPromised, changeIndexReused} {
		if verdicts[v.String()] == 0 {
			t.Errorf("nothing was ever answered with %s", v)
		}
	}
}

func newTwin(t *testing.T, h *History, key *signer.Key, verdicts map[string]int) *twin {
	t.Helper()
	dir := t.TempDir()
	if shm, err := os.MkdirTemp("/dev/shm", "cwm"); err == nil { //nolint:usetesting // a journal waits for its disk at each line
		t.Cleanup(func() { _ = os.RemoveAll(shm) })
		dir = shm
	}
	path := filepath.Join(dir, "journal")
	if err := signer.CreateJournal(path); err != nil {
		t.Fatal(err)
	}
	j, err := signer.OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	s, err := signer.New(signer.Config{
		Key: key, Journal: j, Clock: clock.NewFake(today()), Program: "test", Log: slog.New(slog.DiscardHandler),
		Policy: signer.Policy{MaxFeeRateSatKVB: 10_000_000, MaxFee: 1e8, MaxFeePermille: 1000, FinalDepth: int(Tight().Final)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &twin{t: t, h: h, key: key, signer: s, txs: map[uint8]*wire.MsgTx{}, subjects: map[uint8]subject{}, verdicts: verdicts}
}

func today() time.Time { return time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC) }

func (w *twin) compare(r request, why Verdict) {
	for i := range w.h.db.batches[:w.h.db.n] {
		if b := &w.h.db.batches[i]; b.id == r.batch && b.first != 0 {
			w.subjects[r.batch] = subject{b.kind, b.child, b.pays, b.first}
		}
	}
	if _, ok := w.subjects[r.batch]; !ok || w.lost {
		w.lost = true
		return
	}
	_, err := w.signer.Sign(w.t.Context(), w.request(r))
	got := "signed"
	if err != nil {
		got = string(errs.CodeOf(err))
	}
	w.verdicts[got]++
	if got != why.String() {
		w.t.Errorf("batch %d attempt %d: the signer says %s and the model %s (%v)", r.batch, r.attempt, got, why, err)
		w.lost = true
	}
}

func (w *twin) script(chain, index uint32) []byte {
	s, err := w.key.Descriptor().Script(chain, index)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// outpoint of a coin, its transaction, and where in the descriptor it is.
func (w *twin) outpoint(c uint8) (op wire.OutPoint, prev *wire.MsgTx, chain, index uint32) {
	by := w.h.w.coins[c].by
	prev = w.tx(by)
	op = wire.OutPoint{Hash: prev.TxHash(), Index: uint32(len(prev.TxOut) - 1)}
	if w.h.w.coins[c].deposit {
		return op, prev, wallet.ChainDeposit, uint32(c)
	}
	return op, prev, wallet.ChainChange, uint32(w.h.w.txs[by].number)
}

// tx makes the model's transaction real, without signatures.
func (w *twin) tx(id uint8) *wire.MsgTx {
	if tx, ok := w.txs[id]; ok {
		return tx
	}
	x := w.h.w.txs[id]
	tx := wire.NewMsgTx(2)
	if x.deposit {
		tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Hash: chainhash.Hash{id, 1}}, nil, [][]byte{{1}}))
		tx.AddTxOut(wire.NewTxOut(unit*int64(w.h.w.coins[x.coin].sat), w.script(wallet.ChainDeposit, uint32(x.coin))))
		w.txs[id] = tx
		return tx
	}
	for s := x.ins; s != 0; s &= s - 1 {
		op, _, _, _ := w.outpoint(lowest(s))
		in := wire.NewTxIn(&op, nil, nil)
		in.Sequence = 0xfffffffd
		tx.AddTxIn(in)
	}
	for d := range payments {
		if x.pays&payBit(d) != 0 {
			tx.AddTxOut(wire.NewTxOut(unit*int64(amount(d)), payee(d)))
		}
	}
	if x.coin != noCoin {
		tx.AddTxOut(wire.NewTxOut(unit*int64(w.h.w.coins[x.coin].sat), w.script(wallet.ChainChange, uint32(x.number))))
	}
	if x.foreign {
		tx.AddTxOut(wire.NewTxOut(1000, []byte{0x51, id}))
	}
	w.txs[id] = tx
	return tx
}

func payee(d int) []byte { return append([]byte{0x00, 0x14}, bytes.Repeat([]byte{byte(d + 1)}, 20)...) }

func lastMoment() time.Time { return today().AddDate(0, 0, 6).Truncate(time.Second) }

func note(d int) decision.Note {
	return decision.Note{
		Network: decision.NetworkOf(&chaincfg.SimNetParams), Decision: uuid.UUID{15: byte(d + 1)}, Grant: uuid.UUID{0: 9, 15: byte(d + 1)},
		Currency: decision.CurrencySat, Amount: unit * int64(amount(d)), SatLeast: btcutil.Amount(unit * amount(d)), SatMost: btcutil.Amount(unit * amount(d)),
		Periods: 1, FirstDue: today().AddDate(0, 0, -7).Truncate(24 * time.Hour), Every: decision.Once, PayWithinDays: 14,
		Payees: []decision.Payee{{Script: payee(d), Address: wallet.AddressOf(payee(d), &chaincfg.SimNetParams)}},
	}
}

func (w *twin) request(r request) signerrpc.Request {
	about, network, id := w.subjects[r.batch], decision.NetworkOf(&chaincfg.SimNetParams), uuid.UUID{0: 0xba, 15: r.batch}
	req := signerrpc.Request{BatchID: id.String(), AttemptNo: int64(r.attempt)}
	req.PSBT, req.PrevTxs = w.packet(r)
	var digest decision.Digest
	if about.kind == upkeep {
		n := decision.UpkeepNote{
			Network: network, Batch: id, Number: uint32(r.number), Kind: decision.UpkeepConsolidate, Outputs: 1,
			Until: lastMoment(), MaxFeeRateSatKVB: 5_000_000, MaxFee: 1e7,
		}
		if about.child {
			n.Kind, n.MaxFeeRateSatKVB = decision.UpkeepChild, 0
		}
		for s := about.first; s != 0; s &= s - 1 {
			op, _, _, _ := w.outpoint(lowest(s))
			n.Coins = append(n.Coins, op)
		}
		req.BatchNote, digest = string(n.Encode()), n.Digest()
	} else {
		n := decision.BatchNote{Network: network, Batch: id, Number: uint32(r.number), Until: lastMoment(), MaxFeeRateSatKVB: 5_000_000, MaxFee: 1e7}
		for d := range payments {
			if about.pays&payBit(d) != 0 {
				dn := note(d)
				n.Payments = append(n.Payments, decision.Payment{Decision: dn.Digest(), Period: 1, Script: payee(d), Amount: dn.SatMost})
				if r.kind != void {
					req.Decisions = append(req.Decisions, string(dn.Encode()))
				}
			}
		}
		req.BatchNote, digest = string(n.Encode()), n.Digest()
	}
	if r.kind == void {
		v := decision.VoidNote{Network: network, Batch: id, Number: uint32(r.number), Note: digest, Until: lastMoment(), MaxFee: 1e7}
		req.Void = string(v.Encode())
	}
	req.Dead = w.proofs(r)
	return req
}

// packet makes the PSBT of a request, with the previous transactions beside it.
func (w *twin) packet(r request) (raw []byte, prevTxs [][]byte) {
	packet, err := psbt.NewFromUnsignedTx(w.tx(r.tx).Copy())
	if err != nil {
		w.t.Fatal(err)
	}
	i := 0
	for s := w.h.w.txs[r.tx].ins; s != 0; s &= s - 1 {
		op, prev, chain, index := w.outpoint(lowest(s))
		packet.Inputs[i].NonWitnessUtxo, packet.Inputs[i].WitnessUtxo = prev, prev.TxOut[op.Index]
		if err := w.key.Descriptor().AddInputFields(&packet.Inputs[i], chain, index); err != nil {
			w.t.Fatal(err)
		}
		i++
	}
	if w.h.w.txs[r.tx].coin != noCoin {
		if err := w.key.Descriptor().AddOutputFields(&packet.Outputs[len(packet.Outputs)-1], wallet.ChainChange, uint32(r.number)); err != nil {
			w.t.Fatal(err)
		}
	}
	bare, prevTxs, err := wallet.TakePrevTxs(packet)
	if err != nil {
		w.t.Fatal(err)
	}
	var b bytes.Buffer
	if err := bare.Serialize(&b); err != nil {
		w.t.Fatal(err)
	}
	return b.Bytes(), prevTxs
}

// proofs shows, for each released transaction that the request calls dead, the
// one in its place.
func (w *twin) proofs(r request) []signerrpc.DeadProof {
	var all []signerrpc.DeadProof
	final := w.h.w.deep(r.tip, Tight().Final)
	for s := r.dead & w.h.journal.has; s != 0; s &= s - 1 {
		old := lowest(s)
		for has := final.has; has != 0; has &= has - 1 {
			x := w.h.w.txs[lowest(has)]
			if lowest(has) == old || x.ins&w.h.w.txs[old].ins == 0 || x.pays&w.h.w.txs[r.tx].pays != 0 {
				continue
			}
			all = append(all, signerrpc.DeadProof{TxID: w.tx(old).TxHash().String(), Proof: w.mined(w.tx(lowest(has)))})
			break
		}
	}
	return all
}

func (w *twin) mined(tx *wire.MsgTx) spv.Inclusion {
	base := wire.NewMsgTx(2)
	base.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&chainhash.Hash{}, 0xffffffff), []byte{1, 2}, nil))
	base.AddTxOut(wire.NewTxOut(5e9, []byte{0x51}))
	block := &wire.MsgBlock{Transactions: []*wire.MsgTx{base, tx}}
	block.Header = mineHeader(chainhash.Hash{9}, spv.Root(base.TxHash(), 0, []chainhash.Hash{tx.TxHash()}))
	var on []wire.BlockHeader
	last := block.Header.BlockHash()
	for range Tight().Final - 1 {
		on = append(on, mineHeader(last, chainhash.Hash{8}))
		last = on[len(on)-1].BlockHash()
	}
	p, err := spv.Prove(block, 1, on)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func mineHeader(prev, root chainhash.Hash) wire.BlockHeader {
	h := wire.BlockHeader{Version: 4, PrevBlock: prev, MerkleRoot: root, Bits: chaincfg.SimNetParams.PowLimitBits}
	for {
		hash := h.BlockHash()
		for i := range len(hash) / 2 {
			hash[i], hash[len(hash)-1-i] = hash[len(hash)-1-i], hash[i]
		}
		if new(big.Int).SetBytes(hash[:]).Cmp(chaincfg.SimNetParams.PowLimit) <= 0 {
			return h
		}
		h.Nonce++
	}
}
