package blocklist

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeBlocklistRefused: A blocklist was not read.
	CodeBlocklistRefused errs.Code = "blocklist_refused"
	// CodeBlocklistsGone: The folder of blocklists no longer has a list.
	CodeBlocklistsGone errs.Code = "blocklists_gone"
	// CodeBlocklistsUnreadable: The folder of blocklists cannot be read.
	CodeBlocklistsUnreadable errs.Code = "blocklists_unreadable"
)
