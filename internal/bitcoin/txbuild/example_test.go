package txbuild_test

import (
	"fmt"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
)

// exampleSeed is for examples alone: a real seed is random and stays with its signer.
var exampleSeed = []byte("the thirty-two bytes of one seed")

// exampleTreasury has one coin of amount at its first deposit address.
func exampleTreasury(amount btcutil.Amount) (*wallet.Descriptor, txbuild.Coin) {
	treasury, err := wallet.DescriptorFromSeed(exampleSeed, wallet.KindTR, &chaincfg.SigNetParams)
	if err != nil {
		panic(err)
	}
	script, err := treasury.Script(wallet.ChainDeposit, 0)
	if err != nil {
		panic(err)
	}
	donation := wire.NewMsgTx(2)
	donation.AddTxIn(wire.NewTxIn(&wire.OutPoint{}, nil, nil))
	donation.AddTxOut(wire.NewTxOut(int64(amount), script))
	return treasury, txbuild.Coin{
		OutPoint: wire.OutPoint{Hash: donation.TxHash()},
		Amount:   amount,
		Script:   script,
		Chain:    wallet.ChainDeposit,
		PrevTx:   donation,
		Height:   100,
	}
}

// examplePayee is paid 150,000 sat.
func examplePayee() txbuild.Payee {
	payee, refused := wallet.ParsePayee("tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", &chaincfg.SigNetParams, func([]byte) bool { return false })
	if refused != nil {
		panic(refused.Code)
	}
	return txbuild.Payee{Decision: "decision 1", Script: payee.Script, Amount: 150_000}
}

func exampleRequest(treasury *wallet.Descriptor, coin txbuild.Coin) txbuild.Request {
	return txbuild.Request{
		Descriptor:     treasury,
		Coins:          []txbuild.Coin{coin},
		Payees:         []txbuild.Payee{examplePayee()},
		FeeRate:        txbuild.FeeRate(5000),
		MaxFeeRate:     txbuild.FeeRate(50_000),
		MaxFee:         20_000,
		MaxFeePermille: 100,
		ChangeIndex:    7,
	}
}

// One payee, one coin: what is left goes back to the treasury, and inputs equal outputs plus fee.
func ExampleBuild() {
	plan, err := txbuild.Build(exampleRequest(exampleTreasury(1_000_000)))
	if err != nil {
		panic(err)
	}
	fmt.Println("paid  ", int64(examplePayee().Amount))
	fmt.Println("fee   ", int64(plan.Fee), "for", plan.VSize, "vB")
	fmt.Println("change", int64(plan.Change))
	// Output:
	// paid   150000
	// fee    710 for 142 vB
	// change 849290
}

// A treasury that holds too little is told by how much.
func ExampleBuild_insufficientFunds() {
	_, err := txbuild.Build(exampleRequest(exampleTreasury(100_000)))
	fmt.Println(err)
	// Output: insufficient_funds: The treasury is short of 50495 sat for these payments and their fee.
}

// Whoever signs or sends a transaction derives everything from its bytes again.
func ExampleVerify() {
	treasury, coin := exampleTreasury(1_000_000)
	plan, err := txbuild.Build(exampleRequest(treasury, coin))
	if err != nil {
		panic(err)
	}
	approved := txbuild.Want{
		Descriptor:  treasury,
		Payees:      []txbuild.Payee{examplePayee()},
		ChangeIndex: 7,
		MaxFeeRate:  txbuild.FeeRate(50_000),
		MaxFee:      20_000,
	}
	fmt.Println("as built:", txbuild.Verify(plan.PSBT, approved))

	for _, out := range plan.PSBT.UnsignedTx.TxOut {
		if out.Value == 150_000 {
			out.Value++ // a satoshi that nobody approved
		}
	}
	fmt.Println("changed:", txbuild.Verify(plan.PSBT, approved) != nil)
	// Output:
	// as built: <nil>
	// changed: true
}

// Build, sign, and take out what the network gets. The txid is the one that was built.
func ExampleExtractSigned() {
	treasury, coin := exampleTreasury(1_000_000)
	plan, err := txbuild.Build(exampleRequest(treasury, coin))
	if err != nil {
		panic(err)
	}
	account, _, err := wallet.AccountXprv(exampleSeed, wallet.KindTR, &chaincfg.SigNetParams)
	if err != nil {
		panic(err)
	}
	defer account.Zero()

	before, err := txbuild.Missing(plan.PSBT, treasury)
	if err != nil {
		panic(err)
	}
	if err := wallet.SignPSBT(plan.PSBT, account, treasury); err != nil {
		panic(err)
	}
	after, err := txbuild.Missing(plan.PSBT, treasury)
	if err != nil {
		panic(err)
	}
	_, txid, err := txbuild.ExtractSigned(plan.PSBT, treasury)
	if err != nil {
		panic(err)
	}
	fmt.Println("signatures missing:", before.Missing, "then", after.Missing)
	fmt.Println("same txid:", txid == plan.TxID)
	// Output:
	// signatures missing: 1 then 0
	// same txid: true
}

// A lock time at the tip leaves a miner no gain from mining that block again. One seed in ten goes back
// further, so that a transaction that was delayed on its way looks like one of those.
func ExampleLockTime() {
	fmt.Println(txbuild.LockTime(880_000, 10*time.Minute, [32]byte{2}))
	fmt.Println(txbuild.LockTime(880_000, 10*time.Minute, [32]byte{1}))
	fmt.Println(txbuild.LockTime(880_000, 9*time.Hour, [32]byte{1})) // the tip is old: no lock time
	// Output:
	// 880000
	// 879937
	// 0
}

// A fee is reckoned by the virtual size, in whole bytes, as nodes and miners do. The rate is
// in satoshi per 1,000 of them: 100 is the 0.1 sat/vB from which on nodes may relay.
func ExampleFeeRate_Fee() {
	for _, rate := range []txbuild.FeeRate{100, 1_234, 12_000} {
		fmt.Println(int64(rate.Fee(561)), "sat for", txbuild.VSize(561), "vB")
	}
	// Output:
	// 15 sat for 141 vB
	// 174 sat for 141 vB
	// 1692 sat for 141 vB
}
