package uptime

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeEvidenceWrong: The results are not those that the snapshot was made from.
	CodeEvidenceWrong errs.Code = "evidence_wrong"
	// CodeResultsForm: A result lacks a field or has another: a result has endpoint, slot, attempt, verdict and sha256.
	CodeResultsForm errs.Code = "results_form"
	// CodeSnapshotForm: This is not a snapshot of uptime as this program writes them.
	CodeSnapshotForm errs.Code = "snapshot_form"
	// CodeSnapshotWrong: The snapshot does not match its own days.
	CodeSnapshotWrong errs.Code = "snapshot_wrong"
)
