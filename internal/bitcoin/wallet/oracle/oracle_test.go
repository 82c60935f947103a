package oracle_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/psbt/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/testkit/txtest"
)

// job asks the outside signers to sign with the keys of some seeds.
type job struct {
	PSBT   string   `json:"psbt"`
	Seeds  []string `json:"seeds"`
	Finish bool     `json:"finish"`
}

// made is what one library made of a job.
type made struct {
	PSBT     string `json:"psbt"`
	Finished string `json:"finished"`
	Tx       string `json:"tx"`
	TxID     string `json:"txid"`
	VSize    int64  `json:"vsize"`
}

// ask runs all jobs in one process.
func ask(t *testing.T, jobs []job) []map[string]made {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "tools", "oracle")
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		t.Fatalf("the outside signers are not installed, run make deps: %v", err)
	}
	input, err := json.Marshal(jobs)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "sign.mjs")
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(input)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, stderr.String())
	}
	var answers []map[string]made
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(jobs) {
		t.Fatalf("%d answers, %v", len(answers), err)
	}
	return answers
}

// plan builds a payment to every class of payee from coins of both chains.
func plan(t *testing.T, tr *txtest.Treasury) *txbuild.Plan {
	t.Helper()
	r := txbuild.Request{
		Descriptor: tr.Descriptor, FeeRate: txbuild.FeeRate(7000), MaxFeeRate: txbuild.FeeRate(50_000), MaxFee: 100_000,
		ChangeIndex: 12, LockTime: 812_345, Seed: [32]byte{1},
	}
	for i := range uint32(5) {
		coin := tr.Coin(t, btcutil.Amount(400_000+i), i%2, i, i)
		r.Coins, r.Must = append(r.Coins, coin), append(r.Must, coin.OutPoint)
	}
	for i, class := range txtest.Classes() {
		r.Payees = append(r.Payees, txbuild.Payee{
			Decision: class.String(), Script: txtest.PayeeScript(t, class, uint32(i)), Amount: btcutil.Amount(150_000 + i),
		})
	}
	p, err := txbuild.Build(r)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func read(t *testing.T, text string) *psbt.Packet {
	t.Helper()
	packet, err := txbuild.ParsePSBT([]byte(text))
	if err != nil {
		t.Fatalf("what came back cannot be read: %v", err)
	}
	return packet
}

// A PSBT of ours, signed by others, comes back as the transaction that we would
// have signed, byte for byte: RFC 6979 and zero auxiliary data leave one
// signature only.
func TestOthersSignTheSame(t *testing.T) {
	t.Parallel()
	type round struct {
		kind    wallet.Kind
		tr      *txtest.Treasury
		plan    *txbuild.Plan
		signers []int
		first   int // of its jobs
	}
	rounds := []*round{{kind: wallet.KindWPKH, signers: []int{0}}, {kind: wallet.KindTR, signers: []int{0}}, {kind: wallet.KindWSH, signers: []int{2, 0}}}
	var jobs []job
	for _, r := range rounds {
		r.tr = txtest.NewTreasury(t, r.kind, &chaincfg.SimNetParams, "oracle")
		r.plan, r.first = plan(t, r.tr), len(jobs)
		raw, err := txbuild.EncodePSBT(r.plan.PSBT)
		if err != nil {
			t.Fatal(err)
		}
		text := base64.StdEncoding.EncodeToString(raw)
		var seeds []string
		for _, i := range r.signers {
			seeds = append(seeds, hex.EncodeToString(r.tr.Seeds[i]))
			jobs = append(jobs, job{PSBT: text, Seeds: seeds[len(seeds)-1:]})
		}
		jobs = append(jobs, job{PSBT: text, Seeds: seeds, Finish: true})
	}
	answers := ask(t, jobs)
	for _, r := range rounds {
		ours, err := txbuild.ParsePSBT(encode(t, r.plan.PSBT))
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range r.signers {
			r.tr.SignWith(t, ours, i)
		}
		want, txid, err := txbuild.ExtractSigned(ours, r.tr.Descriptor)
		if err != nil {
			t.Fatal(err)
		}
		for _, library := range []string{"scure", "bitcoinjs"} {
			t.Run(string(r.kind)+"/"+library, func(t *testing.T) {
				t.Parallel()
				merged := r.plan.PSBT
				for n := range r.signers {
					var err error
					if merged, err = txbuild.Merge(merged, read(t, answers[r.first+n][library].PSBT)); err != nil {
						t.Fatalf("signer %d: %v", n, err)
					}
				}
				whole := answers[r.first+len(r.signers)][library]
				finished, err := txbuild.Merge(r.plan.PSBT, read(t, whole.Finished))
				if err != nil {
					t.Fatalf("finished: %v", err)
				}
				for name, packet := range map[string]*psbt.Packet{"combined": merged, "finished": finished} {
					if raw, _, err := txbuild.ExtractSigned(packet, r.tr.Descriptor); err != nil || !bytes.Equal(raw, want) {
						t.Errorf("%s: %x, %v; want %x", name, raw, err, want)
					}
				}
				tx, err := txbuild.VerifyRaw(want, r.plan.PSBT, r.tr.Descriptor)
				if err != nil {
					t.Fatal(err)
				}
				if whole.Tx != hex.EncodeToString(want) || whole.TxID != txid.String() || whole.VSize != txbuild.VSize(txbuild.Weight(tx)) {
					t.Errorf("they made %s, %d vB: %s\nwe made %s: %x", whole.TxID, whole.VSize, whole.Tx, txid, want)
				}
			})
		}
	}
}

func encode(t *testing.T, packet *psbt.Packet) []byte {
	t.Helper()
	raw, err := txbuild.EncodePSBT(packet)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
