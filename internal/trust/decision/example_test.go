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
		Network:       decision.NetworkOf(&chaincfg.SigNetParams),
		Decision:      uuid.MustParse("0198c0de-0000-7000-8000-000000000001"),
		Grant:         uuid.MustParse("0198c0dd-0000-7000-8000-0000000000aa"),
		Fund:          uuid.MustParse("0198c0de-0000-7000-8000-0000000000ff"),
		Currency:      decision.CurrencySat,
		Amount:        150_000,
		SatLeast:      150_000,
		SatMost:       150_000,
		Periods:       12,
		FirstDue:      time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC),
		Every:         decision.EveryMonth,
		PayWithinDays: 60,
		Payees:        []decision.Payee{{Script: payee.Script, Address: payee.Address}},
	}
}

// What people approve is this text, byte for byte.
func ExampleNote_Encode() {
	fmt.Print(string(exampleNote().Encode()))
	// Output:
	// causeway/decision/v2
	// network signet 00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6
	// fund 0198c0de-0000-7000-8000-0000000000ff
	// decision 0198c0de-0000-7000-8000-000000000001
	// grant 0198c0dd-0000-7000-8000-0000000000aa
	// application 0000000000000000000000000000000000000000000000000000000000000000
	// currency sat
	// amount 150000
	// sat 150000 150000
	// periods 12
	// first_due 2026-11-30 every month
	// pay_within_days 60
	// replaces none
	// payee 0 0014751e76e8199196d454941c45d1b3a323f1433bd6 tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx
	// address_proof none
}

// A month without the day has its last day instead.
func ExampleNote_Due() {
	note := exampleNote()
	for _, period := range []int{1, 4, 5} {
		fmt.Println(note.Due(period).Format(time.DateOnly), "until", note.Until(period).Format(time.DateOnly))
	}
	// Output:
	// 2026-11-30 until 2027-01-29
	// 2027-02-28 until 2027-04-29
	// 2027-03-30 until 2027-05-29
}

// An amount in another currency is rounded up to a satoshi, and held to the bounds of the note.
func ExampleNote_Sat() {
	note := exampleNote()
	note.Currency, note.Amount, note.SatLeast, note.SatMost = "EUR", 10_000, 100_000, 200_000
	fmt.Println(note.Sat(1, 6_000_000)) // 60,000.00 euro a bitcoin
	_, err := note.Sat(1, 600_000)
	fmt.Println(errs.CodeOf(err))
	// Output:
	// 0.00166667 BTC <nil>
	// amount_outside
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
	fmt.Println(note.Amount, "sat to", note.Payee(1).Address)

	_, err = decision.Parse([]byte(strings.Replace(string(text), "amount 150000", "amount 0150000", 1)))
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

// A batch note lists payments in the order of their digests and periods, whatever order they came in.
func ExampleBatchNote() {
	note := exampleNote()
	first := decision.Payment{Decision: decision.Digest{1}, Period: 1, Script: note.Payee(1).Script, Amount: 150_000}
	second := decision.Payment{Decision: decision.Digest{1}, Period: 2, Script: note.Payee(2).Script, Amount: 250_000}
	batch := decision.BatchNote{
		Network:          note.Network,
		Batch:            uuid.MustParse("0198c0de-0000-7000-8000-000000000002"),
		Number:           7,
		Until:            time.Date(2026, 12, 3, 0, 0, 0, 0, time.UTC),
		MaxFeeRateSatKVB: 60_000,
		MaxFee:           20_000,
		Payments:         []decision.Payment{first, second},
	}
	approved := batch.Digest()
	batch.Payments = []decision.Payment{second, first}
	fmt.Println(int64(batch.Total()), batch.Digest() == approved)
	// Output: 400000 true
}
