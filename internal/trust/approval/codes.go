package approval

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeBadEnvelope: The envelope of an approval cannot be read, or holds no or two signatures.
	CodeBadEnvelope errs.Code = "approval_bad_envelope"
	// CodeUnknownKey: The key that signed an approval stands in no charter in force.
	CodeUnknownKey errs.Code = "approval_unknown_key"
	// CodeOtherPerson: The key that signed an approval belongs to somebody else than the statement names.
	CodeOtherPerson errs.Code = "approval_other_person"
	// CodeOtherNote: The approval is of another note, fund or network.
	CodeOtherNote errs.Code = "approval_other_note"
)
