package signer_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// BenchmarkSign is one request from its bytes to its answer (every check, each
// signature made and verified) beside btcec alone, which makes and verifies as many
// signatures one after the other, in turns. In "warm" the signer has answered the request
// before; in "cold" it has seen none of the keys, derives them all and writes the journal.
// x_btcec is the median of how many times btcec's time ours is, x_best and x_worst are its
// spread. x_cpu is the same of processor time, which tells what more cores hide.
func BenchmarkSign(b *testing.B) {
	for _, kind := range []wallet.Kind{wallet.KindWPKH, wallet.KindTR, wallet.KindWSH} {
		for _, inputs := range []int{10, 100, 1000} {
			b.Run(fmt.Sprintf("%s/%d/warm", kind, inputs), func(b *testing.B) {
				s, req := benchSigner(b, kind, inputs)
				sign(b, s, req)
				beside(b, bareBTCEC(b, kind, inputs), func() func() { return func() { sign(b, s, req) } })
			})
			b.Run(fmt.Sprintf("%s/%d/cold", kind, inputs), func(b *testing.B) {
				beside(b, bareBTCEC(b, kind, inputs), func() func() {
					s, req := benchSigner(b, kind, inputs)
					return func() { sign(b, s, req) }
				})
			})
		}
	}
}

// turns is how often each side is timed in one round.
const turns = 7

// beside times what ours returns, and bare, in turns.
func beside(b *testing.B, bare func(), ours func() func()) {
	b.Helper()
	var ratios, cpu []float64
	for b.Loop() {
		for range turns {
			one := ours()
			bareTook, bareCPU := timed(b, bare)
			took, spent := timed(b, one)
			ratios = append(ratios, float64(took)/float64(bareTook))
			cpu = append(cpu, float64(spent)/float64(bareCPU))
		}
	}
	slices.Sort(ratios)
	slices.Sort(cpu)
	b.ReportMetric(ratios[len(ratios)/2], "x_btcec")
	b.ReportMetric(ratios[0], "x_best")
	b.ReportMetric(ratios[len(ratios)-1], "x_worst")
	b.ReportMetric(cpu[len(cpu)/2], "x_cpu")
	b.ReportMetric(0, "ns/op")
}

// timed returns how long f takes, and how much processor time, the collector's included.
func timed(b *testing.B, f func()) (took, spent time.Duration) {
	b.Helper()
	processor := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	runtime.GC() // each side pays for its own waste
	before, began := processor(), time.Now()
	f()
	return time.Since(began), processor() - before
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

// bareBTCEC returns what makes and verifies n signatures of n different keys with btcec
// alone.
func bareBTCEC(b *testing.B, kind wallet.Kind, n int) func() {
	b.Helper()
	keys := make([]*btcec.PrivateKey, n)
	for i := range keys {
		keys[i], _ = btcec.PrivKeyFromBytes([]byte{1, byte(i), byte(i >> 8)})
	}
	return func() {
		digest := make([]byte, 32)
		for i, key := range keys {
			digest[0], digest[1] = byte(i), byte(i>>8)
			if !signAndVerify(kind, key, digest) {
				b.Fatal("a signature does not verify")
			}
		}
	}
}

func signAndVerify(kind wallet.Kind, key *btcec.PrivateKey, digest []byte) bool {
	if kind != wallet.KindTR {
		return ecdsa.Sign(key, digest).Verify(digest, key.PubKey())
	}
	sig, err := schnorr.Sign(key, digest, schnorr.CustomNonce([32]byte{}), schnorr.FastSign())
	return err == nil && sig.Verify(digest, key.PubKey())
}
