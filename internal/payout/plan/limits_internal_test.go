package plan

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

func tableTime() time.Time { return time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC) }

// tableRig is a fund with the default limits and a real signer, without database and node.
type tableRig struct {
	t       *testing.T
	fund    fund.Fund
	signer  *signer.Signer
	clock   *clock.Fake
	relay   int64 // what the node relays from on, in sat/kvB
	batches uint32
	coins   uint32
}

func newTableRig(t *testing.T, kind wallet.Kind) *tableRig {
	t.Helper()
	key, err := signer.NewKey(bytes.Repeat([]byte{7}, 32), kind, &chaincfg.SimNetParams)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "journal")
	if err := signer.CreateJournal(path); err != nil {
		t.Fatal(err)
	}
	j, err := signer.OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	clk := clock.NewFake(tableTime())
	s, err := signer.New(signer.Config{Key: key, Journal: j, Policy: signer.DefaultPolicy(), Clock: clk, Program: "test", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return &tableRig{t: t, signer: s, clock: clk, relay: 1000, fund: fund.Fund{
		ID: uuid.New(), Network: chaincfg.SimNetParams.Name, Descriptor: key.Descriptor().String(), PolicyVersion: 1,
		MaxPayees: fund.DefaultMaxPayees, MaxFeeRateSatKVB: fund.DefaultMaxFeeRateSatKVB, MaxFee: fund.DefaultMaxFee,
	}}
}

// coin makes a deposit that can be spent.
func (r *tableRig) coin(amount btcutil.Amount) payout.Coin {
	r.t.Helper()
	d, err := payout.TreasuryOf(r.fund)
	if err != nil {
		r.t.Fatal(err)
	}
	r.coins++
	script, err := d.Script(wallet.ChainDeposit, r.coins)
	if err != nil {
		r.t.Fatal(err)
	}
	prev := wire.NewMsgTx(2)
	prev.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&chainhash.Hash{byte(r.coins), byte(r.coins >> 8), 1}, 0), nil, [][]byte{{1}}))
	prev.AddTxOut(wire.NewTxOut(int64(amount), script))
	c := payout.Coin{Confirmations: 6}
	c.OutPoint, c.Amount, c.Script, c.Chain, c.Index, c.PrevTx = wire.OutPoint{Hash: prev.TxHash()}, amount, script, wallet.ChainDeposit, r.coins, prev
	return c
}

// batch is an approved batch of n payments of 1,000,000 sat, with coins for them.
func (r *tableRig) batch(n int, rate int64, most btcutil.Amount) (*payout.Record, payout.Holdings) {
	r.t.Helper()
	params := &chaincfg.SimNetParams
	r.batches++
	w := &payout.Record{Fund: r.fund, Batch: payout.Batch{
		ID: uuid.New(), FundID: r.fund.ID, Kind: payout.Payout, Number: r.batches, State: payout.Approved, FeeRateSatKVB: rate,
		MaxFeeRateSatKVB: r.fund.MaxFeeRateSatKVB, MaxFee: most, Seed: [32]byte{byte(r.batches)}, DeadlineBlocks: 144, Outputs: 1,
		Until: decision.UntilFrom(r.clock.Now()),
	}}
	note := decision.BatchNote{
		Network: decision.NetworkOf(params), Fund: r.fund.ID, Batch: w.Batch.ID, Number: w.Batch.Number, Until: w.Batch.Until, MaxFeeRateSatKVB: w.Batch.MaxFeeRateSatKVB, MaxFee: most,
	}
	for i := range n {
		script := append([]byte{0x00, 32}, make([]byte, 32)...) // P2WSH: the largest usual kind
		binary.BigEndian.PutUint32(script[2:], r.batches)
		binary.BigEndian.PutUint32(script[6:], uint32(i))
		own := decision.Note{
			Network: decision.NetworkOf(params), Fund: r.fund.ID, Decision: uuid.New(), Grant: uuid.New(),
			Currency: decision.CurrencySat, Amount: 1_000_000, SatLeast: 1_000_000, SatMost: 1_000_000,
			Periods: 1, FirstDue: r.clock.Now().AddDate(0, 0, -1).Truncate(24 * time.Hour), Every: decision.Once, PayWithinDays: 3,
			Payees: []decision.Payee{{Script: script, Address: wallet.AddressOf(script, params)}},
		}
		w.Items = append(w.Items, payout.Item{
			InstalmentID: uuid.New(), Reference: fmt.Sprintf("GR-%d", i), Digest: own.Digest(), Period: 1, Note: string(own.Encode()),
			Script: script, Address: own.Payee(1).Address, Amount: own.SatMost, DueAt: own.Due(1), UntilAt: own.Until(1),
		})
		note.Payments = append(note.Payments, decision.Payment{Decision: own.Digest(), Period: 1, Script: script, Amount: own.SatMost})
	}
	w.Batch.Note, w.Batch.Digest = string(note.Encode()), note.Digest()
	w.Approvals = []payout.Approval{{Digest: w.Batch.Digest}}
	h := payout.Holdings{Tip: payout.Tip{Height: 100, At: r.clock.Now()}}
	for range 3 {
		h.Coins = append(h.Coins, r.coin(btcutil.Amount(n)*350_000+600_000))
	}
	return w, h
}

func (r *tableRig) family(w *payout.Record) Family {
	f := FamilyOf(*w)
	f.RelaySatKVB = r.relay
	return f
}

// release holds a plan against what the worker checks, and has the signer sign it.
func (r *tableRig) release(w *payout.Record, p *txbuild.Plan, kind payout.AttemptKind) payout.Attempt {
	r.t.Helper()
	a, err := r.family(w).AttemptOf(p, kind, uuid.New(), 1, tableTime())
	if err != nil {
		r.t.Fatal(err)
	}
	if len(w.Attempts) == 0 {
		w.Batch.Anchor, w.Batch.State = &a.Inputs[0].OutPoint, payout.Broadcast
	}
	if err := r.family(w).CheckPolicy(a); err != nil {
		r.t.Fatalf("the worker's own policy: %v", err)
	}
	f := r.family(w)
	f.Attempts = append(f.Attempts, a)
	if err := f.CheckSignerWill([]signerrpc.Info{r.signer.Info()}, a, r.clock.Now()); err != nil {
		r.t.Fatalf("what the worker knows of the signer: %v", err)
	}
	req := signerrpc.Request{PSBT: a.PSBT, PrevTxs: a.PrevTxs, BatchNote: w.Batch.Note, BatchID: w.Batch.ID.String(), AttemptNo: int64(a.No)}
	if kind == payout.Voids {
		req.Void = w.Void.Note
	} else {
		for _, it := range w.Items {
			req.Decisions = append(req.Decisions, it.Note)
		}
	}
	resp, err := r.signer.Sign(r.t.Context(), req)
	if err != nil {
		r.t.Fatalf("the signer: %v", err)
	}
	signed, err := txbuild.ParsePSBT(resp.PSBT)
	if err != nil {
		r.t.Fatal(err)
	}
	packet, err := a.Packet()
	if err == nil {
		packet, err = txbuild.Merge(packet, signed)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	d, err := payout.TreasuryOf(r.fund)
	if err != nil {
		r.t.Fatal(err)
	}
	if a.Raw, _, err = txbuild.ExtractSigned(packet, d); err != nil {
		r.t.Fatal(err)
	}
	a.Events = []payout.AttemptEvent{{Event: "built"}, {Event: "signing"}, {Event: "signed"}, {Event: "broadcast", Height: 100}}
	w.Attempts = append(w.Attempts, a)
	return a
}

// void has two people take the batch back and signs it.
func (r *tableRig) void(w *payout.Record, h payout.Holdings) payout.Attempt {
	r.t.Helper()
	return r.voidAt(w, h, 0)
}

// voidAt is void at a feerate in sat/kvB; 0 leaves it to us.
func (r *tableRig) voidAt(w *payout.Record, h payout.Holdings, rate int64) payout.Attempt {
	r.t.Helper()
	o := payout.VoidOrder{Reason: "a test", FeeRateSatKVB: rate}
	if _, err := r.family(w).TrialVoid(&o, h); err != nil {
		r.t.Fatalf("on trial: %v", err)
	}
	note := decision.VoidNote{Network: decision.NetworkOf(&chaincfg.SimNetParams), Fund: r.fund.ID, Batch: w.Batch.ID, Number: w.Batch.Number, Note: w.Batch.Digest, Until: w.Batch.Until, MaxFee: w.Batch.MaxFee}
	second := uuid.New()
	w.Void = &payout.Void{BatchID: w.Batch.ID, Note: string(note.Encode()), Digest: note.Digest(), FeeRateSatKVB: o.FeeRateSatKVB, AskedBy: uuid.New(), ApprovedBy: &second}
	p, err := r.family(w).Replacement(payout.Voids, o.FeeRateSatKVB, payout.Evicted{}, []signerrpc.Info{r.signer.Info()}, h)
	if err != nil {
		r.t.Fatalf("the void: %v", err)
	}
	return r.release(w, p, payout.Voids)
}

// replaces holds two signed transactions against BIP 125, rules 3 and 4, and btcd's
// own rule that the feerate rises.
func (r *tableRig) replaces(t *testing.T, now, before payout.Attempt) {
	t.Helper()
	vsize, old := txbuild.VSize(now.SignedWeight()), txbuild.VSize(before.SignedWeight())
	if now.Fee < before.Fee+money.FeeAt(vsize, r.relay) || int64(now.Fee)*1000/vsize <= int64(before.Fee)*1000/old {
		t.Errorf("%d sat for %d vB does not replace %d sat for %d vB", now.Fee, vsize, before.Fee, old)
	}
}

// TestABatchCanAlwaysBeTakenBack builds batches of 1 to 200 payees at feerates from 0.1
// sat/vB to the default limit, has the real signer sign them and what takes them back: at
// the start, once they are raised to their limit, and after the decisions' window.
func TestABatchCanAlwaysBeTakenBack(t *testing.T) {
	t.Parallel()
	for _, kind := range []wallet.Kind{wallet.KindWPKH, wallet.KindTR} {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			t.Parallel()
			r := newTableRig(t, kind)
			for _, n := range []int{1, 2, 5, 20, 40, 100, 150, 200} {
				for _, rate := range []int64{100, 1_000, 2_000, 5_017, 10_000, 20_000, 31_000, 50_000, fund.DefaultMaxFeeRateSatKVB} {
					for _, raised := range []bool{false, true} {
						t.Logf("%d payees at %d sat/kvB, raised to the limit: %v", n, rate, raised)
						r.relay = min(rate, 1000)
						w, h := r.batch(n, rate, fund.DefaultMaxFee)
						p, _, err := Build(r.family(w), h, r.clock.Now())
						if err != nil {
							t.Fatalf("plan: %v", err)
						}
						newest := r.release(w, p, payout.Pays)
						if raise := r.family(w).Raise(); raised && raise.Refused == nil {
							if raise.MostSatKVB != fund.DefaultMaxFeeRateSatKVB {
								t.Fatalf("can be raised to %d sat/kvB", raise.MostSatKVB)
							}
							if p, err = r.family(w).Replacement(payout.Pays, raise.MostSatKVB, payout.Evicted{}, nil, h); err != nil {
								t.Fatalf("raise: %v", err)
							}
							bumped := r.release(w, p, payout.Pays)
							r.replaces(t, bumped, newest)
							newest = bumped
							if again := r.family(w).Raise(); errs.CodeOf(again.Refused) != "at_limit" {
								t.Errorf("at its limit: %+v", again)
							}
						}
						r.clock.Advance(48 * time.Hour) // the decisions have run out
						void := r.void(w, h)
						r.replaces(t, void, newest)
						if len(void.Outputs) != 1 || void.Fee > fund.DefaultMaxFee {
							t.Errorf("the void pays %d outputs and %d sat", len(void.Outputs), void.Fee)
						}
					}
				}
			}
		})
	}
}

// TestTheRoomForAVoidIsExact holds batches at both limits: with one satoshi less than
// the fee and what its void adds, a batch is not built; with just that, it is, and its
// void costs all that was approved.
func TestTheRoomForAVoidIsExact(t *testing.T) {
	t.Parallel()
	r := newTableRig(t, wallet.KindWPKH)
	for _, n := range []int{1, 7, 100, 200} {
		w, h := r.batch(n, fund.DefaultMaxFeeRateSatKVB, fund.DefaultMaxFee)
		loose, _, err := Build(r.family(w), h, r.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		d, err := payout.TreasuryOf(r.fund)
		if err != nil {
			t.Fatal(err)
		}
		weight, err := txbuild.VoidWeight(d, w.Batch.Number, len(loose.Inputs))
		if err != nil {
			t.Fatal(err)
		}
		exact := loose.Fee + txbuild.FeeRate(r.relay).Fee(weight)
		for off, code := range map[btcutil.Amount]string{0: "", -1: "fee_above_cap"} {
			w, h := r.batch(n, fund.DefaultMaxFeeRateSatKVB, exact+off)
			p, _, err := Build(r.family(w), h, r.clock.Now())
			if (err == nil) != (code == "") || err != nil && string(errs.CodeOf(err)) != code {
				t.Fatalf("%d payees with %d sat off: %v, want %q", n, off, err, code)
			}
			if err != nil {
				continue
			}
			first := r.release(w, p, payout.Pays)
			if raise := r.family(w).Raise(); raise.Refused == nil {
				t.Errorf("can be raised to %d sat/kvB although there is no more room", raise.MostSatKVB)
			}
			if void := r.void(w, h); void.Fee != exact {
				t.Errorf("%d payees: the void of %d sat costs %d, want all %d", n, first.Fee, void.Fee, exact)
			}
		}
	}
}

// TestTheFeeLimitEndsARaise has max_fee_sat end a raise below the approved feerate,
// which is what is then said.
func TestTheFeeLimitEndsARaise(t *testing.T) {
	t.Parallel()
	r := newTableRig(t, wallet.KindWPKH)
	w, h := r.batch(50, 10_000, 60_000)
	p, _, err := Build(r.family(w), h, r.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	r.release(w, p, payout.Pays)
	raise := r.family(w).Raise()
	if raise.Refused != nil || raise.MostSatKVB >= fund.DefaultMaxFeeRateSatKVB || raise.MostSatKVB < 20_000 {
		t.Fatalf("%+v", raise)
	}
	if err := raise.Check(raise.MostSatKVB + 1); errs.CodeOf(err) != "invalid_fields" {
		t.Errorf("above it: %v", err)
	}
	if p, err = r.family(w).Replacement(payout.Pays, raise.MostSatKVB, payout.Evicted{}, nil, h); err != nil {
		t.Fatalf("to it: %v", err)
	}
	r.release(w, p, payout.Pays)
	if again := r.family(w).Raise(); errs.CodeOf(again.Refused) != "fee_limit" {
		t.Errorf("at the fee's limit: %+v", again)
	}
	r.void(w, h)
}

// TestTheDefaultsAgree holds the default limits against each other: the largest batch,
// to the largest usual scripts, from twenty coins of a 2-of-3 treasury, at the highest
// feerate, keeps within the highest fee of fund and signer, and can be taken back.
func TestTheDefaultsAgree(t *testing.T) {
	t.Parallel()
	var keys []string
	for i := range 3 {
		e, err := wallet.KeyExpression(bytes.Repeat([]byte{byte(20 + i)}, 32), wallet.KindWSH, &chaincfg.SimNetParams)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, e)
	}
	d, err := wallet.MultisigDescriptor(2, keys, &chaincfg.SimNetParams)
	if err != nil {
		t.Fatal(err)
	}
	r := newTableRig(t, wallet.KindWPKH)
	r.fund.Descriptor = d.String()
	w, h := r.batch(fund.DefaultMaxPayees, fund.DefaultMaxFeeRateSatKVB, min(fund.DefaultMaxFee, signer.DefaultPolicy().MaxFee))
	h.Coins = nil
	for range 20 {
		h.Coins = append(h.Coins, r.coin(10_100_000))
	}
	p, _, err := Build(r.family(w), h, r.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Inputs) != 20 || signer.DefaultPolicy().MaxFeeRateSatKVB < fund.DefaultMaxFeeRateSatKVB {
		t.Errorf("%d coins, the signer's highest feerate is %d", len(p.Inputs), signer.DefaultPolicy().MaxFeeRateSatKVB)
	}
}
