package registry

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeUnknownCharter: There is no charter or draft with this digest.
	CodeUnknownCharter errs.Code = "charter_unknown"
	// CodeFirstCharter: The first charter is brought in on the fund's own host.
	CodeFirstCharter errs.Code = "charter_first"
	// CodeCharterExists: The fund has a charter already.
	CodeCharterExists errs.Code = "charter_exists"
	// CodeOtherTreasury: The charter does not list the treasury that the fund was set up with.
	CodeOtherTreasury errs.Code = "charter_other_treasury"
	// CodeDraftUnchanged: The draft changes nothing.
	CodeDraftUnchanged errs.Code = "charter_unchanged"
	// CodeTooManyDrafts: There are too many drafts.
	CodeTooManyDrafts errs.Code = "charter_drafts_full"
	// CodeNotTrustee: The signature belongs to no trustee who is asked for this charter.
	CodeNotTrustee errs.Code = "charter_not_trustee"
)
