package uptime

import (
	"math/big"
	"sort"
)

// zSquared is the square of the normal quantile of 97.5 %, 1.959964, times
// zScale; rounded up, which makes intervals wider.
const (
	zSquared = 3_841_459
	zScale   = 1_000_000
)

// Wilson returns the ends of Wilson's score interval of 95 % for up of n, in
// permille: low rounded down, high rounded up. It knows nothing of n 0: 0 and
// 1000. (E. B. Wilson, 1927: the values q for which (p-q)² n <= z² q (1-q).)
func Wilson(up, n int) (low, high int) {
	if n <= 0 {
		return 0, 1000
	}
	// The inequality times 10^6 n², so that no fraction is left.
	outside := func(m int) bool {
		d := big.NewInt(1000*int64(up) - int64(m)*int64(n))
		left := d.Mul(d, d)
		left.Mul(left, big.NewInt(zScale))
		right := big.NewInt(zSquared)
		right.Mul(right, big.NewInt(int64(m)*int64(1000-m)))
		right.Mul(right, big.NewInt(int64(n)))
		return left.Cmp(right) >= 0
	}
	below := int(int64(up) * 1000 / int64(n)) // the largest m that is not above p
	above := below
	if int64(below)*int64(n) < 1000*int64(up) {
		above++
	}
	// At q = p = 0 and q = p = 1 both sides are 0: such a q is inside.
	if up == n {
		below--
	}
	if up == 0 {
		above++
	}
	// From 0 up to low it is outside, and behind it inside up to p; from p up to
	// high inside, and then outside.
	low = sort.Search(below, func(i int) bool { return !outside(i + 1) })
	high = above + sort.Search(1000-above, func(i int) bool { return outside(above + i) })
	return low, high
}
