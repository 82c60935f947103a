package main

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeJournalDamaged: The signer's journal is damaged, so nothing is signed.
	CodeJournalDamaged errs.Code = "journal_damaged"
)
