package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/causeway-fund/causeway/internal/errs"
)

// BundleFormat is the first field of every bundle.
const BundleFormat = "causeway/audit-bundle/v1"

// Bundle is all that is needed to verify a log, or a stretch of it, off-line.
type Bundle struct {
	Format      string      `json:"format"`
	Checkpoints []string    `json:"checkpoints"`         // signed notes, any order
	From        int64       `json:"from"`                // number of the first leaf
	Leaves      []string    `json:"leaves"`              // exact bytes as text, in order
	Hashes      []tlog.Hash `json:"hashes,omitempty"`    // the log's stored hashes, in storage order; needed where leaves do not begin at 0, and names an altered row exactly
	Inclusion   []Inclusion `json:"inclusion,omitempty"` // proofs of single rows
}

// Fault says what is wrong with a row.
type Fault string

// The faults that a verifier tells apart.
const (
	Dropped   Fault = "dropped"   // the row is missing between others
	Altered   Fault = "altered"   // its bytes are not those that were signed
	Swapped   Fault = "swapped"   // another row stands in its place
	Truncated Fault = "truncated" // the log ends before the newest checkpoint does
	Forked    Fault = "forked"    // two signed checkpoints of one size differ
)

// Finding names the first bad row. Where what is given cannot tell which of
// several rows it is, First and Last differ.
type Finding struct {
	First int64 `json:"first"`
	Last  int64 `json:"last"`
	What  Fault `json:"what"`
}

// String returns the finding in words.
func (f Finding) String() string {
	if f.First == f.Last {
		return fmt.Sprintf("row %d is %s", f.First, f.What)
	}
	return fmt.Sprintf("a row from %d to %d is %s", f.First, f.Last, f.What)
}

// Report says what a verification covered.
type Report struct {
	Origin      string   `json:"origin"`
	Size        int64    `json:"size"`        // rows of the newest checkpoint
	Root        string   `json:"root"`        // its root hash, base64
	Checkpoints int      `json:"checkpoints"` // that hold
	Rows        int64    `json:"rows"`        // rows checked
	Uncovered   int64    `json:"uncovered"`   // rows given that no checkpoint covers yet
	Proofs      int      `json:"proofs"`      // inclusion proofs checked
	Finding     *Finding `json:"finding,omitempty"`

	BadCheckpoints []BadCheckpoint `json:"bad_checkpoints,omitempty"` // that were passed over
}

// VerifyBundle reads a bundle and verifies it against the public key. known may
// hold signed checkpoints that the caller kept from earlier: only they show that
// a log was cut off together with its checkpoints, or told in two ways.
//
// A checkpoint of the bundle that the key did not sign is named in the report and
// counts for nothing; all that are valid have to be one history.
//
// Malformed "bundle_malformed" when r holds no bundle; Invalid
// "checkpoint_refused" when none of its checkpoints is signed by the key, or one
// of known is not; Conflict "audit_broken", with the report's Finding, when the log was
// tampered with.
func VerifyBundle(r io.Reader, vkey string, known ...string) (Report, error) {
	var b Bundle
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&b); err != nil {
		return Report{}, errs.Wrap(err, errs.Malformed, CodeBundleMalformed, "This is not an audit bundle.")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) || b.Format != BundleFormat || b.From < 0 {
		return Report{}, errs.Newf(
			errs.Malformed,
			CodeBundleMalformed,
			"This is not an audit bundle of the form %s.",
			BundleFormat,
		)
	}
	return b.Verify(vkey, known...)
}

func broken(f Finding, cause error) error {
	err := errs.Newf(errs.Conflict, CodeAuditBroken, "The audit log failed verification: %s.", f)
	err.Params = map[string]string{
		"first": strconv.FormatInt(f.First, 10),
		"last":  strconv.FormatInt(f.Last, 10),
		"what":  string(f.What),
	}
	err.Cause = cause
	return err
}

func newBundle(leaves [][]byte, hashes []tlog.Hash, checkpoints []string) Bundle {
	b := Bundle{Format: BundleFormat, Checkpoints: checkpoints, Leaves: make([]string, len(leaves)), Hashes: hashes}
	for i, leaf := range leaves {
		b.Leaves[i] = string(leaf)
	}
	return b
}
