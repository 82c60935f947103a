package signer_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/decision"
	"github.com/causeway-fund/causeway/internal/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/wallet"
)

// BenchmarkSign is one request from its bytes to its answer (every check, each
// signature made and verified, everything but the journal line, which is there
// already) beside btcec alone, which makes and verifies as many signatures.
// x_btcec is the ratio; ns/input shows that it is linear. In "cold" the signer
// has seen none of the keys before: it derives them all and writes the line.
func BenchmarkSign(b *testing.B) {
	for _, kind := range []wallet.Kind{wallet.KindWPKH, wallet.KindTR, wallet.KindWSH} {
		for _, inputs := range []int{10, 100, 1000} {
			bare := bareBTCEC(b, kind, inputs)
			report := func(b *testing.B) {
				b.Helper()
				each := float64(b.Elapsed()) / float64(b.N)
				b.ReportMetric(each/float64(bare), "x_btcec")
				b.ReportMetric(each/float64(inputs), "ns/input")
			}
			b.Run(fmt.Sprintf("%s/%d/warm", kind, inputs), func(b *testing.B) {
				s, req := benchSigner(b, kind, inputs)
				sign(b, s, req)
				for b.Loop() {
					sign(b, s, req)
				}
				report(b)
			})
			b.Run(fmt.Sprintf("%s/%d/cold", kind, inputs), func(b *testing.B) {
				for b.Loop() {
					b.StopTimer()
					s, req := benchSigner(b, kind, inputs)
					b.StartTimer()
					sign(b, s, req)
				}
				report(b)
			})
		}
	}
}

func sign(b *testing.B, s *signer.Signer, req signerrpc.Request) {
	b.Helper()
	if _, err := s.Sign(b.Context(), req); err != nil {
		b.Fatal(err)
	}
}

// benchSigner returns a signer whose keys are not derived yet, and a request
// that makes one coin of many.
func benchSigner(b *testing.B, kind wallet.Kind, inputs int) (*signer.Signer, signerrpc.Request) {
	b.Helper()
	d := newUpkeep(b, newKey(b, kind), decision.UpkeepConsolidate, 1)
	d.coins = nil
	for i := range uint32(inputs) {
		d.coins = append(d.coins, newCoin(b, d.key.Descriptor(), i, 50_000))
	}
	d.fee = 120 * btcutil.Amount(inputs)
	d.onUpkeep = func(n *decision.UpkeepNote) { n.MaxFee = 120_000 }
	path := filepath.Join(b.TempDir(), "journal")
	if err := signer.CreateJournal(path); err != nil {
		b.Fatal(err)
	}
	s, closeJournal := openSignerWith(b, newKey(b, kind), path, fakeClock(), signer.DefaultPolicy())
	b.Cleanup(closeJournal)
	return s, d.request(b)
}

// bareBTCEC returns how long btcec takes to make and verify n signatures of n
// different keys: the shortest of several times.
func bareBTCEC(b *testing.B, kind wallet.Kind, n int) time.Duration {
	b.Helper()
	keys := make([]*btcec.PrivateKey, n)
	for i := range keys {
		keys[i], _ = btcec.PrivKeyFromBytes([]byte{1, byte(i), byte(i >> 8)})
	}
	digest := make([]byte, 32)
	shortest := time.Duration(1 << 62)
	for range 3 + 300/n {
		start := clock.Real{}.Now()
		for i, key := range keys {
			digest[0], digest[1] = byte(i), byte(i>>8)
			if !signAndVerify(kind, key, digest) {
				b.Fatal("a signature does not verify")
			}
		}
		shortest = min(shortest, clock.Real{}.Now().Sub(start))
	}
	return shortest
}

func signAndVerify(kind wallet.Kind, key *btcec.PrivateKey, digest []byte) bool {
	if kind != wallet.KindTR {
		return ecdsa.Sign(key, digest).Verify(digest, key.PubKey())
	}
	sig, err := schnorr.Sign(key, digest, schnorr.CustomNonce([32]byte{}), schnorr.FastSign())
	return err == nil && sig.Verify(digest, key.PubKey())
}
