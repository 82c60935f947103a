package signerrpc

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeJournalRolledBack: The signer's journal lacks lines that the signer has written.
	CodeJournalRolledBack errs.Code = "journal_rolled_back"
	// CodeJournalUnwritable: The signer cannot write its journal, so it signs nothing.
	CodeJournalUnwritable errs.Code = "journal_unwritable"
	// CodeSignerDown: The signer does not answer.
	CodeSignerDown errs.Code = "signer_down"
	// CodeSignerRefused: The signer refused; its own code is the parameter rule.
	CodeSignerRefused errs.Code = "signer_refused"
	// CodeSignerSocketMissing: Name the signer's socket.
	CodeSignerSocketMissing errs.Code = "signer_socket_missing"
)
