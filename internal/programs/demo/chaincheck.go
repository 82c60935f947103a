package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strconv"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"
)

// nodeTx is a transaction as btcd decodes it. Amounts stay text, so that no
// float comes between.
type nodeTx struct {
	TxID string `json:"txid"`
	Vin  []struct {
		TxID string `json:"txid"`
		Vout int    `json:"vout"`
	} `json:"vin"`
	Vout []struct {
		Value        json.Number `json:"value"`
		N            int         `json:"n"`
		ScriptPubKey struct {
			Addresses []string `json:"addresses"`
		} `json:"scriptPubKey"`
	} `json:"vout"`
}

// Account is what a reading of the whole chain says of the treasury, in satoshi.
type Account struct {
	Deposits, Spent, Paid, Fees, Unspent int64

	Height   int32                // of the tip
	Payments map[string][]Payment // outputs of anybody, by address
}

// Payment is one output on the chain.
type Payment struct {
	TxID      string
	Vout      int
	Height    int32
	AmountSat int64
}

// readChain is the journey's last step: it reads every block and judges.
func (j *journey) readChain(ctx context.Context) (string, error) {
	a, err := j.Account(ctx)
	if err != nil {
		return "", err
	}
	t, err := j.treasurer.GetTreasuryWithResponse(ctx)
	if err != nil {
		return "", err
	}
	ledger := t.JSON200.Balances.AvailableSat + t.JSON200.Balances.CommittedSat + t.JSON200.Balances.InFlightSat
	check := func(name string, got, want any) {
		g, w := fmt.Sprint(got), fmt.Sprint(want)
		j.result.Checks = append(j.result.Checks, Check{Name: name, OK: g == w, Got: g, Want: w})
	}
	paid := a.Payments[j.result.Address]
	check("outputs to the operator's address", len(paid), 1)
	if len(paid) > 0 {
		check("sat to the operator's address", paid[0].AmountSat, j.result.AmountSat)
		check("transaction", paid[0].TxID, j.result.TxID)
		check("output", paid[0].Vout, j.result.Vout)
		check("block", paid[0].Height, j.result.Height)
	}
	check("sat paid by the treasury", a.Paid, j.result.AmountSat)
	check("fee in sat", a.Fees, j.result.FeeSat)
	check("sat in the treasury = deposits - paid - fees", a.Unspent, a.Deposits-a.Paid-a.Fees)
	check("sat in the treasury as the ledger says", a.Unspent, ledger)
	return fmt.Sprintf("%d blocks", a.Height+1), nil
}

// Account reads blocks 0 to the tip from the node's own decoder, and knows the
// treasury by addresses that it derives itself.
func (w *World) Account(ctx context.Context) (Account, error) {
	a := Account{Payments: map[string][]Payment{}}
	treasury, err := treasuryAddresses(w.Services.Fund.Descriptor, &chaincfg.SimNetParams)
	if err != nil {
		return a, err
	}
	rpc := w.Devnet.Node.RPC()
	if err := rpc.Call(ctx, &a.Height, "getblockcount"); err != nil {
		return a, err
	}
	coins := map[string]int64{} // the treasury's, by outpoint
	for h := int32(0); h <= a.Height; h++ {
		var hash string
		if err := rpc.Call(ctx, &hash, "getblockhash", h); err != nil {
			return a, err
		}
		var block struct {
			Tx    []nodeTx `json:"tx"`
			RawTx []nodeTx `json:"rawtx"`
		}
		if err := rpc.Call(ctx, &block, "getblock", hash, 2); err != nil {
			return a, err
		}
		for _, tx := range append(block.Tx, block.RawTx...) {
			if err := a.read(tx, h, treasury, coins); err != nil {
				return a, err
			}
		}
	}
	for _, sat := range coins {
		a.Unspent += sat
	}
	return a, nil
}

func (a *Account) read(tx nodeTx, height int32, treasury map[string]bool, coins map[string]int64) error {
	var in, own, foreign int64
	for _, vin := range tx.Vin {
		op := vin.TxID + ":" + strconv.Itoa(vin.Vout)
		in += coins[op]
		delete(coins, op)
	}
	for _, out := range tx.Vout {
		sat, err := satOf(out.Value)
		if err != nil {
			return err
		}
		to := ""
		if len(out.ScriptPubKey.Addresses) == 1 {
			to = out.ScriptPubKey.Addresses[0]
		}
		a.Payments[to] = append(a.Payments[to], Payment{TxID: tx.TxID, Vout: out.N, Height: height, AmountSat: sat})
		if treasury[to] {
			coins[tx.TxID+":"+strconv.Itoa(out.N)] = sat
			own += sat
		} else {
			foreign += sat
		}
	}
	if in == 0 {
		a.Deposits += own
		return nil
	}
	a.Spent += in
	a.Paid += foreign
	a.Fees += in - own - foreign
	return nil
}

// satOf turns the node's bitcoin into satoshi, exactly.
func satOf(value json.Number) (int64, error) {
	r, ok := new(big.Rat).SetString(value.String())
	if !ok {
		return 0, fmt.Errorf("the node's amount %q is no number", value)
	}
	r.Mul(r, big.NewRat(100_000_000, 1))
	if !r.IsInt() || !r.Num().IsInt64() {
		return 0, fmt.Errorf("the node's amount %q is no whole number of satoshi", value)
	}
	return r.Num().Int64(), nil
}

// watched is how many addresses of each chain the journey knows.
const watched = 50

// treasuryAddresses derives the first addresses of a wpkh descriptor from its
// extended key alone.
func treasuryAddresses(descriptor string, params *chaincfg.Params) (map[string]bool, error) {
	m := regexp.MustCompile(`^wpkh\(\[[^]]+\]([0-9A-Za-z]+)/<0;1>/\*\)#`).FindStringSubmatch(descriptor)
	if m == nil {
		return nil, fmt.Errorf("the journey cannot read descriptor %s", descriptor)
	}
	key, err := hdkeychain.NewKeyFromString(m[1])
	if err != nil {
		return nil, fmt.Errorf("read extended key: %w", err)
	}
	all := map[string]bool{}
	for chain := range uint32(2) {
		branch, err := key.Derive(chain)
		if err != nil {
			return nil, err
		}
		for i := range uint32(watched) {
			child, err := branch.Derive(i)
			if err != nil {
				return nil, err
			}
			pub, err := child.ECPubKey()
			if err != nil {
				return nil, err
			}
			a, err := address.NewAddressWitnessPubKeyHash(address.Hash160(pub.SerializeCompressed()), params)
			if err != nil {
				return nil, err
			}
			all[a.EncodeAddress()] = true
		}
	}
	return all, nil
}
