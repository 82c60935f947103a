package signer_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

const (
	worldCoins     = 6
	worldDecisions = 4
	worldAmount    = 100_000
)

// released is a transaction that left the signer, or a stranger's that confirmed.
type released struct {
	tx        *wire.MsgTx
	txid      string
	batch     uint32
	attempt   int64
	fee       btcutil.Amount
	void      bool
	upkeep    bool
	inputs    map[byte]bool // numbers of coins
	notes     map[byte]bool // decisions of the batch note
	decisions map[byte]bool // decisions that it pays: none for a void
	request   signerrpc.Request
	answer    signerrpc.Response
}

// world is one signer, all that it released, and the chain as far as it is
// final.
type world struct {
	key   *signer.Key
	s     *signer.Signer
	all   []released
	final []released
	stats map[string]int
}

// A worker that has gone mad, or whose database was restored from any older
// backup, asks for any decisions from any coins in any batch, takes batches back
// and tends coins; whatever was released confirms when it likes, or a stranger
// spends a coin; the signer restarts at any time. Whatever happens, no two
// transactions that pay one decision can both be in one chain, a batch that was
// taken back pays nobody any more, and the same request gives the same bytes.
func TestNothingPaysADecisionTwice(t *testing.T) {
	t.Parallel()
	dir := memory(t)
	key := newKey(t, wallet.KindTR) // one Schnorr signature is as good as ECDSA here, and smaller
	stats := map[string]int{}
	for range 2 {
		rapid.Check(t, func(t *rapid.T) { history(t, key, filepath.Join(dir, uuid.NewString()), stats) })
	}
	for _, what := range []string{
		"would_pay_twice", "anchor_dropped", "payments_changed", "coin_promised", "attempt_order", "fee_not_higher",
		"batch_voided", "not_dead", "bad_dead_proof", "paid_by_proof",
		"signed pay", "signed void", "signed upkeep", "signed again", "signed after a death", "confirmed", "stranger",
	} {
		if stats[what] == 0 {
			t.Errorf("%q never happened: the generator is too tame (%v)", what, stats)
		}
	}
	t.Log(stats)
}

func history(t *rapid.T, key *signer.Key, path string, stats map[string]int) {
	if err := signer.CreateJournal(path); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.Remove(path) }()
	clk := fakeClock()
	s, closeJournal := openSigner(t, key, path, clk)
	defer func() { closeJournal() }()
	w := &world{key: key, s: s, stats: stats}
	for range rapid.IntRange(10, 20).Draw(t, "steps") {
		switch rapid.IntRange(0, 11).Draw(t, "step") {
		case 0:
			closeJournal()
			w.s, closeJournal = openSigner(t, key, path, clk)
		case 1, 2:
			w.confirm(t)
		case 3:
			w.stranger(t)
		default:
			w.ask(t)
		}
		w.check(t)
	}
}

// memory returns a folder in which fsync costs nothing, if the machine has one.
func memory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "signer") //nolint:usetesting // t.TempDir is on a disk
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// ask draws a request, sends it and keeps what was released.
func (w *world) ask(t *rapid.T) {
	want, d := w.drawRequest(t)
	req := d.request(t)
	resp, err := w.s.Sign(t.Context(), req)
	if err != nil {
		if errs.KindOf(err) != errs.Conflict {
			t.Fatalf("not a refusal: %v", err)
		}
		w.stats[string(errs.CodeOf(err))]++
		return
	}
	want.tx, want.txid, want.request, want.answer = d.transaction(t), resp.TxID, req, resp
	for _, old := range w.all {
		if old.txid == want.txid {
			if diff := cmp.Diff(old.answer, resp); diff != "" {
				t.Fatalf("the same transaction came back otherwise:\n%s", diff)
			}
			w.stats["signed again"]++
			return
		}
		if old.batch == want.batch && old.void && !want.void {
			t.Fatalf("%s was released for a batch that %s took back", want.txid, old.txid)
		}
		if overlaps(old.decisions, want.decisions) && !overlaps(old.inputs, want.inputs) {
			w.stats["signed after a death"]++
		}
	}
	switch {
	case want.void:
		w.stats["signed void"]++
	case want.upkeep:
		w.stats["signed upkeep"]++
	default:
		w.stats["signed pay"]++
	}
	w.all = append(w.all, want)
}

// check looks for two transactions that pay one decision and can both be in the
// chain, as it is now or will be.
func (w *world) check(t *rapid.T) {
	for i, a := range w.all {
		for _, b := range w.all[:i] {
			if overlaps(a.decisions, b.decisions) && !overlaps(a.inputs, b.inputs) && w.possible(a) && w.possible(b) {
				t.Fatalf("%s and %s pay one decision and can both confirm", a.txid, b.txid)
			}
			if a.batch == b.batch && !cmp.Equal(a.notes, b.notes) {
				t.Fatalf("%s and %s of one batch are about different decisions", a.txid, b.txid)
			}
		}
	}
}

// possible reports whether r is in the chain or may still get there.
func (w *world) possible(r released) bool {
	for _, x := range w.final {
		if x.txid != r.txid && overlaps(x.inputs, r.inputs) {
			return false
		}
	}
	return true
}

// confirm makes any released transaction that can confirm final.
func (w *world) confirm(t *rapid.T) {
	if len(w.all) == 0 {
		return
	}
	r := w.all[rapid.IntRange(0, len(w.all)-1).Draw(t, "confirms")]
	for _, x := range w.final {
		if x.txid == r.txid {
			return
		}
	}
	if w.possible(r) {
		w.final = append(w.final, r)
		w.stats["confirmed"]++
	}
}

// stranger spends a coin with the treasury's key, and may pay somebody whose
// payment was approved.
func (w *world) stranger(t *rapid.T) {
	n := rapid.ByteRange(0, worldCoins-1).Draw(t, "stranger's coin")
	c := newCoin(t, w.key.Descriptor(), uint32(n), 2_000_000)
	pays := rapid.ByteRange(0, 2*worldDecisions).Draw(t, "stranger pays")
	x := released{
		inputs: map[byte]bool{n: true}, decisions: map[byte]bool{pays: true},
		tx: foreign(wire.OutPoint{Hash: c.prev.TxHash(), Index: c.vout}, payeeScript(pays), worldAmount),
	}
	x.txid = x.tx.TxHash().String()
	if w.possible(x) {
		w.final = append(w.final, x)
		w.stats["stranger"]++
	}
}

// proofs returns what the chain proves, with a flaw now and then.
func (w *world) proofs(t *rapid.T) []signerrpc.DeadProof {
	var proofs []signerrpc.DeadProof
	for _, x := range w.final {
		for _, old := range w.all {
			flaw := rapid.IntRange(0, 30).Draw(t, "flaw")
			if flaw != 0 && (x.txid == old.txid || !overlaps(x.inputs, old.inputs)) {
				continue
			}
			p := deadBy(t, old.txid, x.tx)
			if flaw == 1 {
				p.Proof = mined(t, x.tx, testDepth-1)
			}
			proofs = append(proofs, p)
		}
	}
	return proofs
}

func overlaps(a, b map[byte]bool) bool {
	for k := range a {
		if b[k] {
			return true
		}
	}
	return false
}

func some(t *rapid.T, label string, of byte) map[byte]bool {
	drawn := map[byte]bool{}
	for _, n := range rapid.SliceOfNDistinct(rapid.ByteRange(0, of-1), 1, 3, rapid.ID[byte]).Draw(t, label) {
		drawn[n] = true
	}
	return drawn
}

// drawRequest draws a request. Most follow an earlier one with some parts drawn
// anew: a repeat, a replacement, a void, a payment of the same people again, or
// what goes wrong with one.
func (w *world) drawRequest(t *rapid.T) (released, *draft) {
	r := released{batch: rapid.Uint32Range(0, 5).Draw(t, "batch"), fee: 1000}
	earlier := len(w.all) > 0 && rapid.IntRange(0, 3).Draw(t, "follows an earlier one") > 0
	how := "new"
	if earlier {
		how = rapid.SampledFrom([]string{"repeat", "replacement", "void", "again", "again"}).Draw(t, "how")
		old := w.all[rapid.IntRange(0, len(w.all)-1).Draw(t, "earlier")]
		r.void, r.upkeep, r.inputs, r.notes, r.fee, r.attempt = old.void, old.upkeep, old.inputs, old.notes, old.fee, old.attempt
		if how != "again" {
			r.batch = old.batch
		}
	}
	anew := func(label string) bool { return !earlier || rapid.IntRange(0, 7).Draw(t, label+" anew") == 0 }
	if dead := w.dead(); len(dead) > 0 && rapid.IntRange(0, 3).Draw(t, "revive") == 0 {
		return w.revive(t, dead[rapid.IntRange(0, len(dead)-1).Draw(t, "dead")])
	}
	switch how {
	case "new":
		r.upkeep = rapid.IntRange(0, 4).Draw(t, "upkeep") == 0
		r.void = rapid.IntRange(0, 9).Draw(t, "void of the unknown") == 0
	case "void":
		r.void = true
	case "again":
		r.void, r.attempt, r.inputs = false, 0, some(t, "coins", worldCoins)
	}
	if how == "replacement" || how == "void" {
		r.attempt += rapid.Int64Range(0, 3).Draw(t, "attempts later")
		r.fee += btcutil.Amount(rapid.IntRange(0, 3).Draw(t, "dearer")) * 500
	}
	if anew("coins") {
		r.inputs = some(t, "coins", worldCoins)
	}
	if anew("decisions") {
		r.notes = some(t, "decisions", worldDecisions)
	}
	return r.withDraft(t, w)
}

func (r released) withDraft(t *rapid.T, w *world) (released, *draft) {
	d := &draft{key: w.key, number: r.batch, attempt: r.attempt, fee: r.fee, void: r.void}
	d.onBatch = func(b *decision.BatchNote) { b.MaxFee = 50_000 }
	d.onUpkeep = func(n *decision.UpkeepNote) { n.MaxFee = 50_000 }
	r.decisions = map[byte]bool{}
	if r.upkeep {
		d.upkeep, r.notes = decision.UpkeepConsolidate, nil
	}
	for n := range byte(worldCoins) {
		if r.inputs[n] {
			d.coins = append(d.coins, newCoin(t, w.key.Descriptor(), uint32(n), 2_000_000))
		}
	}
	for n := range byte(worldDecisions) {
		if r.notes[n] {
			d.notes = append(d.notes, newNote(t, n, worldAmount))
			r.decisions[n] = !r.void
		}
	}
	if r.void {
		r.decisions = map[byte]bool{}
	}
	if rapid.IntRange(0, 3).Draw(t, "with proofs") == 0 {
		d.dead = w.proofs(t)
	}
	return r, d
}

// dead returns what was released to pay somebody and cannot confirm any more.
func (w *world) dead() []released {
	var dead []released
	for _, r := range w.all {
		if len(r.decisions) > 0 && !w.possible(r) {
			dead = append(dead, r)
		}
	}
	return dead
}

// revive draws the request that is meant to be made after a death: the same
// people, a new batch, coins that are left, and every proof there is.
func (w *world) revive(t *rapid.T, old released) (released, *draft) {
	r := released{batch: uint32(6 + len(w.all)), fee: 1000, inputs: map[byte]bool{}, notes: old.notes}
	for n := range byte(worldCoins) {
		left := released{inputs: map[byte]bool{n: true}}
		if w.possible(left) && len(r.inputs) == 0 && rapid.Bool().Draw(t, "coin left") {
			r.inputs[n] = true
		}
	}
	if len(r.inputs) == 0 {
		r.inputs = some(t, "coins", worldCoins)
	}
	r, d := r.withDraft(t, w)
	d.dead = nil
	for _, p := range w.proofs(t) {
		if p.TxID == old.txid || rapid.Bool().Draw(t, "one proof more") {
			d.dead = append(d.dead, p)
		}
	}
	return r, d
}
