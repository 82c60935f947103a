package signer_test

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/decision"
	"github.com/causeway-fund/causeway/internal/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/wallet"
)

// BenchmarkSign is one request from its bytes to its answer (every check, each
// signature made and verified) beside btcec alone, which makes and verifies as
// many signatures. In "warm" the signer has answered the request before; in
// "cold" it has seen none of the keys, derives them all and writes the journal.
// x_btcec is the ratio and cpu-ns/input shows that the time is linear; both are of
// processor time, which other programs on the machine do not change much.
func BenchmarkSign(b *testing.B) {
	for _, kind := range []wallet.Kind{wallet.KindWPKH, wallet.KindTR, wallet.KindWSH} {
		for _, inputs := range []int{10, 100, 1000} {
			b.Run(fmt.Sprintf("%s/%d/warm", kind, inputs), func(b *testing.B) {
				s, req := benchSigner(b, kind, inputs)
				sign(b, s, req)
				bare := bareBTCEC(b, kind, inputs)
				var took time.Duration
				for b.Loop() {
					took += processor(b, func() { sign(b, s, req) })
				}
				report(b, took, bare, inputs)
			})
			b.Run(fmt.Sprintf("%s/%d/cold", kind, inputs), func(b *testing.B) {
				bare := bareBTCEC(b, kind, inputs)
				var took time.Duration
				for b.Loop() {
					s, req := benchSigner(b, kind, inputs)
					took += processor(b, func() { sign(b, s, req) })
				}
				report(b, took, bare, inputs)
			})
		}
	}
}

func report(b *testing.B, took, bare time.Duration, inputs int) {
	b.Helper()
	each := float64(took) / float64(b.N)
	b.ReportMetric(each/float64(bare), "x_btcec")
	b.ReportMetric(each/float64(inputs), "cpu-ns/input")
}

// processor returns how much processor time f takes, the collector's included.
func processor(b *testing.B, f func()) time.Duration {
	b.Helper()
	spent := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := spent()
	f()
	return spent() - before
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
	d.onUpkeep = func(n *decision.UpkeepNote) { n.MaxFee = 250_000 }
	path := filepath.Join(b.TempDir(), "journal")
	if err := signer.CreateJournal(path); err != nil {
		b.Fatal(err)
	}
	s, closeJournal := openSignerWith(b, newKey(b, kind), path, fakeClock(), signer.DefaultPolicy())
	b.Cleanup(closeJournal)
	return s, d.request(b)
}

// bareBTCEC returns how long btcec takes to make and verify n signatures of n
// different keys.
func bareBTCEC(b *testing.B, kind wallet.Kind, n int) time.Duration {
	b.Helper()
	keys := make([]*btcec.PrivateKey, n)
	for i := range keys {
		keys[i], _ = btcec.PrivKeyFromBytes([]byte{1, byte(i), byte(i >> 8)})
	}
	digest := make([]byte, 32)
	times := 3 + 300/n
	return processor(b, func() {
		for range times {
			for i, key := range keys {
				digest[0], digest[1] = byte(i), byte(i>>8)
				if !signAndVerify(kind, key, digest) {
					b.Fatal("a signature does not verify")
				}
			}
		}
	}) / time.Duration(times)
}

func signAndVerify(kind wallet.Kind, key *btcec.PrivateKey, digest []byte) bool {
	if kind != wallet.KindTR {
		return ecdsa.Sign(key, digest).Verify(digest, key.PubKey())
	}
	sig, err := schnorr.Sign(key, digest, schnorr.CustomNonce([32]byte{}), schnorr.FastSign())
	return err == nil && sig.Verify(digest, key.PubKey())
}
