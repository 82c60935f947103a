package halt

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeOrder: Halts or people of a resume note are not in rising order, or one stands twice.
	CodeOrder errs.Code = "halt_order"
	// CodeReason: The reason of a halt note is empty, too long, or has spaces around it.
	CodeReason errs.Code = "halt_reason"
	// CodeLiftsNothing: A resume note lifts no halt, or more than one note may.
	CodeLiftsNothing errs.Code = "halt_lifts_nothing"
	// CodeBarsMany: A resume note bars more people than one note may.
	CodeBarsMany errs.Code = "halt_bars_many"
)
