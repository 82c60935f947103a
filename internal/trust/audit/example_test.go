package audit_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

const exampleFund = "0198c0dc-0000-7000-8000-000000000001"

// exampleLog is a log of three rows with its checkpoint, as the service would export it, and its signer.
func exampleLog() (bundle audit.Bundle, hashes audit.HashList, signer *audit.Signer) {
	dir, err := os.MkdirTemp("", "audit")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if _, err := audit.GenerateKeyFile(filepath.Join(dir, "key"), audit.Origin(exampleFund)); err != nil {
		panic(err)
	}
	signer, err = audit.LoadSigner(filepath.Join(dir, "key"))
	if err != nil {
		panic(err)
	}
	bundle = audit.Bundle{Format: audit.BundleFormat}
	for seq, action := range []string{"application.submitted", "application.approved", "batch.composed"} {
		row, err := audit.Append(int64(seq), audit.Entry{
			Actor:      identity.System("example"),
			Action:     action,
			ObjectKind: "application",
			ObjectID:   "0198c0dd-0000-7000-8000-0000000000aa",
			At:         time.Date(2026, 11, 26, 12, 0, seq, 0, time.UTC),
		}, hashes)
		if err != nil {
			panic(err)
		}
		hashes = append(hashes, row.Hashes...)
		bundle.Leaves = append(bundle.Leaves, string(row.Leaf))
	}
	bundle.Checkpoints = []string{exampleCheckpoint(signer, 3, hashes)}
	bundle.Hashes = hashes
	return bundle, hashes, signer
}

// exampleCheckpoint is the signed checkpoint of the first size rows.
func exampleCheckpoint(signer *audit.Signer, size int64, hashes audit.HashList) string {
	root, err := tlog.TreeHash(size, hashes)
	if err != nil {
		panic(err)
	}
	checkpoint, err := signer.Sign(size, root)
	if err != nil {
		panic(err)
	}
	return checkpoint
}

// An auditor checks an exported log with the public key alone, far from the fund's server.
func ExampleVerifyBundle() {
	bundle, _, signer := exampleLog()
	file, err := json.Marshal(bundle)
	if err != nil {
		panic(err)
	}
	report, err := audit.VerifyBundle(strings.NewReader(string(file)), signer.PublicKey())
	if err != nil {
		panic(err)
	}
	fmt.Println(report.Rows, "rows checked,", report.Uncovered, "beyond the newest checkpoint")
	// Output: 3 rows checked, 0 beyond the newest checkpoint
}

// A row that somebody rewrote is named.
func ExampleBundle_Verify_altered() {
	bundle, _, signer := exampleLog()
	bundle.Leaves[1] = strings.Replace(bundle.Leaves[1], "approved", "declined", 1)

	report, err := bundle.Verify(signer.PublicKey())
	fmt.Println(errs.CodeOf(err))
	fmt.Println(report.Finding)
	// Output:
	// audit_broken
	// row 1 is altered
}

// Whoever kept an old checkpoint sees that a log was cut off, even together with its checkpoints.
func ExampleBundle_Verify_truncated() {
	bundle, hashes, signer := exampleLog()
	kept := bundle.Checkpoints[0]
	bundle.Leaves, bundle.Hashes = bundle.Leaves[:2], hashes[:tlog.StoredHashCount(2)]
	bundle.Checkpoints[0] = exampleCheckpoint(signer, 2, hashes)

	_, err := bundle.Verify(signer.PublicKey())
	fmt.Println("without the old checkpoint:", err)

	report, err := bundle.Verify(signer.PublicKey(), kept)
	fmt.Println("with it:", errs.CodeOf(err))
	fmt.Println(report.Finding)
	// Output:
	// without the old checkpoint: <nil>
	// with it: audit_broken
	// row 2 is truncated
}

// One row is proven without the rest of the log.
func ExampleInclusion_Verify() {
	bundle, hashes, signer := exampleLog()
	proof, err := audit.ProveInclusion(1, []byte(bundle.Leaves[1]), bundle.Checkpoints[0], 3, hashes)
	if err != nil {
		panic(err)
	}
	fmt.Println("holds:", proof.Verify(signer.PublicKey()))

	proof.Leaf = bundle.Leaves[2]
	fmt.Println("another row's:", errs.CodeOf(proof.Verify(signer.PublicKey())))
	// Output:
	// holds: <nil>
	// another row's: audit_broken
}
