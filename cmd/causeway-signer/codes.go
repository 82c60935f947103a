package main

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeDigitsDiffer: The digits that were typed are not those of the charter's digest.
	CodeDigitsDiffer errs.Code = "digits_differ"
	// CodeJournalDamaged: The signer's journal is damaged, so nothing is signed.
	CodeJournalDamaged errs.Code = "journal_damaged"
	// CodePapersRefused: The signer refused some of what was handed in.
	CodePapersRefused errs.Code = "papers_refused"
)
