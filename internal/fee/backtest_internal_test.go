package fee

import (
	"context"
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	btcdpool "github.com/btcsuite/btcd/mempool"
	"github.com/btcsuite/btcd/mining"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/clock"
)

// scale makes each drawn transaction stand for as many alike, for speed.
const scale = 4

// simTx is a transaction of the synthetic chain.
type simTx struct {
	waiting
	id chainhash.Hash
	tx *btcutil.Tx // what btcd's estimator is shown
}

// sim is a chain with a mempool and a miner that takes the best rates first. Our
// estimator sees it through Node, btcd's own is told of it as the node tells it.
type sim struct {
	rng    *rand.Rand
	draws  []waiting
	clock  *clock.Fake
	btcd   *btcdpool.FeeEstimator
	pool   []simTx
	height int32
	hashes []Block // of the last blocks
	serial uint64
	needed []int64 // by block, the rate that got in
	due    int64   // weight that is still to arrive; below 0 when the last was larger
}

func hashOf(n uint64) (h chainhash.Hash) {
	binary.LittleEndian.PutUint64(h[:], n)
	return h
}

func (s *sim) FeeStatus(context.Context) (Status, error) {
	return Status{Height: s.height, Hash: s.hashes[len(s.hashes)-1].Hash, TipTime: s.clock.Now(), Peers: 8, RelayFeeSatKVB: 1000}, nil
}

func (s *sim) Mempool(context.Context) ([]Tx, error) {
	txs := make([]Tx, len(s.pool))
	for i, tx := range s.pool {
		txs[i] = Tx{TxID: tx.id, Weight: tx.weight, FeeSat: tx.rate * tx.weight / 4000}
	}
	return txs, nil
}

func (s *sim) BlockTxs(_ context.Context, hash chainhash.Hash) (Block, error) {
	i := slices.IndexFunc(s.hashes, func(b Block) bool { return b.Hash == hash })
	if i < 0 {
		return Block{}, fmt.Errorf("no block %s", hash)
	}
	return s.hashes[i], nil
}

func (s *sim) EstimateFee(_ context.Context, blocks int) (int64, bool, error) {
	rate, err := s.btcd.EstimateFee(uint32(blocks))
	if err != nil || rate <= 0 {
		return 0, false, nil //nolint:nilerr // chain.Client says it so
	}
	return int64(math.Round(float64(rate) * btcutil.SatoshiPerBitcoin)), true, nil
}

// arrive puts drawn transactions of so much weight into the mempool.
func (s *sim) arrive(weight int64) {
	for s.due += weight; s.due > 0; {
		d := s.draws[s.rng.IntN(len(s.draws))]
		s.serial++
		msg := wire.NewMsgTx(2)
		msg.LockTime = uint32(s.serial)
		msg.AddTxIn(&wire.TxIn{})
		msg.AddTxOut(&wire.TxOut{})
		tx := btcutil.NewTx(msg)
		size := btcdpool.GetTxVirtualSize(tx)
		s.btcd.ObserveTransaction(&btcdpool.TxDesc{TxDesc: mining.TxDesc{Tx: tx, Height: s.height, Fee: d.rate * size / 1000}})
		s.pool = append(s.pool, simTx{waiting: d, id: hashOf(s.serial), tx: tx})
		s.due -= d.weight
	}
}

func (s *sim) mine(t testing.TB) {
	slices.SortStableFunc(s.pool, func(a, b simTx) int { return int(b.rate - a.rate) })
	room, needed, n := int64(blockRoom), int64(MinFloorSatKVB), 0
	s.height++
	block := Block{Hash: chainhash.Hash{0: 1}, Previous: s.hashes[len(s.hashes)-1].Hash, Time: s.clock.Now()}
	binary.LittleEndian.PutUint32(block.Hash[1:], uint32(s.height))
	msg := wire.NewMsgBlock(&wire.BlockHeader{Nonce: uint32(s.height)})
	for n < len(s.pool) && s.pool[n].weight <= room { // the largest is a tenth of a block
		room -= s.pool[n].weight
		needed = s.pool[n].rate
		block.Txs = append(block.Txs, BlockTx{TxID: s.pool[n].id, Weight: s.pool[n].weight})
		msg.Transactions = append(msg.Transactions, s.pool[n].tx.MsgTx())
		n++
	}
	if n == len(s.pool) {
		needed = MinFloorSatKVB // all of it fitted
	}
	s.pool = slices.Delete(s.pool, 0, n)
	s.hashes = append(s.hashes, block)
	s.hashes = s.hashes[max(0, len(s.hashes)-2*gateBlocks):]
	s.needed = append(s.needed, needed)
	b := btcutil.NewBlock(msg)
	b.SetHeight(s.height)
	if err := s.btcd.RegisterBlock(b); err != nil {
		t.Fatal(err)
	}
}

// step is the time to the next block and the weight that arrives meanwhile.
type step struct {
	interval time.Duration
	weight   int64
}

// score counts how an estimator did for one target.
type score struct {
	asked, missed int
	paid, needed  float64
}

// The targets of the table; the estimates that are stored have others.
func backtestTargets() []int { return []int{1, 3, 6, 36} }

// backtest runs a chain and asks every estimator after each block.
func backtest(t testing.TB, draws []waiting, steps []step) (map[string][]score, int) {
	t.Helper()
	s := &sim{
		rng: rand.New(rand.NewPCG(1, 2)), draws: draws, clock: clock.NewFake(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)),
		btcd:   btcdpool.NewFeeEstimator(btcdpool.DefaultEstimateFeeMaxRollback, btcdpool.DefaultEstimateFeeMinRegisteredBlocks),
		hashes: []Block{{Hash: chainhash.Hash{0: 1}}},
	}
	e, err := New(Config{Node: s, Clock: s.clock})
	if err != nil {
		t.Fatal(err)
	}
	e.targets = backtestTargets()
	tick := func() Estimate {
		est, err := e.Tick(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return est
	}
	var answers []map[string][]int64
	untrusted := 0
	for _, next := range steps {
		const look = time.Minute
		for left := next.interval; left > 0; left -= look {
			part := min(left, look)
			s.clock.Advance(part)
			s.arrive(int64(float64(next.weight) * part.Seconds() / next.interval.Seconds()))
			if left > look {
				tick()
			}
		}
		s.mine(t)
		est := tick()
		if !est.Trusted {
			untrusted++
		}
		answer := map[string][]int64{}
		for _, target := range est.Targets {
			answer["causeway"] = append(answer["causeway"], target.RateSatKVB)
			if rate, ok, _ := s.EstimateFee(t.Context(), min(target.Blocks, deepest)); ok {
				answer["btcd"] = append(answer["btcd"], rate)
			}
		}
		for _, v := range est.Votes[:2] {
			answer[v.Name] = v.RatesSatKVB
		}
		answers = append(answers, answer)
	}

	const warmUp = 150
	scores := map[string][]score{}
	for at := warmUp; at < len(answers)-slices.Max(e.targets); at++ {
		for name, rates := range answers[at] {
			if scores[name] == nil {
				scores[name] = make([]score, len(rates))
			}
			for i, target := range backtestTargets() {
				needed := slices.Min(s.needed[at+1 : at+1+target])
				c := &scores[name][i]
				c.asked++
				c.paid += float64(rates[i])
				c.needed += float64(needed)
				if rates[i] < needed {
					c.missed++
				}
			}
		}
	}
	return scores, untrusted
}

// synthetic is 1,000 blocks at random intervals, on average 85 % full, with a
// daily cycle, slow drift and a spike now and then.
func synthetic() []step {
	rng := rand.New(rand.NewPCG(3, 4))
	steps := make([]step, 1000)
	at, drift, spike := 0.0, 0.0, 0.0
	for i := range steps {
		seconds := rng.ExpFloat64()*599 + 1
		at += seconds
		drift = 0.98*drift + 0.05*rng.NormFloat64()
		spike *= 0.85
		if rng.Float64() < 0.01 {
			spike = 1
		}
		load := 0.79 * (1 + 0.3*math.Sin(2*math.Pi*at/86400)) * math.Exp(drift-0.03) * (1 + spike)
		steps[i] = step{interval: time.Duration(seconds * float64(time.Second)), weight: int64(load * blockRoom * seconds / 600)}
	}
	return steps
}

func table(t testing.TB, name string, columns int) [][]int64 {
	t.Helper()
	file, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	numbers := make([][]int64, len(rows)-1)
	for i, row := range rows[1:] {
		for _, text := range row[:columns] {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			numbers[i] = append(numbers[i], n)
		}
	}
	return numbers
}

// recorded is what arrived on the main network in spring 2016, so scaled that
// blocks of today's size are 95 % full, as those blocks were.
func recorded(t testing.TB) []step {
	t.Helper()
	rows := table(t, "arrivals-2016.csv", 3)[:1000]
	steps := make([]step, len(rows))
	for i, row := range rows {
		steps[i] = step{interval: time.Duration(row[1]) * time.Second, weight: row[2] * blockRoom / 765_662}
	}
	return steps
}

func recordedDraws(t testing.TB) []waiting {
	t.Helper()
	var draws []waiting
	for _, row := range table(t, "transactions-2016.csv", 3) {
		for range row[2] {
			draws = append(draws, waiting{rate: row[0], weight: min(row[1]*4*scale, 400_000)})
		}
	}
	return draws
}

// BenchmarkBacktest prints beside btcd's own estimator how often an estimate would not have been mined in
// time, and what it would have paid against the least that was.
func BenchmarkBacktest(b *testing.B) {
	draws := recordedDraws(b)
	for _, chain := range []struct {
		name  string
		steps []step
	}{{"synthetic", synthetic()}, {"recorded", recorded(b)}} {
		name, steps := chain.name, chain.steps
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				scores, untrusted := backtest(b, draws, steps)
				say := func(format string, args ...any) { fmt.Fprintf(os.Stdout, format, args...) } // b.Log shows ten lines
				say("\n%s, %d blocks, %d estimates not trusted; each: missed %%, paid / needed (btcd answers 36 as 25)\n%-12s", name, len(steps), untrusted, "")
				for _, target := range backtestTargets() {
					say(" %8s %2d    ", "target", target)
				}
				say("\n")
				for _, who := range []string{"causeway", VoteMempool, VoteBlocks, "btcd"} {
					say("%-12s", who)
					for _, c := range scores[who] {
						say(" %6.1f %% %5.2f ", 100*float64(c.missed)/float64(c.asked), c.paid/c.needed)
					}
					say("\n")
				}
			}
		})
	}
}
