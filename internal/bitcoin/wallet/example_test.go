package wallet_test

import (
	"encoding/hex"
	"fmt"

	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
)

// The seed of the mnemonic "abandon … about", which BIPs 84 and 86 use for their vectors.
// Everybody knows it, so never pay to it.
const knownSeed = "5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5fc1" +
	"9a5ac40b389cd370d086206dec8aa6c43daea6690f20ad3d8d48b2d2ce9e38e4"

// A treasury's descriptor holds public keys alone, and gives every address of the treasury.
// These are the addresses of BIP 84.
func ExampleDescriptorFromSeed() {
	seed, err := hex.DecodeString(knownSeed)
	if err != nil {
		panic(err)
	}
	treasury, err := wallet.DescriptorFromSeed(seed, wallet.KindWPKH, &chaincfg.MainNetParams)
	if err != nil {
		panic(err)
	}
	deposit, err := treasury.Address(wallet.ChainDeposit, 0)
	if err != nil {
		panic(err)
	}
	change, err := treasury.Address(wallet.ChainChange, 0)
	if err != nil {
		panic(err)
	}
	fmt.Println("deposit", deposit)
	fmt.Println("change ", change)
	// Output:
	// deposit bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu
	// change  bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el
}

// Three people each hand over a public key, and any two of them can sign.
func ExampleMultisigDescriptor() {
	var keys []string
	for _, person := range []string{"Ana's thirty-two bytes of a seed", "Ben's thirty-two bytes of a seed", "Eve's thirty-two bytes of a seed"} {
		key, err := wallet.KeyExpression([]byte(person), wallet.KindWSH, &chaincfg.SigNetParams)
		if err != nil {
			panic(err)
		}
		keys = append(keys, key)
	}
	treasury, err := wallet.MultisigDescriptor(2, keys, &chaincfg.SigNetParams)
	if err != nil {
		panic(err)
	}
	k, n := treasury.Threshold()
	fmt.Printf("%d of %d sign\n", k, n)

	_, err = wallet.MultisigDescriptor(2, []string{keys[0], keys[0]}, &chaincfg.SigNetParams)
	fmt.Println("the same key twice is refused:", err != nil)
	// Output:
	// 2 of 3 sign
	// the same key twice is refused: true
}

// An address is taken as people paste it, and comes back in its one canonical form.
func ExampleParsePayee() {
	notOurs := func([]byte) bool { return false }
	payee, refused := wallet.ParsePayee("bitcoin:BC1QCR8TE4KR609GCAWUTMRZA0J4XV80JY8Z306FYU", &chaincfg.MainNetParams, notOurs)
	if refused != nil {
		panic(refused.Code)
	}
	fmt.Println(payee.Address)
	fmt.Printf("%x\n", payee.Script)

	_, refused = wallet.ParsePayee("bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu", &chaincfg.SigNetParams, notOurs)
	fmt.Println(refused.Field, refused.Code)
	// Output:
	// bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu
	// 0014c0cebcd6c3d3ca8c75dc5ec62ebe55330ef910e2
	// payout_address wrong_network
}

// A form that asks for an address tells people when they pasted a secret, and never repeats it.
func ExampleRecognise() {
	found, ok := wallet.Recognise("abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about")
	fmt.Println(ok, found.Secret(), found.Name)
	// Output: true true the words of a wallet
}

// A scanner finds which of a block's scripts are the treasury's, a window beyond the highest one used.
func ExampleIndex() {
	seed, err := hex.DecodeString(knownSeed)
	if err != nil {
		panic(err)
	}
	treasury, err := wallet.DescriptorFromSeed(seed, wallet.KindTR, &chaincfg.MainNetParams)
	if err != nil {
		panic(err)
	}
	script, err := treasury.Script(wallet.ChainDeposit, 25)
	if err != nil {
		panic(err)
	}

	index := wallet.NewIndex(treasury, 20)
	_, _, ok := index.Find(script)
	fmt.Println("before deposit 10 is used:", ok)

	index.Use(wallet.ChainDeposit, 10)
	_, number, ok := index.Find(script)
	fmt.Println("after:", ok, number)
	// Output:
	// before deposit 10 is used: false
	// after: true 25
}
