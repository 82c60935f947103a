package screen

import "time"

// Most is how many others a store gathers of a kind: a flood of applications must
// not make a page slow. More than Most count as many.
const Most = 500

// MostLinks is the same for each thing that a server can share.
const MostLinks = 100

// Window is how long before and after an application others count as submitted
// together with it.
const Window = 30 * time.Minute

// UsualOf is how many applications before that window tell the usual rate, and
// fewest how many are too few to tell.
const (
	UsualOf = 100
	fewest  = 20
)

// MedianOf is how many of the newest grants the median is of, and fewestGrants how
// many are too few for one.
const (
	MedianOf     = 101
	fewestGrants = 5
)

// NewestOf is with how many of the newest fingerprints that share 8 bits one is
// compared, for each of its 8 bytes. Any two that differ in fewer than 8 bits share
// a byte.
const NewestOf = 2000

// A step is the least value that gives a level.
type step struct {
	from  int64
	level Level
}

// levelOf returns the level of the highest step that value reaches.
func levelOf(value int64, steps []step) Level {
	level := Pass
	for _, s := range steps {
		if value >= s.from {
			level = s.level
		}
	}
	return level
}

// The bits of 64 in which two fingerprints differ. Texts that have nothing to do
// with each other differ in 32; one pair in a hundred million in ten or fewer.
const (
	sameText = 3  // and below: High
	nearText = 7  // and below: Med
	FarText  = 10 // and below: Low
)

// Amounts, in thousandths of the median of the fund's grants; without a median, of the
// most that the fund pays.
var (
	ofMedian  = []step{{1501, Low}, {2001, Med}, {4001, High}}
	ofMaximum = []step{{501, Low}, {901, Med}}
)

// Other open or approved applications with a server in the same network, and with
// one at the same provider.
var (
	sameNetwork  = []step{{1, Low}, {3, Med}, {10, High}}
	sameProvider = []step{{10, Low}}
)

// A burst has so many others in the window and is so many times the usual rate;
// both must be reached.
var bursts = []struct {
	others, times int64
	level         Level
}{{5, 4, Low}, {20, 8, Med}, {100, 16, High}}
