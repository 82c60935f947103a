package signer_test

import (
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// foreign is a transaction of somebody with the treasury's key elsewhere: it
// spends in and pays script.
func foreign(in wire.OutPoint, script []byte, sat int64) *wire.MsgTx {
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(wire.NewTxIn(&in, nil, nil))
	tx.AddTxOut(wire.NewTxOut(5, []byte{0x51}))
	tx.AddTxOut(wire.NewTxOut(sat, script))
	return tx
}

// reissue pays the decisions of newDraft in another batch from another coin.
func reissue(t tb, key *signer.Key, number uint32) *draft {
	t.Helper()
	d := newDraft(t, key)
	d.number = number
	d.coins = []coin{newCoin(t, key.Descriptor(), 100+number, 4_000_000)}
	return d
}

// taken is a signer that released newDraft and its replacement, and their ids.
func taken(t *testing.T, kind wallet.Kind) (s *signer.Signer, first, second string) {
	t.Helper()
	s = freshSigner(t, kind)
	d := newDraft(t, newKey(t, kind))
	ids := make([]string, 2)
	for i := range ids {
		d.attempt, d.fee = int64(i), d.fee+1000
		resp, err := s.Sign(t.Context(), d.request(t))
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = resp.TxID
	}
	return s, ids[0], ids[1]
}

func TestADeadBatchIsPaidAgain(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindTR)
	void := voidOf(t, key)
	void.attempt, void.fee = 2, 6000
	coinIn := void.transaction(t).TxIn[0].PreviousOutPoint
	for name, tx := range map[string]*wire.MsgTx{
		"by its void":       void.transaction(t),
		"by a stranger":     foreign(coinIn, payeeScript(0), 999_999), // same script, another amount
		"by another script": foreign(coinIn, payeeScript(9), 1_000_000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, first, second := taken(t, wallet.KindTR)
			if name == "by its void" {
				if _, err := s.Sign(t.Context(), void.request(t)); err != nil {
					t.Fatal(err)
				}
			}
			again := reissue(t, key, 6)
			if _, err := s.Sign(t.Context(), again.request(t)); !errs.Is(err, "would_pay_twice") {
				t.Fatalf("without a proof: got %v, want would_pay_twice", err)
			}
			again.dead = []signerrpc.DeadProof{deadBy(t, first, tx)}
			if _, err := s.Sign(t.Context(), again.request(t)); err != nil {
				t.Fatalf("with a proof: %v", err)
			}
			r := lastRecord(t, s)
			if len(r.Dead) != 2 || r.Dead[0].By != tx.TxHash().String() || r.Dead[1].By != r.Dead[0].By || len(r.Dead[0].Block) != 64 ||
				r.Dead[0].TxID != min(first, second) || r.Dead[1].TxID != max(first, second) {
				t.Errorf("journalled %+v", r.Dead)
			}
			// The proof is in the journal: a replacement needs none.
			bump := reissue(t, key, 6)
			bump.attempt, bump.fee = 1, 5000
			if _, err := s.Sign(t.Context(), bump.request(t)); err != nil {
				t.Errorf("a replacement: %v", err)
			}
			// It says nothing about the new transactions.
			third := reissue(t, key, 7)
			third.dead = again.dead
			if _, err := s.Sign(t.Context(), third.request(t)); !errs.Is(err, "would_pay_twice") {
				t.Errorf("a third time: got %v, want would_pay_twice", err)
			}
		})
	}
}

func TestProofsThatDoNotHold(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindTR)
	ins := newDraft(t, key).transaction(t).TxIn
	good := foreign(ins[1].PreviousOutPoint, payeeScript(9), 1000)
	decisions := newDraft(t, key).notes
	for name, tc := range map[string]struct {
		code string
		make func(t *testing.T, first, second string) signerrpc.DeadProof
	}{
		"as it should be": {"", func(t *testing.T, first, _ string) signerrpc.DeadProof { t.Helper(); return deadBy(t, first, good) }},
		"for one decision": {"", func(t *testing.T, first, _ string) signerrpc.DeadProof {
			t.Helper()
			p := deadBy(t, first, good)
			p.Decision, p.Period = decisions[1].Decision.String(), 1
			return p
		}},
		"for a decision that is not here": {"dead_unknown", func(t *testing.T, first, _ string) signerrpc.DeadProof {
			t.Helper()
			p := deadBy(t, first, good)
			p.Decision, p.Period = newNote(t, 70, 1).Decision.String(), 1
			return p
		}},
		"of a stranger's transaction": {"would_pay_twice", func(t *testing.T, _, _ string) signerrpc.DeadProof {
			t.Helper()
			return deadBy(t, chainhash.Hash{1}.String(), good)
		}},
		"one block short": {"bad_dead_proof", func(t *testing.T, first, _ string) signerrpc.DeadProof {
			t.Helper()
			return signerrpc.DeadProof{TxID: first, Proof: mined(t, good, testDepth-1)}
		}},
		"without work": {"bad_dead_proof", func(t *testing.T, first, _ string) signerrpc.DeadProof {
			t.Helper()
			p := deadBy(t, first, good)
			p.Proof.Headers[len(p.Proof.Headers)-5] = 0x1d // the last byte of the last header's bits
			return p
		}},
		"of another transaction": {"bad_dead_proof", func(t *testing.T, first, _ string) signerrpc.DeadProof {
			t.Helper()
			p := deadBy(t, first, good)
			p.Proof.Tx = mined(t, foreign(ins[0].PreviousOutPoint, payeeScript(9), 1000), 1).Tx
			return p
		}},
		"that spends something else": {"not_dead", func(t *testing.T, first, _ string) signerrpc.DeadProof {
			t.Helper()
			return deadBy(t, first, foreign(wire.OutPoint{Index: 7}, payeeScript(9), 1000))
		}},
		"that is the transaction itself": {"not_dead", func(t *testing.T, first, _ string) signerrpc.DeadProof {
			t.Helper()
			d := newDraft(t, key)
			d.fee = 4000
			return deadBy(t, first, d.transaction(t))
		}},
		"that is the replacement": {"paid_by_proof", func(t *testing.T, first, _ string) signerrpc.DeadProof {
			t.Helper()
			d := newDraft(t, key)
			d.fee = 5000
			return deadBy(t, first, d.transaction(t))
		}},
		"that pays one of the decisions": {"paid_by_proof", func(t *testing.T, first, _ string) signerrpc.DeadProof {
			t.Helper()
			return deadBy(t, first, foreign(ins[0].PreviousOutPoint, decisions[2].Payee(1).Script, decisions[2].Amount))
		}},
		"too large": {"too_large", func(t *testing.T, first, _ string) signerrpc.DeadProof {
			t.Helper()
			p := deadBy(t, first, good)
			p.Proof.Tx = make([]byte, signerrpc.MaxDead)
			return p
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, first, second := taken(t, wallet.KindTR)
			d := reissue(t, key, 6)
			d.dead = []signerrpc.DeadProof{tc.make(t, first, second)}
			_, err := s.Sign(t.Context(), d.request(t))
			if tc.code == "" && err != nil || tc.code != "" && !errs.Is(err, errs.Code(tc.code)) {
				t.Errorf("got %v, want %q", err, tc.code)
			}
			if tc.code != "" && s.Info().JournalRecords != 2 {
				t.Error("something was journalled")
			}
		})
	}
}

// A batch that spends the change of another dies with it, and lives with it.
func TestWhatDescendsFromADeadTransactionIsDead(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindTR)
	s := freshSigner(t, wallet.KindTR)
	parent := newDraft(t, key)
	if _, err := s.Sign(t.Context(), parent.request(t)); err != nil {
		t.Fatal(err)
	}
	last, ids := parent, []string{}
	for number := uint32(6); number < 8; number++ {
		tx := last.transaction(t)
		d := newDraft(t, key)
		d.number, d.notes = number, []decision.Note{newNote(t, byte(40+number), 200_000)}
		d.coins = []coin{{prev: tx, vout: uint32(len(tx.TxOut) - 1), chain: wallet.ChainChange, index: last.number}}
		resp, err := s.Sign(t.Context(), d.request(t))
		if err != nil {
			t.Fatal(err)
		}
		last, ids = d, append(ids, resp.TxID)
	}
	again := *last
	again.number, again.coins = 9, []coin{newCoin(t, key.Descriptor(), 60, 4_000_000)}
	again.dead = []signerrpc.DeadProof{deadBy(t, ids[1], parent.transaction(t))}
	if _, err := s.Sign(t.Context(), again.request(t)); !errs.Is(err, "not_dead") {
		t.Errorf("its ancestor is in the chain: got %v, want not_dead", err)
	}
	tx := foreign(parent.transaction(t).TxIn[0].PreviousOutPoint, payeeScript(9), 1000)
	again.dead = []signerrpc.DeadProof{deadBy(t, ids[1], tx)}
	if _, err := s.Sign(t.Context(), again.request(t)); err != nil {
		t.Errorf("its ancestor is dead: %v", err)
	}
}

// Of several signers each has signed some only; what is said about the others is
// no business of this one.
func TestProofsAboutWhatOthersSignedAreLeftOut(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindTR)
	s, first, _ := taken(t, wallet.KindTR)
	tx := foreign(newDraft(t, key).transaction(t).TxIn[0].PreviousOutPoint, payeeScript(9), 1000)
	d := reissue(t, key, 6)
	d.dead = []signerrpc.DeadProof{{TxID: chainhash.Hash{1}.String()}, deadBy(t, first, tx)}
	if _, err := s.Sign(t.Context(), d.request(t)); err != nil {
		t.Error(err)
	}
}

// Only the input that both transactions of a batch spend kills both.
func TestEachEarlierTransactionMustBeDead(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindTR)
	s := freshSigner(t, wallet.KindTR)
	d := newDraft(t, key)
	if _, err := s.Sign(t.Context(), d.request(t)); err != nil {
		t.Fatal(err)
	}
	added := newCoin(t, key.Descriptor(), 40, 1_000_000)
	d.attempt, d.fee, d.coins = 1, 5000, append(d.coins, added)
	bump, err := s.Sign(t.Context(), d.request(t))
	if err != nil {
		t.Fatal(err)
	}
	again := reissue(t, key, 6)
	again.dead = []signerrpc.DeadProof{deadBy(t, bump.TxID, foreign(wire.OutPoint{Hash: added.prev.TxHash(), Index: added.vout}, payeeScript(9), 1000))}
	if _, err := s.Sign(t.Context(), again.request(t)); !errs.Is(err, "would_pay_twice") {
		t.Errorf("the added input is gone: got %v, want would_pay_twice", err)
	}
}

// Other people may be paid from what a dead batch left.
func TestCoinsOfADeadBatchAreFree(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindTR)
	s, first, _ := taken(t, wallet.KindTR)
	tx := newDraft(t, key).transaction(t)
	other := newDraft(t, key)
	other.number = 6
	other.coins = other.coins[1:]
	other.notes = other.notes[:0]
	other.notes = append(other.notes, newNote(t, 50, 1_000_000))
	if _, err := s.Sign(t.Context(), other.request(t)); !errs.Is(err, "coin_promised") {
		t.Fatalf("without a proof: got %v, want coin_promised", err)
	}
	other.dead = []signerrpc.DeadProof{deadBy(t, first, foreign(tx.TxIn[0].PreviousOutPoint, payeeScript(9), 1000))}
	if _, err := s.Sign(t.Context(), other.request(t)); err != nil {
		t.Fatalf("with a proof: %v", err)
	}
	if r := lastRecord(t, s); len(r.Dead) != 2 {
		t.Errorf("journalled %+v", r.Dead)
	}
	upkeep := newUpkeep(t, key, "consolidate", 1)
	upkeep.coins = upkeep.coins[1:]
	if _, err := s.Sign(t.Context(), upkeep.request(t)); !errs.Is(err, "coin_promised") {
		t.Errorf("now it is promised to the new batch: got %v, want coin_promised", err)
	}
}

func TestTargetsAndDepths(t *testing.T) {
	t.Parallel()
	if got := signer.TargetOf(1); got.BitLen() != 224 || got.Cmp(signer.TargetOf(2)) <= 0 {
		t.Errorf("difficulty 1 is target %x", got)
	}
	for depth, ok := range map[int]bool{0: true, 1: true, 99: true, 2016: true, 2017: false, -1: false} {
		p := signer.DefaultPolicy()
		p.FinalDepth = depth
		if err := p.Validate(); (err == nil) != ok {
			t.Errorf("depth %d: %v", depth, err)
		}
	}
}

// A coin stays with its batch while one transaction of the batch can confirm.
func TestCoinsOfAHalfDeadBatchAreNotFree(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindTR)
	s := freshSigner(t, wallet.KindTR)
	d := newDraft(t, key)
	if _, err := s.Sign(t.Context(), d.request(t)); err != nil {
		t.Fatal(err)
	}
	added := newCoin(t, key.Descriptor(), 40, 1_000_000)
	d.attempt, d.fee, d.coins = 1, 5000, append(d.coins, added)
	bump, err := s.Sign(t.Context(), d.request(t))
	if err != nil {
		t.Fatal(err)
	}
	other := newDraft(t, key)
	other.number, other.coins, other.notes = 6, other.coins[1:], nil
	other.notes = append(other.notes, newNote(t, 50, 1_000_000))
	other.dead = []signerrpc.DeadProof{deadBy(t, bump.TxID, foreign(wire.OutPoint{Hash: added.prev.TxHash(), Index: added.vout}, payeeScript(9), 1000))}
	if _, err := s.Sign(t.Context(), other.request(t)); !errs.Is(err, "coin_promised") {
		t.Errorf("got %v, want coin_promised", err)
	}
}
