package payout_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"log/slog"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/chain"
	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/breaker"
	"github.com/causeway-fund/causeway/internal/payout/conductor"
	"github.com/causeway-fund/causeway/internal/payout/follower"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/plan"
	"github.com/causeway-fund/causeway/internal/payout/recovery"
	"github.com/causeway-fund/causeway/internal/payout/treasurer"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/chaintest"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

const (
	paidDepth  = 6
	finalDepth = 12

	coin = btcutil.Amount(10_000_000) // of a usual deposit
	owed = btcutil.Amount(1_000_000)  // to a usual payee
)

// rig is a fund on a real PostgreSQL, a real btcd and a real signer, with one
// worker's follower and conductor, driven by the test and not by a clock.
type rig struct {
	t       testing.TB
	base    *pgtest.DB
	owner   *postgres.DB
	clock   *clock.Fake
	node    *chaintest.Node
	chain   *chain.Client
	key     *signer.Key
	signer  *signerHost   // the first of signers; nil: people bring every signature
	signers []*signerHost // asked in this order
	fund    fund.Fund
	service *treasurer.Service
	store   workerStore // as causeway_worker; looks at the books after every block

	treasurer, second, reviewer, other identity.Actor

	epoch     int64
	follower  *follower.Follower
	conductor *conductor.Conductor
	deposits  uint32
	payees    uint32
}

// workerStore is all that the parts of a worker need of the database.
type workerStore interface {
	conductor.Store
	follower.Store
	recovery.Store
	breaker.Store
	treasurer.ForgottenStore
	SetProgress(ctx context.Context, epoch int64, p payout.Progress) error
	SetEstimate(ctx context.Context, epoch int64, e fee.Estimate) error
}

func newRig(t testing.TB, deposits ...btcutil.Amount) *rig {
	t.Helper()
	key := singleKey(t, wallet.KindWPKH)
	return newRigOf(t, key, []*signer.Key{key}, deposits...)
}

// estimate keeps what the worker makes of its node's feerates, as it does before all
// else. The node of the rig relays from 1 sat/vB on where e does not say.
func (r *rig) estimate(e fee.Estimate) {
	r.t.Helper()
	e.RelaySatKVB = cmp.Or(e.RelaySatKVB, 1000)
	if err := r.store.SetEstimate(r.t.Context(), r.epoch, e); err != nil {
		r.t.Fatal(err)
	}
}

// database is one of the shared server's; a benchmark has a server of its own that waits
// for its disk at every commit, as a release does.
func database(t testing.TB) *pgtest.DB {
	t.Helper()
	if _, ok := t.(*testing.B); ok {
		return pgtest.NewDurable(t).New(t)
	}
	return pgtest.New(t)
}

// singleKey is the key of a treasury that one key can spend from.
func singleKey(t testing.TB, kind wallet.Kind) *signer.Key {
	t.Helper()
	key, err := signer.NewKey(bytes.Repeat([]byte{9}, 32), kind, &chaincfg.SimNetParams)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newRigOf is a rig for the treasury that key belongs to, with a signer for each of
// hosted.
func newRigOf(t testing.TB, key *signer.Key, hosted []*signer.Key, deposits ...btcutil.Amount) *rig {
	t.Helper()
	return newRigOn(t, chaintest.New(t), key, hosted, deposits...)
}

// newRigOn is a rig on a node that the caller prepared.
func newRigOn(t testing.TB, node *chaintest.Node, key *signer.Key, hosted []*signer.Key, deposits ...btcutil.Amount) *rig {
	t.Helper()
	base := database(t)
	r := &rig{
		t: t, base: base, key: key,
		clock: clock.NewFake(time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)), node: node,
	}
	r.owner, r.chain = r.open(base.URL), r.node.Client()
	for i, k := range hosted {
		r.signers = append(r.signers, newSignerHost(t, k, r.clock))
		r.signers[i].start(policy())
		r.signer = r.signers[0]
	}
	r.setUpFund()
	r.treasurer, r.second = r.hire("t1", identity.RoleTreasurer), r.hire("t2", identity.RoleTreasurer)
	r.reviewer = r.hire("r1", identity.RoleReviewer, identity.RoleTreasurer)
	r.other = r.hire("r2", identity.RoleReviewer)

	var err error
	r.service, err = treasurer.New(treasurer.Config{Store: postgres.PayoutStore{DB: r.open(base.AppURL)}, Clock: r.clock})
	if err != nil {
		t.Fatal(err)
	}
	r.store = bookkeeper{workerStore: postgres.PayoutStore{DB: r.open(base.WorkerURL)}, r: r}
	r.lead()
	r.estimate(fee.Estimate{At: r.clock.Now(), FloorSatKVB: 1000})
	t.Cleanup(func() {
		if !t.Failed() {
			checkInvariants(t, r)
		}
	})
	r.mustSync()
	if len(deposits) > 0 {
		r.deposit(deposits...)
		r.mine(6)
	}
	return r
}

func (r *rig) open(url string) *postgres.DB {
	r.t.Helper()
	db, err := postgres.Open(r.t.Context(), url)
	if err != nil {
		r.t.Fatal(err)
	}
	db.ForbidReentry(func(stack string) { r.t.Errorf("the store was called inside its own transaction:\n%s", stack) })
	r.t.Cleanup(db.Close)
	return db
}

func (r *rig) setUpFund() {
	r.t.Helper()
	if err := r.owner.Bind(r.t.Context(), chaincfg.SimNetParams.Name, chaincfg.SimNetParams.GenesisHash.String()); err != nil {
		r.t.Fatal(err)
	}
	err := r.owner.CreateFund(r.t.Context(), fund.Fund{
		ID: uuid.New(), Name: "Test fund", Descriptor: r.key.Descriptor().String(), BirthdayHeight: chaintest.Ready + 1,
		Budget: 100 * btcutil.SatoshiPerBitcoin, MinAmount: 10_000, MaxAmount: btcutil.SatoshiPerBitcoin, PolicyVersion: 1, Quorum: 2,
		MaxFeeRateSatKVB: 50_000, MaxFee: 200_000, PayWindow: 90 * 24 * time.Hour, PaidDepth: paidDepth, FinalDepth: finalDepth, DeadlineBlocks: 2016, CreatedAt: r.clock.Now(),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	if r.fund, err = r.owner.Fund(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) hire(name string, roles ...identity.Role) identity.Actor {
	r.t.Helper()
	id := uuid.New()
	r.exec("INSERT INTO staff (id, name, created_at) VALUES ($1, $2, $3)", id, name, r.clock.Now())
	return identity.Actor{Kind: identity.KindStaff, StaffID: id, Name: name, Roles: roles}
}

// exec runs sql as the owner of the database.
func (r *rig) exec(sql string, args ...any) {
	r.t.Helper()
	if _, err := r.owner.Pool().Exec(r.t.Context(), sql, args...); err != nil {
		r.t.Fatalf("%s: %v", sql, err)
	}
}

// background outlives the test's own context, which has ended in a clean-up.
func (r *rig) background() context.Context { return context.WithoutCancel(r.t.Context()) }

// number returns what a query for one number says.
func (r *rig) number(sql string, args ...any) int64 {
	r.t.Helper()
	var n int64
	if err := r.owner.Pool().QueryRow(r.background(), sql, args...).Scan(&n); err != nil {
		r.t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// lead makes this rig's worker the leader, with a fresh memory, as after a start.
func (r *rig) lead() {
	r.t.Helper()
	r.epoch = r.number("UPDATE lease SET epoch = epoch + 1, since = now() RETURNING epoch")
	r.follower, r.conductor = r.worker(r.store, r.epoch)
}

func (r *rig) worker(store workerStore, epoch int64) (*follower.Follower, *conductor.Conductor) {
	r.t.Helper()
	log := slog.New(slog.DiscardHandler)
	follower, err := follower.New(follower.Config{Store: store, Chain: r.chain, Clock: r.clock, Log: log, Epoch: epoch})
	if err != nil {
		r.t.Fatal(err)
	}
	var signers []conductor.Signer
	for _, host := range r.signers {
		signers = append(signers, host.client())
	}
	return follower, r.newConductor(store, broadcaster{r.chain}, epoch, signers...)
}

func (r *rig) mustSync() {
	r.t.Helper()
	if _, err := r.follower.Sync(r.t.Context()); err != nil {
		r.t.Fatalf("sync: %v", err)
	}
}

// step lets the conductor try every due batch, those that wait for a retry too.
func (r *rig) step() {
	r.t.Helper()
	r.clock.Advance(time.Minute)
	if err := r.conductor.Step(r.t.Context()); err != nil {
		r.t.Fatalf("step: %v", err)
	}
}

// round is what the worker does when a block comes: follow, then conduct.
func (r *rig) round() {
	r.t.Helper()
	r.mustSync()
	r.step()
}

// mine mines n blocks and lets the worker look after each.
func (r *rig) mine(n int) []chainhash.Hash {
	r.t.Helper()
	hashes := make([]chainhash.Hash, n)
	for i := range n {
		hashes[i] = r.node.Mine(1)[0]
		r.round()
	}
	return hashes
}

// deposit sends amounts to fresh deposit addresses; they wait in the mempool.
func (r *rig) deposit(amounts ...btcutil.Amount) {
	r.t.Helper()
	outs := make([]*wire.TxOut, len(amounts))
	for i, a := range amounts {
		script, err := r.key.Descriptor().Script(wallet.ChainDeposit, r.deposits)
		if err != nil {
			r.t.Fatal(err)
		}
		r.deposits++
		outs[i] = wire.NewTxOut(int64(a), script)
	}
	r.node.SendMany(outs...)
}

// reorg takes the newest depth blocks away and mines one more than they were,
// without the mempool's transactions unless keep is set. The worker does not
// look; it returns the first block that is gone.
func (r *rig) reorg(depth int32, keep bool) chainhash.Hash {
	r.t.Helper()
	height, _, err := r.chain.Tip(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	gone, err := r.chain.HashAt(r.t.Context(), height-depth+1)
	if err != nil {
		r.t.Fatal(err)
	}
	r.node.Invalidate(gone)
	if !keep {
		r.node.Restart() // forgets its mempool
		r.chain = r.node.Client()
		r.follower, r.conductor = r.worker(r.store, r.epoch)
	}
	r.node.Mine(int(depth) + 1)
	return gone
}

// broadcaster tells the node as the worker does.
type broadcaster struct{ node *chain.Client }

func (a broadcaster) Broadcast(ctx context.Context, raw []byte, maxFeeRateSatKVB int64) (string, error) {
	out, err := a.node.Submit(ctx, raw, maxFeeRateSatKVB)
	if err != nil {
		return "", err
	}
	if out.Held() {
		return string(out.Verdict), nil
	}
	return string(out.Verdict) + ": " + out.Reason, errs.New(errs.Unavailable, "not_relayed", "The node did not take it: "+out.Reason)
}

// mempool reads the node's mempool as the worker does.
type mempool struct{ node *chain.Client }

func (m mempool) Evicted(ctx context.Context, txids []chainhash.Hash) (payout.Evicted, error) {
	txs, err := m.node.Mempool(ctx)
	return plan.EvictedBy(txids, txs), err
}

// bookkeeper holds the books against the coins after every block that the
// follower connects or disconnects.
type bookkeeper struct {
	workerStore
	r *rig
}

func (b bookkeeper) Connect(ctx context.Context, epoch int64, block payout.Block, fn func(*payout.ChainWork) error) error {
	err := b.workerStore.Connect(ctx, epoch, block, fn)
	if err == nil {
		b.r.checkBooks("after block", block.Tip)
	}
	return err
}

func (b bookkeeper) Disconnect(ctx context.Context, epoch int64, tip payout.Tip, fn func(*payout.ChainWork) error) error {
	err := b.workerStore.Disconnect(ctx, epoch, tip, fn)
	if err == nil {
		b.r.checkBooks("without block", tip)
	}
	return err
}

func (r *rig) checkBooks(when string, tip payout.Tip) {
	r.t.Helper()
	treasury, err := r.service.Treasury(r.t.Context(), r.treasurer)
	if err != nil {
		r.t.Fatal(err)
	}
	if treasury.Difference != 0 {
		r.t.Errorf("%s %d: coins %d sat, ledger %v", when, tip.Height, int64(treasury.CoinsSat), treasury.Balances)
	}
}

// payeeScript is a P2WPKH or P2TR script that no other payee has.
func payeeScript(n uint32) []byte {
	if n%3 == 2 {
		secret := binary.BigEndian.AppendUint32(bytes.Repeat([]byte{0x5a}, 28), n+1)
		_, key := btcec.PrivKeyFromBytes(secret) // a point of the curve, as wallets make them
		return append([]byte{0x51, 32}, schnorr.SerializePubKey(key)...)
	}
	program := make([]byte, 20)
	binary.BigEndian.PutUint32(program, n+1)
	return append([]byte{0x00, 20}, program...)
}

func (r *rig) height() int32 {
	r.t.Helper()
	height, _, err := r.chain.Tip(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return height
}

func (r *rig) hashAt(height int32) chainhash.Hash {
	r.t.Helper()
	hash, err := r.chain.HashAt(r.t.Context(), height)
	if err != nil {
		r.t.Fatal(err)
	}
	return hash
}

// policy is what the rig's signer allows.
func policy() signer.Policy {
	p := signer.DefaultPolicy()
	p.FinalDepth = finalDepth
	return p
}

func codeOf(err error) string { return string(errs.CodeOf(err)) }

// conductorWith is a conductor of the leading worker with other partners.
func (r *rig) conductorWith(s conductor.Signer, a conductor.Broadcaster) *conductor.Conductor {
	r.t.Helper()
	return r.newConductor(r.store, a, r.epoch, s)
}

// conductorOf is a conductor of the leading worker with other signers, which tries
// every batch again.
func (r *rig) conductorOf(signers ...conductor.Signer) *conductor.Conductor {
	r.t.Helper()
	return r.newConductor(r.store, broadcaster{r.chain}, r.epoch, signers...)
}

func (r *rig) newConductor(store workerStore, a conductor.Broadcaster, epoch int64, signers ...conductor.Signer) *conductor.Conductor {
	r.t.Helper()
	c, err := conductor.New(conductor.Config{
		Store: store, Signers: signers, Broadcaster: a, Mempool: mempool{r.chain}, Clock: r.clock, Log: slog.New(slog.DiscardHandler), Epoch: epoch,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

func (r *rig) treasury() treasurer.Treasury {
	r.t.Helper()
	treasury, err := r.service.Treasury(r.t.Context(), r.treasurer)
	if err != nil {
		r.t.Fatal(err)
	}
	return treasury
}
