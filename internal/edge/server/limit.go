package server

import (
	"fmt"
	"strconv"
	"time"

	"github.com/causeway-fund/causeway/internal/errs"
)

// Limit says how the callers of a route are counted. Who shows a valid session,
// token, receipt or prober's signature is counted alone; everybody else with their
// network and with all strangers together.
type Limit string

// The limits of routes.
const (
	LimitOrdinary Limit = ""         // one request; strangers read
	LimitHeavy    Limit = "heavy"    // reads much: as dear as ten
	LimitWriting  Limit = "writing"  // strangers write: they apply
	LimitEntering Limit = "entering" // strangers sign in or enrol
	LimitReceipt  Limit = "receipt"  // shows a receipt code, in its header or in the field "code" of a form
	LimitProber   Limit = "prober"   // carries a prober's signature
	LimitFree     Limit = "free"     // not counted, and nobody is asked who they are: static files, probes of health
)

// FieldReceipt is the field of a form that carries a receipt code.
const FieldReceipt = "code"

// class is what strangers do: each has a bucket for everybody together and one
// for each client, so that no kind of flood stops another kind of call.
type class int

const (
	reading  class = iota
	writing        // applying
	entering       // signing in
	guessing       // showing a session, token, receipt or signature that is not known to be valid
	clientClasses
	receipts = clientClasses // of everybody with a valid receipt, which strangers get by applying
	classes  = receipts + 1
)

var classNames = [classes]string{"reading", "writing", "entering", "guessing", "receipts"}

// class and cost are what a request to a route counts for. Costs are in ordinary
// requests; a stranger pays the class's unit, and ten for what is heavy.
func (l Limit) class() class {
	switch l {
	case LimitWriting:
		return writing
	case LimitEntering:
		return entering
	case LimitReceipt, LimitProber:
		return guessing
	case LimitOrdinary, LimitHeavy, LimitFree:
	}
	return reading
}

const (
	heavyCost   = 10
	receiptCost = 2
)

func (l Limit) strangerCost() int64 {
	if l == LimitHeavy {
		return heavyCost
	}
	return 1
}

func (l Limit) callerCost() int64 {
	switch l {
	case LimitHeavy, LimitWriting, LimitEntering:
		return heavyCost
	case LimitReceipt:
		return receiptCost
	case LimitOrdinary, LimitProber, LimitFree:
	}
	return 1
}

func (l Limit) known() bool {
	switch l {
	case LimitOrdinary, LimitHeavy, LimitWriting, LimitEntering, LimitReceipt, LimitProber, LimitFree:
		return true
	}
	return false
}

// Rates are the limits, in requests a second. A zero is its default.
type Rates struct {
	// Of all strangers together: near what the machine can do.
	Reading, Writing, Entering, Guessing, Receipts int
	// Of one client: an IPv4 address, an IPv6 /64 or a Tor circuit.
	ClientReading, ClientWriting, ClientEntering, ClientGuessing int
	// Of one session, token, receipt or prober; a heavy request counts for ten, one
	// with a receipt for two.
	Caller int
}

// DefaultRates returns the limits of a machine with two cores on which PostgreSQL
// runs as well; deploy/README.md says what was measured.
func DefaultRates() Rates {
	return Rates{
		Reading: 4000, Writing: 200, Entering: 700, Guessing: 900, Receipts: 300,
		ClientReading: 50, ClientWriting: 5, ClientEntering: 5, ClientGuessing: 5,
		Caller: 100,
	}
}

// maxRate is more than any machine does.
const maxRate = 1_000_000

// withDefaults fills zeroes in. Invalid "limit_out_of_range".
func (r Rates) withDefaults() (Rates, error) {
	d := DefaultRates()
	for _, x := range []struct {
		name     string
		value    *int
		fallback int
	}{
		{"reading", &r.Reading, d.Reading},
		{"writing", &r.Writing, d.Writing},
		{"entering", &r.Entering, d.Entering},
		{"guessing", &r.Guessing, d.Guessing},
		{"receipts", &r.Receipts, d.Receipts},
		{"client-reading", &r.ClientReading, d.ClientReading},
		{"client-writing", &r.ClientWriting, d.ClientWriting},
		{"client-entering", &r.ClientEntering, d.ClientEntering},
		{"client-guessing", &r.ClientGuessing, d.ClientGuessing},
		{"caller", &r.Caller, d.Caller},
	} {
		if *x.value == 0 {
			*x.value = x.fallback
		}
		if *x.value < 1 || *x.value > maxRate {
			return r, errs.Newf(
				errs.Invalid,
				CodeLimitOutOfRange,
				"--limit-%s is %d; it is a number of requests a second, 1 to %d.",
				x.name,
				*x.value,
				maxRate,
			)
		}
	}
	return r, nil
}

// refusal says whose bucket is empty and for how long.
type refusal struct {
	by   string // byCaller, byClient or byEverybody
	wait time.Duration
}

const (
	byCaller    = "caller"
	byClient    = "client"
	byEverybody = "everybody"
)

// err is the refusal in words; nil for none.
func (r *refusal) err() error {
	if r == nil {
		return nil
	}
	seconds := max(1, int((r.wait+time.Second-1)/time.Second))
	again := fmt.Sprintf(" Nothing was changed. Try again in %s.", inSeconds(seconds))
	var e *errs.Error
	switch r.by {
	case byCaller:
		e = errs.New(errs.RateLimited, CodeRateLimitedCaller, "You have sent many requests in a short time."+again)
	case byClient:
		e = errs.New(
			errs.RateLimited,
			CodeRateLimitedClient,
			"Many requests came from your network in a short time."+again,
		)
	default:
		e = errs.New(errs.RateLimited, CodeRateLimitedEverybody, "Many people are using this at once."+again)
	}
	e.Params = map[string]string{"retry_after_s": strconv.Itoa(seconds)}
	return e
}

func inSeconds(n int) string {
	if n == 1 {
		return "a second"
	}
	return strconv.Itoa(n) + " seconds"
}
