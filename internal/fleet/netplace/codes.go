package netplace

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodePlaceFileRefused: A file of networks and countries was refused.
	CodePlaceFileRefused errs.Code = "place_file_refused"
	// CodePlaceFileUnread: A file of networks and countries has a record of an unknown form.
	CodePlaceFileUnread errs.Code = "place_file_unread"
)
