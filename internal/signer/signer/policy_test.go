package signer_test

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
)

// withPolicy returns a signer of simnet with a journal of its own.
func withPolicy(t *testing.T, p signer.Policy) *signer.Signer {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal")
	if err := signer.CreateJournal(path); err != nil {
		t.Fatal(err)
	}
	j, err := signer.OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	s, err := signer.New(signer.Config{Key: newKey(t, wallet.KindTR), Journal: j, Clock: fakeClock(), Log: slog.New(slog.DiscardHandler), Policy: p})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestZeroesStandForDefaults(t *testing.T) {
	t.Parallel()
	info := withPolicy(t, signer.Policy{MaxFeeRateSatKVB: 1_000, MaxFee: 1, MaxFeePermille: 10}).Info()
	if info.MaxInputs != 1000 || info.MaxOutputs != 3001 || info.FinalDepth != 100 || info.MinFeeRateSatKVB != 100 {
		t.Errorf("got %+v", info)
	}
}

// Nodes relay from 0.1 sat/vB on, or from what their operators say: the signer's own
// operator says the lowest feerate, which is also what a void needs for its relay.
func TestTheOperatorSetsTheLowestFeerate(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		lowest   int64
		fee, cap btcutil.Amount
		code     string
	}{
		{100, (exampleVSize + 9) / 10, 50_000, ""},
		{100, (exampleVSize+9)/10 - 1, 50_000, "feerate_too_low"},
		{1_234, (1_234*exampleVSize + 999) / 1000, 50_000, ""},
		{1_234, (1_234*exampleVSize+999)/1000 - 1, 50_000, "feerate_too_low"},
		{100, 3000, 3000 + (exampleVoid+9)/10, ""},
		{100, 3000, 3000 + (exampleVoid+9)/10 - 1, "no_room_for_void"},
		{2_000, 3000, 3000 + 2*exampleVoid, ""},
		{2_000, 3000, 3000 + 2*exampleVoid - 1, "no_room_for_void"},
	} {
		d := newDraft(t, newKey(t, wallet.KindWPKH))
		d.fee, d.onBatch = tc.fee, onlyFee(tc.cap)
		path := filepath.Join(t.TempDir(), "journal")
		if err := signer.CreateJournal(path); err != nil {
			t.Fatal(err)
		}
		s, closeJournal := openSignerWith(t, newKey(t, wallet.KindWPKH), path, fakeClock(), signer.Policy{
			MinFeeRateSatKVB: tc.lowest, MaxFeeRateSatKVB: 100_000, MaxFee: 50_000, MaxFeePermille: 50, FinalDepth: testDepth,
		})
		_, err := s.Sign(t.Context(), d.request(t))
		closeJournal()
		if tc.code == "" && err != nil || tc.code != "" && !errs.Is(err, errs.Code(tc.code)) {
			t.Errorf("%+v: got %v", tc, err)
		}
	}
}

func TestTheOperatorSetsTheLimits(t *testing.T) {
	t.Parallel()
	for code, edit := range map[string]func(*signer.Policy){
		"too_many_inputs":  func(p *signer.Policy) { p.MaxInputs = 1 },
		"too_many_outputs": func(p *signer.Policy) { p.MaxOutputs = 3 },
		"":                 func(p *signer.Policy) { p.MaxInputs, p.MaxOutputs = 2, 4 },
	} {
		p := signer.DefaultPolicy()
		edit(&p)
		_, err := withPolicy(t, p).Sign(t.Context(), newDraft(t, newKey(t, wallet.KindTR)).request(t))
		if code == "" && err != nil || code != "" && !errs.Is(err, errs.Code(code)) {
			t.Errorf("got %v, want %q", err, code)
		}
	}
}

// The headers of a proof must be as hard as the policy says, whatever the
// network allows.
func TestAProofOfEasyHeadersIsRefused(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindTR)
	p := signer.DefaultPolicy()
	p.FinalDepth, p.MaxTarget = testDepth, signer.TargetOf(1)
	s := withPolicy(t, p)
	d := newDraft(t, key)
	first, err := s.Sign(t.Context(), d.request(t))
	if err != nil {
		t.Fatal(err)
	}
	again := reissue(t, key, 6)
	again.dead = []signerrpc.DeadProof{deadBy(t, first.TxID, foreign(d.transaction(t).TxIn[0].PreviousOutPoint, payeeScript(9), 1000))}
	if _, err := s.Sign(t.Context(), again.request(t)); !errs.Is(err, "bad_dead_proof") {
		t.Errorf("got %v, want bad_dead_proof", err)
	}
}

// Where coins are worth something, nobody may ask for fewer confirmations.
func TestDepthFollowsTheNetwork(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		params *chaincfg.Params
		depth  int
		ok     bool
	}{
		{&chaincfg.MainNetParams, 99, false},
		{&chaincfg.MainNetParams, 100, true},
		{&chaincfg.MainNetParams, 144, true},
		{&chaincfg.MainNetParams, 0, true},
		{&chaincfg.TestNet3Params, 99, false},
		{&chaincfg.SigNetParams, 99, false},
		{&chaincfg.SimNetParams, 1, true},
		{&chaincfg.RegressionNetParams, 1, true},
	} {
		p := signer.DefaultPolicy()
		p.FinalDepth = tc.depth
		got, err := signer.PolicyOn(p, tc.params)
		if mainnet := tc.params.Name == "mainnet"; tc.ok && (got.MaxTarget != nil) != mainnet {
			t.Errorf("%s has target %x", tc.params.Name, got.MaxTarget)
		} else if tc.ok && mainnet && got.MaxTarget.Cmp(signer.TargetOf(20e12)) != 0 {
			t.Errorf("headers of mainnet may have target %x", got.MaxTarget)
		}
		if tc.ok && err != nil || !tc.ok && !errs.Is(err, "bad_policy") {
			t.Errorf("depth %d on %s: got %v, want ok %v", tc.depth, tc.params.Name, err, tc.ok)
		}
	}
}
