package probe

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"time"

	"github.com/causeway-fund/causeway/internal/clock"
)

// Trace follows one attempt: which stage it passed last, how long each took and
// which address was dialled. It belongs to one goroutine.
type Trace struct {
	clock   clock.Clock
	last    time.Time
	reached Stage
	took    map[Stage]time.Duration
	addr    netip.AddrPort
	server  string
	note    string
}

// NewTrace returns a Trace that starts now.
func NewTrace(c clock.Clock) *Trace {
	return &Trace{clock: c, last: c.Now(), took: map[Stage]time.Duration{}}
}

// Pass says that the attempt has passed s. A stage that was passed before, or
// lies before one that was, changes nothing: a second connection of the same
// attempt goes through the early stages again.
func (t *Trace) Pass(s Stage) {
	if s.rank() <= t.reached.rank() {
		return
	}
	now := t.clock.Now()
	t.took[s] = now.Sub(t.last)
	t.last, t.reached = now, s
}

// Dialled says which address was dialled. The first one of an attempt is kept.
func (t *Trace) Dialled(ap netip.AddrPort) {
	if !t.addr.IsValid() {
		t.addr = ap
	}
}

// Met says by what the server has proven to be itself: the DER of its TLS
// certificate, or its public key. The first one of an attempt is kept, as hex
// SHA-256.
func (t *Trace) Met(identity []byte) {
	if t.server == "" {
		sum := sha256.Sum256(identity)
		t.server = hex.EncodeToString(sum[:])
	}
}

// ServerKey returns what Met kept, or "".
func (t *Trace) ServerKey() string { return t.server }

// Note says what a passed attempt's record should hold beside its stages, such as
// a part that could not be asked for. The last one is kept.
func (t *Trace) Note(format string, args ...any) { t.note = fmt.Sprintf(format, args...) }

// Reached returns the last stage passed, or "".
func (t *Trace) Reached() Stage { return t.reached }

// Addr returns the address that was dialled first; it may be invalid.
func (t *Trace) Addr() netip.AddrPort { return t.addr }
