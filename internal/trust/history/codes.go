package history

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeOrder: The payments of a history note are not in rising order, or one stands twice.
	CodeOrder errs.Code = "history_order"
)
