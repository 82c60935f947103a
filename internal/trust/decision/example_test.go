package decision_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// exampleNote pays 150,000 sat on signet.
func exampleNote() decision.Note {
	payee, refused := wallet.ParsePayee("tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", &chaincfg.SigNetParams, func([]byte) bool { return false })
	if refused != nil {
		panic(refused.Code)
	}
	return decision.Note{
		Network:          decision.NetworkOf(&chaincfg.SigNetParams),
		Decision:         uuid.MustParse("0198c0de-0000-7000-8000-000000000001"),
		Grant:            uuid.MustParse("0198c0dd-0000-7000-8000-0000000000aa"),
		PayeeScript:      payee.Script,
		PayeeAddress:     payee.Address,
		Amount:           150_000,
		MaxFeeRateSatKVB: 60_000,
		NotBefore:        time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC),
		NotAfter:         time.Date(2026, 12, 26, 0, 0, 0, 0, time.UTC),
	}
}

// What people approve is this text, byte for byte.
func ExampleNote_Encode() {
	fmt.Print(string(exampleNote().Encode()))
	// Output:
	// causeway/decision/v1
	// network signet 00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6
	// decision 0198c0de-0000-7000-8000-000000000001
	// grant 0198c0dd-0000-7000-8000-0000000000aa
	// kind payment
	// payee_script 0014751e76e8199196d454941c45d1b3a323f1433bd6
	// payee_address tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx
	// amount_sat 150000
	// max_feerate_sat_kvb 60000
	// not_before 2026-11-26T00:00:00Z
	// not_after 2026-12-26T00:00:00Z
	// application_sha256 0000000000000000000000000000000000000000000000000000000000000000
	// address_proof none
	// roster 0
}

// Votes and approvals name the digest, so a note that changed by one satoshi is another note.
func ExampleNote_Digest() {
	note := exampleNote()
	approved := note.Digest()
	note.Amount++
	fmt.Println(note.Digest() == approved)
	// Output: false
}

// Parse accepts one spelling of each note and refuses every other.
func ExampleParse() {
	text := exampleNote().Encode()
	note, err := decision.Parse(text)
	if err != nil {
		panic(err)
	}
	fmt.Println(int64(note.Amount), "sat to", note.PayeeAddress)

	_, err = decision.Parse([]byte(strings.Replace(string(text), "amount_sat 150000", "amount_sat 0150000", 1)))
	fmt.Println(errs.CodeOf(err))
	// Output:
	// 150000 sat to tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx
	// bad_note
}

// A note for one chain is worthless on another.
func ExampleNote_Check() {
	note := exampleNote()
	fmt.Println("signet: ", note.Check(&chaincfg.SigNetParams))
	fmt.Println("mainnet:", note.Check(&chaincfg.MainNetParams) != nil)
	// Output:
	// signet:  <nil>
	// mainnet: true
}

// A batch note lists payments in the order of their digests, whatever order they came in.
func ExampleBatchNote() {
	note := exampleNote()
	first := decision.Payment{Decision: decision.Digest{1}, Script: note.PayeeScript, Amount: 150_000}
	second := decision.Payment{Decision: decision.Digest{2}, Script: note.PayeeScript, Amount: 250_000}
	batch := decision.BatchNote{
		Network:          note.Network,
		Batch:            uuid.MustParse("0198c0de-0000-7000-8000-000000000002"),
		Number:           7,
		Policy:           1,
		MaxFeeRateSatKVB: 60_000,
		MaxFee:           20_000,
		Payments:         []decision.Payment{first, second},
	}
	approved := batch.Digest()
	batch.Payments = []decision.Payment{second, first}
	fmt.Println(int64(batch.Total()), batch.Digest() == approved)
	// Output: 400000 true
}
