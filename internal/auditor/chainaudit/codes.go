package chainaudit

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeBadBirthday: The birthday of the treasury is a block that the node does not have.
	CodeBadBirthday errs.Code = "bad_birthday"
	// CodeBadNode: The node's answer cannot be believed.
	CodeBadNode errs.Code = "bad_node"
	// CodeBadWindow: The window of scripts or the final depth makes no sense.
	CodeBadWindow errs.Code = "bad_window"
	// CodeJournalUnreadable: A signer's journal cannot be read.
	CodeJournalUnreadable errs.Code = "journal_unreadable"
	// CodeLogUnreadable: The audit log cannot be read.
	CodeLogUnreadable errs.Code = "log_unreadable"
	// CodeNodeUnavailable: The node cannot be asked.
	CodeNodeUnavailable errs.Code = "node_unavailable"
	// CodeNodeUnsteady: The node changed its branch again and again.
	CodeNodeUnsteady errs.Code = "node_unsteady"
)
