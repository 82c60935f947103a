package chain_test

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/chain"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/chaintest"
)

func submit(t *testing.T, c *chain.Client, tx *wire.MsgTx) chain.Outcome {
	t.Helper()
	o, err := c.Submit(t.Context(), raw(t, tx), maxRate)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func wantVerdict(t *testing.T, got chain.Outcome, want chain.Verdict) {
	t.Helper()
	if got.Verdict != want {
		t.Errorf("got %+v, want %s", got, want)
	}
}

func TestSubmitFollowsATransactionThroughItsLife(t *testing.T) {
	t.Parallel()
	node := chaintest.New(t)
	c := node.Client()
	p := newPayee(t)
	tx := p.spend(t, node, coinSize, 1000)

	wantVerdict(t, submit(t, c, tx), chain.Accepted)
	wantVerdict(t, submit(t, c, tx), chain.AlreadyKnown)
	node.Restart()
	wantVerdict(t, submit(t, c, tx), chain.Accepted) // btcd forgets its mempool
	node.Mine(1)
	wantVerdict(t, submit(t, c, tx), chain.AlreadyMined)

	// Once its outputs are spent, btcd says the same as for a stolen input.
	wantVerdict(t, submit(t, c, p.sign(t, wire.OutPoint{Hash: tx.TxHash()}, coinSize-1000, 1000)), chain.Accepted)
	node.Mine(1)
	paid := submit(t, c, tx)
	wantVerdict(t, paid, chain.Unknown)
	if paid.Code != -25 {
		t.Errorf("code %d, want -25", paid.Code)
	}
}

func TestSubmitOfAnInputSpentByAnotherIsUnknown(t *testing.T) {
	t.Parallel()
	node := chaintest.New(t)
	c := node.Client()
	p := newPayee(t)
	ours := p.spend(t, node, coinSize, 1000)
	theirs := p.sign(t, ours.TxIn[0].PreviousOutPoint, coinSize, 2000)
	wantVerdict(t, submit(t, c, theirs), chain.Accepted)
	node.Mine(1)

	wantVerdict(t, submit(t, c, ours), chain.Unknown)
}

func TestSubmitReplacesByFee(t *testing.T) {
	t.Parallel()
	node := chaintest.New(t)
	c := node.Client()
	p := newPayee(t)
	first := p.spend(t, node, coinSize, 1000)
	op := first.TxIn[0].PreviousOutPoint
	second := p.sign(t, op, coinSize, 2000)
	tooCheap := p.sign(t, op, coinSize, 2001)

	wantVerdict(t, submit(t, c, first), chain.Accepted)
	wantVerdict(t, submit(t, c, second), chain.Accepted)
	wantVerdict(t, submit(t, c, tooCheap), chain.Refused)

	spender, ok, err := c.Spender(t.Context(), op)
	if err != nil || !ok || spender != second.TxHash() {
		t.Errorf("spender %s, %v, %v, want %s", spender, ok, err, second.TxHash())
	}
}

func TestSubmitHoldsTheFeeCapThatBtcdDoesNot(t *testing.T) {
	t.Parallel()
	node := chaintest.New(t)
	c := node.Client()
	p := newPayee(t)
	// 110 virtual bytes, so 9000 sat of fee are 81.818 sat per virtual byte.
	tx := p.spend(t, node, coinSize, 9000)

	over, err := c.Submit(t.Context(), raw(t, tx), 81_817)
	if err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, over, chain.Refused)
	if holds(t, node, tx) {
		t.Error("a transaction over the cap was sent")
	}

	under, err := c.Submit(t.Context(), raw(t, tx), 81_818)
	if err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, under, chain.Accepted)
}

func TestSubmitRefusesWhatTheNetworkWouldNotRelay(t *testing.T) {
	t.Parallel()
	node := chaintest.New(t)
	c := node.Client()
	p := newPayee(t)
	cheap := p.spend(t, node, coinSize, 50)
	dust := p.spend(t, node, 1500, 1250)

	wantVerdict(t, submit(t, c, cheap), chain.Refused)
	wantVerdict(t, submit(t, c, dust), chain.Refused)
}

// What btcd says of its floor is what it holds a transaction to.
func TestTheNodeRelaysFromItsFloorOn(t *testing.T) {
	t.Parallel()
	node := chaintest.New(t, "--minrelaytxfee=0.000001")
	c := node.Client()
	info, err := c.Check(t.Context())
	if err != nil || info.RelayFeeSatKVB != 100 {
		t.Fatalf("relays from %d sat/kvB on, %v; want 100", info.RelayFeeSatKVB, err)
	}
	p := newPayee(t)
	first := p.spend(t, node, coinSize, 11) // 110 virtual bytes at 0.1 sat per virtual byte
	op := first.TxIn[0].PreviousOutPoint

	wantVerdict(t, submit(t, c, p.sign(t, op, coinSize, 10)), chain.Refused)
	wantVerdict(t, submit(t, c, first), chain.Accepted)
	// A replacement adds as much for its own relay.
	wantVerdict(t, submit(t, c, p.sign(t, op, coinSize, 21)), chain.Refused)
	wantVerdict(t, submit(t, c, p.sign(t, op, coinSize, 22)), chain.Accepted)
}

func TestSubmitSendsNothingThatIsNotOneTransaction(t *testing.T) {
	t.Parallel()
	node := chaintest.New(t)
	c := node.Client()
	good := raw(t, newPayee(t).spend(t, node, coinSize, 1000))
	tests := map[string]struct {
		raw  []byte
		rate int64
	}{
		"nothing":         {nil, maxRate},
		"cut short":       {good[:len(good)-1], maxRate},
		"a byte too many": {append(bytes.Clone(good), 0), maxRate},
		"no cap":          {good, 0},
		"negative cap":    {good, -1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := c.Submit(t.Context(), tt.raw, tt.rate)
			if errs.KindOf(err) != errs.Invalid {
				t.Errorf("got %v, want invalid", err)
			}
		})
	}
}

// TestLostReplyIsUnknown puts between client and node a relay that swallows the
// answer to sendrawtransaction after the node has acted on it.
func TestLostReplyIsUnknown(t *testing.T) {
	t.Parallel()
	node := chaintest.New(t)
	tx := newPayee(t).spend(t, node, coinSize, 1000)
	relay := httptest.NewTLSServer(swallow(t, node, "sendrawtransaction"))
	t.Cleanup(relay.Close)
	cfg := node.Config()
	cfg.Host = strings.TrimPrefix(relay.URL, "https://")
	cfg.CertFile = filepath.Join(t.TempDir(), "relay.pem")
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: relay.Certificate().Raw})
	if err := os.WriteFile(cfg.CertFile, cert, 0o600); err != nil {
		t.Fatal(err)
	}

	lost := submit(t, client(t, cfg), tx)

	wantVerdict(t, lost, chain.Unknown)
	if !holds(t, node, tx) {
		t.Error("the relay lost the request, not the reply: this test proves nothing")
	}
	wantVerdict(t, submit(t, node.Client(), tx), chain.AlreadyKnown)
}

func swallow(t *testing.T, node *chaintest.Node, method string) http.Handler {
	t.Helper()
	rpc := node.Handle().RPC()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var ask struct {
			Method string `json:"method"`
			Params []any  `json:"params"`
		}
		if err := json.Unmarshal(body, &ask); err != nil {
			t.Error(err)
		}
		var result json.RawMessage
		if err := rpc.Call(r.Context(), &result, ask.Method, ask.Params...); err != nil {
			t.Errorf("relayed %s: %v", ask.Method, err)
		}
		if ask.Method == method {
			panic(http.ErrAbortHandler) // closes the connection without an answer
		}
		if err := json.NewEncoder(w).Encode(map[string]any{"result": result, "error": nil, "id": 1}); err != nil {
			t.Error(err)
		}
	})
}
