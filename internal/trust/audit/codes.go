package audit

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeAuditBroken: The audit log failed verification.
	CodeAuditBroken errs.Code = "audit_broken"
	// CodeBundleMalformed: This is not an audit bundle.
	CodeBundleMalformed errs.Code = "bundle_malformed"
	// CodeCheckpointRefused: A checkpoint is damaged or not signed by the given key.
	CodeCheckpointRefused errs.Code = "checkpoint_refused"
	// CodeNoCheckpoint: There is no checkpoint of so many rows.
	CodeNoCheckpoint errs.Code = "no_checkpoint"
	// CodeNotCovered: The audit log has no such row.
	CodeNotCovered errs.Code = "not_covered"
	// CodeNotEarlier: The earlier log is not the shorter one.
	CodeNotEarlier errs.Code = "not_earlier"
)
