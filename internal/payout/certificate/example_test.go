package certificate_test

import (
	"bytes"
	"fmt"
	"os"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/certificate"
)

func exampleFile() []byte {
	text, err := os.ReadFile("testdata/simnet.certificate.json")
	if err != nil {
		panic(err)
	}
	return text
}

// A payee checks the file that the fund gave, without the fund and without a node.
func ExampleCertificate_Verify() {
	paid, err := certificate.Parse(exampleFile())
	if err != nil {
		panic(err)
	}
	report := paid.Verify(certificate.Options{MinConfirmations: 6})
	fmt.Println("ok:", report.OK)
	for _, line := range report.Lines {
		fmt.Printf("%-13s %t\n", line.Check, line.OK)
	}
	// Output:
	// ok: true
	// note          true
	// network       true
	// claim         true
	// proof         true
	// transaction   true
	// block         true
	// output        true
	// confirmations true
}

// A reader who asks a node or an explorer for the block at that height can have it compared.
func ExampleCertificate_Verify_blockHash() {
	paid, err := certificate.Parse(exampleFile())
	if err != nil {
		panic(err)
	}
	report := paid.Verify(certificate.Options{BlockHash: "00000000000000000000000000000000000000000000000000000000000000aa"})
	fmt.Println(errs.CodeOf(report.Err()))
	// Output: certificate_refused
}

// A file that was changed anywhere is no certificate.
func ExampleParse() {
	_, err := certificate.Parse(bytes.Replace(exampleFile(), []byte("amount_sat\": 150000"), []byte("amount_sat\": 950000"), 1))
	fmt.Println(errs.CodeOf(err))
	// Output: bad_certificate
}
