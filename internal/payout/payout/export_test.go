package payout

import (
	"maps"
	"slices"
)

// RecomposeCodes lists the codes that another composition can get past.
func RecomposeCodes() []string { return slices.Sorted(maps.Keys(recompose)) }
