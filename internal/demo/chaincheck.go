package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"net"
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

// account is what a reading of the whole chain says of the treasury and one
// operator.
type account struct {
	deposits, spent, paid, fees, unspent int64
	toOperator                           int64
	operatorOutputs                      int
	at                                   struct {
		txid   string
		vout   int
		height int32
	}
}

// readChain is the journey's last step: it reads every block and judges.
func (j *journey) readChain(ctx context.Context) (string, error) {
	treasury, err := treasuryAddresses(j.Services.Fund.Descriptor, &chaincfg.SimNetParams)
	if err != nil {
		return "", err
	}
	a, height, err := j.account(ctx, treasury)
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
	check("outputs to the operator's address", a.operatorOutputs, 1)
	check("sat to the operator's address", a.toOperator, j.result.AmountSat)
	check("transaction", a.at.txid, j.result.TxID)
	check("output", a.at.vout, j.result.Vout)
	check("block", a.at.height, j.result.Height)
	check("sat paid by the treasury", a.paid, j.result.AmountSat)
	check("fee in sat", a.fees, j.result.FeeSat)
	check("sat in the treasury = deposits - paid - fees", a.unspent, a.deposits-a.paid-a.fees)
	check("sat in the treasury as the ledger says", a.unspent, ledger)
	return fmt.Sprintf("%d blocks", height+1), nil
}

// account reads blocks 0 to the tip from the node's own decoder.
func (j *journey) account(ctx context.Context, treasury map[string]bool) (account, int32, error) {
	rpc := j.Devnet.Node.RPC()
	var a account
	var height int32
	if err := rpc.Call(ctx, &height, "getblockcount"); err != nil {
		return a, 0, err
	}
	coins := map[string]int64{} // the treasury's, by outpoint
	for h := int32(0); h <= height; h++ {
		var hash string
		if err := rpc.Call(ctx, &hash, "getblockhash", h); err != nil {
			return a, height, err
		}
		var block struct {
			Tx    []nodeTx `json:"tx"`
			RawTx []nodeTx `json:"rawtx"`
		}
		if err := rpc.Call(ctx, &block, "getblock", hash, 2); err != nil {
			return a, height, err
		}
		for _, tx := range append(block.Tx, block.RawTx...) {
			if err := a.read(tx, h, treasury, j.result.Address, coins); err != nil {
				return a, height, err
			}
		}
	}
	for _, sat := range coins {
		a.unspent += sat
	}
	return a, height, nil
}

func (a *account) read(tx nodeTx, height int32, treasury map[string]bool, operator string, coins map[string]int64) error {
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
		if to == operator {
			a.toOperator += sat
			a.operatorOutputs++
			a.at.txid, a.at.vout, a.at.height = tx.TxID, out.N, height
		}
		if treasury[to] {
			coins[tx.TxID+":"+strconv.Itoa(out.N)] = sat
			own += sat
		} else {
			foreign += sat
		}
	}
	if in == 0 {
		a.deposits += own
		return nil
	}
	a.spent += in
	a.paid += foreign
	a.fees += in - own - foreign
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

func splitAddress(hostport string) (host string, port int32, err error) {
	host, text, err := net.SplitHostPort(hostport)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseUint(text, 10, 16)
	return host, int32(n), err
}
