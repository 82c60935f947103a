package signer_test

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// now is the time at which tests sign; the notes of newDraft are valid a week
// before and after its day.
func now() time.Time { return time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC) }

// tb is what *testing.T and *rapid.T share.
type tb interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// newKey returns the same key each time; one of wsh is the first of the three of
// sharedKeys.
func newKey(t tb, kind wallet.Kind) *signer.Key {
	t.Helper()
	if kind == wallet.KindWSH {
		return sharedKeys(t)[0]
	}
	key, err := signer.NewKey(bytes.Repeat([]byte{7}, 32), kind, &chaincfg.SimNetParams)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sharedKeys are the keys of a 2-of-3 treasury.
func sharedKeys(t tb) []*signer.Key {
	t.Helper()
	seed := func(i int) []byte { return bytes.Repeat([]byte{byte(7 + i)}, 32) }
	var expressions []string
	for i := range 3 {
		e, err := wallet.KeyExpression(seed(i), wallet.KindWSH, &chaincfg.SimNetParams)
		if err != nil {
			t.Fatal(err)
		}
		expressions = append(expressions, e)
	}
	d, err := wallet.MultisigDescriptor(2, expressions, &chaincfg.SimNetParams)
	if err != nil {
		t.Fatal(err)
	}
	keys := make([]*signer.Key, 3)
	for i := range keys {
		if keys[i], err = signer.NewSharedKey(seed(i), d.String(), &chaincfg.SimNetParams); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

// newSigner returns a signer with the journal at path, which it creates.
func newSigner(t *testing.T, key *signer.Key, path string, clk clock.Clock) *signer.Signer {
	t.Helper()
	if err := signer.CreateJournal(path); err != nil {
		t.Fatal(err)
	}
	s, closeJournal := openSigner(t, key, path, clk)
	t.Cleanup(closeJournal)
	return s
}

func openSigner(t tb, key *signer.Key, path string, clk clock.Clock) (*signer.Signer, func()) {
	t.Helper()
	return openSignerWith(t, key, path, clk, signer.Policy{
		MinFeeRateSatKVB: 1_000, MaxFeeRateSatKVB: 100_000, MaxFee: 50_000, MaxFeePermille: 50, FinalDepth: testDepth,
	})
}

func openSignerWith(t tb, key *signer.Key, path string, clk clock.Clock, policy signer.Policy) (*signer.Signer, func()) {
	t.Helper()
	j, err := signer.OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := signer.New(signer.Config{
		Key: key, Journal: j, Clock: clk, Program: "test", Log: slog.New(slog.DiscardHandler), Policy: policy,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, func() { _ = j.Close() }
}

func freshSigner(t *testing.T, kind wallet.Kind) *signer.Signer {
	t.Helper()
	return newSigner(t, newKey(t, kind), filepath.Join(t.TempDir(), "journal"), fakeClock())
}

// coin is an output of the treasury that a draft spends.
type coin struct {
	prev         *wire.MsgTx
	vout         uint32
	chain, index uint32
}

// newCoin makes a deposit; different numbers give different transactions.
func newCoin(t tb, d *wallet.Descriptor, number uint32, amount btcutil.Amount) coin {
	t.Helper()
	script, err := d.Script(wallet.ChainDeposit, number)
	if err != nil {
		t.Fatal(err)
	}
	var from chainhash.Hash
	binary.LittleEndian.PutUint32(from[:], number)
	prev := wire.NewMsgTx(2)
	prev.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&from, 3), nil, [][]byte{{1, 2, 3}}))
	prev.AddTxOut(wire.NewTxOut(1234, []byte{0x51}))
	prev.AddTxOut(wire.NewTxOut(int64(amount), script))
	return coin{prev: prev, vout: 1, chain: wallet.ChainDeposit, index: number}
}

// payeeScript is a P2WPKH script that nobody's key is known for.
func payeeScript(number byte) []byte {
	return append([]byte{0x00, 0x14}, bytes.Repeat([]byte{number + 1}, 20)...)
}

func newNote(t tb, number byte, amount btcutil.Amount) decision.Note {
	t.Helper()
	script := payeeScript(number)
	return decision.Note{
		Network: decision.NetworkOf(&chaincfg.SimNetParams), Fund: testFund(),
		Decision: uuid.UUID{15: number + 1}, Grant: uuid.UUID{0: 9, 15: number + 1},
		Currency: decision.CurrencySat, Amount: int64(amount), SatLeast: amount, SatMost: amount,
		Periods: 1, FirstDue: today().AddDate(0, 0, -7), Every: decision.Once, PayWithinDays: 14,
		Payees: []decision.Payee{{Script: script, Address: wallet.AddressOf(script, &chaincfg.SimNetParams)}},
	}
}

func testFund() uuid.UUID { return uuid.UUID{0: 0xf0, 15: 1} }

// today is the day of now.
func today() time.Time { return now().Truncate(24 * time.Hour) }

// worth gives n another amount in satoshi.
func worth(n *decision.Note, sat btcutil.Amount) {
	n.Amount, n.SatLeast, n.SatMost = int64(sat), sat, sat
}

// draft is a request in parts. A test changes the parts, or sets a hook that
// changes what is made of them.
type draft struct {
	key     *signer.Key
	coins   []coin
	notes   []decision.Note
	period  int // of each of them; 0 is 1
	rates   []decision.Rate
	fee     btcutil.Amount
	number  uint32
	attempt int64
	void    bool
	upkeep  string // kind of upkeep: notes are ignored
	outputs int    // of an upkeep; 0 is 1
	dead    []signerrpc.DeadProof

	onTx     func(*wire.MsgTx)
	onPacket func(*psbt.Packet)
	onBatch  func(*decision.BatchNote)
	onUpkeep func(*decision.UpkeepNote)
	onVoid   func(*decision.VoidNote)
	onReq    func(*signerrpc.Request)
}

// newDraft is a valid request: two coins of 2,000,000 sat pay three decisions of
// about 1,000,000 sat each, at about 10 sat/vB, with change.
func newDraft(t tb, key *signer.Key) *draft {
	t.Helper()
	d := &draft{key: key, fee: 3000, number: 5}
	for i := range uint32(2) {
		d.coins = append(d.coins, newCoin(t, key.Descriptor(), i, 2_000_000))
	}
	for i := range byte(3) {
		d.notes = append(d.notes, newNote(t, i, 1_000_000+btcutil.Amount(i)))
	}
	return d
}

func (d *draft) change(t tb) []byte {
	t.Helper()
	script, err := d.key.Descriptor().Script(wallet.ChainChange, d.number)
	if err != nil {
		t.Fatal(err)
	}
	return script
}

func (d *draft) pays() bool { return !d.void && d.upkeep == "" }

// payment is what the draft pays for a note.
func (d *draft) payment(n decision.Note) decision.Payment {
	period := max(d.period, 1)
	rate := decision.BatchNote{Rates: d.rates}.Rate(n.Currency)
	sat, err := n.Sat(period, rate)
	if err != nil {
		sat = n.SatMost // a test of what is refused
	}
	return decision.Payment{Decision: n.Digest(), Period: period, Script: n.Payee(1).Script, Amount: sat}
}

func (d *draft) transaction(t tb) *wire.MsgTx {
	t.Helper()
	tx := wire.NewMsgTx(2)
	left := -d.fee
	for _, c := range d.coins {
		hash := c.prev.TxHash()
		in := wire.NewTxIn(wire.NewOutPoint(&hash, c.vout), nil, nil)
		in.Sequence = 0xfffffffd
		tx.AddTxIn(in)
		left += btcutil.Amount(c.prev.TxOut[c.vout].Value)
	}
	if d.pays() {
		for _, n := range d.notes {
			pay := d.payment(n)
			tx.AddTxOut(wire.NewTxOut(int64(pay.Amount), pay.Script))
			left -= pay.Amount
		}
	}
	part := left / btcutil.Amount(max(d.outputs, 1))
	for range d.outputs - 1 {
		tx.AddTxOut(wire.NewTxOut(int64(part), d.change(t)))
		left -= part
	}
	if left != 0 {
		tx.AddTxOut(wire.NewTxOut(int64(left), d.change(t)))
	}
	if d.onTx != nil {
		d.onTx(tx)
	}
	return tx
}

func (d *draft) packet(t tb) *psbt.Packet {
	t.Helper()
	packet, err := psbt.NewFromUnsignedTx(d.transaction(t))
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range d.coins {
		if i >= len(packet.Inputs) {
			break
		}
		packet.Inputs[i].NonWitnessUtxo = c.prev
		packet.Inputs[i].WitnessUtxo = c.prev.TxOut[c.vout]
		if err := d.key.Descriptor().AddInputFields(&packet.Inputs[i], c.chain, c.index); err != nil {
			t.Fatal(err)
		}
	}
	for i, out := range packet.UnsignedTx.TxOut {
		if bytes.Equal(out.PkScript, d.change(t)) {
			if err := d.key.Descriptor().AddOutputFields(&packet.Outputs[i], wallet.ChainChange, d.number); err != nil {
				t.Fatal(err)
			}
		}
	}
	if d.onPacket != nil {
		d.onPacket(packet)
	}
	return packet
}

// packed writes a packet as it travels: its previous transactions beside it.
func packed(t tb, packet *psbt.Packet) (raw []byte, prevTxs [][]byte) {
	t.Helper()
	bare, prevTxs, err := wallet.TakePrevTxs(packet)
	if err != nil {
		t.Fatal(err)
	}
	return serialized(t, bare), prevTxs
}

func serialized(t tb, packet *psbt.Packet) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := packet.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// unpacked reads a packet that came back for req.
func unpacked(t tb, raw []byte, req signerrpc.Request) *psbt.Packet {
	t.Helper()
	packet, err := psbt.NewFromRawBytes(bytes.NewReader(raw), false)
	if err != nil {
		t.Fatal(err)
	}
	if err := wallet.GivePrevTxs(packet, req.PrevTxs); err != nil {
		t.Fatal(err)
	}
	return packet
}

func (d *draft) request(t tb) signerrpc.Request {
	t.Helper()
	network := decision.NetworkOf(&chaincfg.SimNetParams)
	id := uuid.UUID{0: 0xba, 11: byte(d.number >> 8), 12: byte(d.number)}
	batch := decision.BatchNote{
		Network: network, Fund: testFund(), Batch: id, Number: d.number, Until: lastMoment(),
		MaxFeeRateSatKVB: 60_000, MaxFee: 30_000, Rates: d.rates,
	}
	req := signerrpc.Request{AttemptNo: d.attempt, Dead: d.dead}
	for _, n := range d.notes {
		batch.Payments = append(batch.Payments, d.payment(n))
		if d.pays() {
			req.Decisions = append(req.Decisions, string(n.Encode()))
		}
	}
	if d.onBatch != nil {
		d.onBatch(&batch)
	}
	id, digest := batch.Batch, batch.Digest()
	req.BatchNote = string(batch.Encode())
	if d.upkeep != "" {
		note := decision.UpkeepNote{
			Network: network, Fund: testFund(), Batch: id, Number: d.number, Until: lastMoment(),
			Kind: d.upkeep, Outputs: max(d.outputs, 1), MaxFeeRateSatKVB: 60_000, MaxFee: 30_000,
		}
		if d.upkeep == decision.UpkeepChild {
			note.MaxFeeRateSatKVB = 0
		}
		for _, c := range d.coins {
			note.Coins = append(note.Coins, wire.OutPoint{Hash: c.prev.TxHash(), Index: c.vout})
		}
		if d.onUpkeep != nil {
			d.onUpkeep(&note)
		}
		id, digest = note.Batch, note.Digest()
		req.BatchNote = string(note.Encode())
	}
	if d.void {
		note := decision.VoidNote{
			Network: network, Fund: testFund(), Batch: id, Number: d.number, Note: digest, Until: lastMoment(), MaxFee: 40_000,
		}
		if d.onVoid != nil {
			d.onVoid(&note)
		}
		req.Void = string(note.Encode())
	}
	req.PSBT, req.PrevTxs = packed(t, d.packet(t))
	req.BatchID = id.String()
	if d.onReq != nil {
		d.onReq(&req)
	}
	return req
}

// lastMoment is when the notes of a draft can be signed for the first time at the latest.
func lastMoment() time.Time { return now().Add(decision.MaxLife) }

func fakeClock() *clock.Fake { return clock.NewFake(now()) }
