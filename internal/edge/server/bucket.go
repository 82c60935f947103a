package server

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/causeway-fund/causeway/internal/clock"
)

// How much may come at once, in seconds of a rate.
const (
	burstOfOne       = 10 * time.Second
	burstOfEverybody = 2 * time.Second
)

const (
	keyLife               = time.Hour // of the key that clients and callers are known under
	refusalPagesPerSecond = 100

	maxEntries = 100_000 // of a table; the one that was seen longest ago goes first
)

// pace is a rate: the time that one request takes up, and how much time may be
// taken up in advance.
type pace struct{ every, depth int64 }

func paceOf(perSecond int, burst time.Duration) pace {
	every := int64(time.Second) / int64(perSecond)
	return pace{every: every, depth: max(int64(burst), heavyCost*every)}
}

// bucket is a leaky bucket in one number (the virtual scheduling algorithm of
// ITU-T I.371): the time at which it will be empty, in nanoseconds.
type bucket int64

// wait returns how long the bucket has no room for cost; 0 when it has.
func (b bucket) wait(now int64, p pace, cost int64) int64 {
	return max(0, b.from(now, p)+cost*p.every-now-p.depth)
}

// take fills the bucket by cost, to the brim at most.
func (b *bucket) take(now int64, p pace, cost int64) {
	*b = bucket(min(b.from(now, p)+cost*p.every, now+p.depth))
}

// give takes cost out again.
func (b *bucket) give(p pace, cost int64) { *b -= bucket(cost * p.every) }

// from is when the bucket is empty, not in the past, and not further ahead than
// a full one.
func (b bucket) from(now int64, p pace) int64 { return min(max(int64(b), now), now+p.depth) }

// name is what a client or caller is known under until the key changes.
type name [sha256.Size / 2]byte

// entry is one of a table, in the order of when it was last seen.
type entry struct {
	name       name
	buckets    [clientClasses]bucket
	prev, next *entry
}

// table holds at most maxEntries.
type table struct {
	entries map[name]*entry
	most    int
	ring    entry // next is the newest, prev the oldest
}

func (t *table) clear() {
	t.entries = make(map[name]*entry)
	t.ring.next, t.ring.prev = &t.ring, &t.ring
}

// find returns n's entry, or nil, and makes it the newest.
func (t *table) find(n name) *entry {
	e := t.entries[n]
	if e != nil {
		e.prev.next, e.next.prev = e.next, e.prev
		t.push(e)
	}
	return e
}

// get returns n's entry; a new one drives the oldest out of a full table.
func (t *table) get(n name) *entry {
	if e := t.find(n); e != nil {
		return e
	}
	if len(t.entries) >= t.most {
		t.drop(t.ring.prev)
	}
	e := &entry{name: n}
	t.entries[n] = e
	t.push(e)
	return e
}

func (t *table) push(e *entry) {
	e.next, e.prev = t.ring.next, &t.ring
	e.next.prev, t.ring.next = e, e
}

func (t *table) drop(e *entry) {
	e.prev.next, e.next.prev = e.next, e.prev
	delete(t.entries, e.name)
}

// credential is what a caller shows: its kind and the secret, or the name that a
// signature proves.
type credential struct {
	kind   string // "session", "token", "receipt" or "prober"
	secret string
}

// isReceipt tells what strangers get by applying from sessions, tokens and probers,
// which only the fund gives out.
func (c credential) isReceipt() bool { return c.kind == "receipt" }

// limits are the buckets of a process. Clients and callers are known in it only by
// a keyed hash, and the key is drawn anew every hour, when all are forgotten.
type limits struct {
	clock     clock.Clock
	start     time.Time
	everyone  [classes]pace
	oneClient [clientClasses]pace
	oneCaller pace

	mu        sync.Mutex
	key       [sha256.Size]byte
	drawn     int64
	clients   table
	callers   table // valid credentials that were seen under this key
	everybody [classes]bucket
	refusals  bucket // that are drawn as pages
}

func newLimits(r Rates, c clock.Clock) *limits {
	l := &limits{
		clock: c, start: c.Now(),
		everyone: [classes]pace{
			reading: paceOf(
				r.Reading,
				burstOfEverybody,
			),
			writing:  paceOf(r.Writing, burstOfEverybody),
			entering: paceOf(r.Entering, burstOfEverybody),
			guessing: paceOf(r.Guessing, burstOfEverybody),
			receipts: paceOf(r.Receipts, burstOfEverybody),
		},
		oneClient: [clientClasses]pace{
			reading: paceOf(r.ClientReading, burstOfOne), writing: paceOf(r.ClientWriting, burstOfOne),
			entering: paceOf(r.ClientEntering, burstOfOne), guessing: paceOf(r.ClientGuessing, burstOfOne),
		},
		oneCaller: paceOf(r.Caller, burstOfOne),
		clients:   table{most: maxEntries}, callers: table{most: maxEntries},
	}
	l.draw(0)
	return l
}

// draw makes a new key and forgets everybody.
func (l *limits) draw(now int64) {
	_, _ = rand.Read(l.key[:]) // never fails: crypto/rand ends the program instead
	l.drawn = now
	l.clients.clear()
	l.callers.clear()
}

// tick returns the time; it is called under the lock, first. When the clock was set
// back it begins anew, and nobody is shut out until the old time has come.
func (l *limits) tick() int64 {
	at := l.clock.Now()
	now := at.Sub(l.start).Nanoseconds()
	switch {
	case now < l.drawn:
		now, l.start, l.everybody, l.refusals = 0, at, [classes]bucket{}, 0
		l.draw(0)
	case now-l.drawn >= int64(keyLife):
		l.draw(now)
	}
	return now
}

func (l *limits) nameOf(kind, what string) name {
	m := hmac.New(sha256.New, l.key[:])
	_, _ = m.Write([]byte(kind + "\x00" + what))
	return name(m.Sum(nil))
}

// stranger counts a request of somebody unknown.
func (l *limits) stranger(from origin, c class, cost int64) *refusal {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.tick()
	own := l.client(from)
	if own != nil {
		if wait := own.buckets[c].wait(now, l.oneClient[c], cost); wait > 0 {
			return &refusal{by: byClient, wait: time.Duration(wait)}
		}
	}
	if wait := l.everybody[c].wait(now, l.everyone[c], cost); wait > 0 {
		return &refusal{by: byEverybody, wait: time.Duration(wait)}
	}
	l.everybody[c].take(now, l.everyone[c], cost)
	if own != nil {
		own.buckets[c].take(now, l.oneClient[c], cost)
	}
	return nil
}

// client returns the entry of a client; nil when nobody can say which it is.
func (l *limits) client(from origin) *entry {
	if !from.named() {
		return nil
	}
	return l.clients.get(l.nameOf(from.kind(), from.String()))
}

// guess counts a credential that was not seen before, before it is looked up. The
// client pays while it can, which owed reports: spare gives that back once the
// credential has turned out to be good. Who cannot pay shares what is left for all
// such clients.
func (l *limits) guess(from origin) (owed bool, refused *refusal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.tick()
	var short int64
	if own := l.client(from); own != nil {
		short = own.buckets[guessing].wait(now, l.oneClient[guessing], 1)
		if short == 0 {
			own.buckets[guessing].take(now, l.oneClient[guessing], 1)
			return true, nil
		}
	}
	if wait := l.everybody[guessing].wait(now, l.everyone[guessing], 1); wait > 0 {
		if short > 0 {
			return false, &refusal{by: byClient, wait: time.Duration(short)}
		}
		return false, &refusal{by: byEverybody, wait: time.Duration(wait)}
	}
	l.everybody[guessing].take(now, l.everyone[guessing], 1)
	return false, nil
}

// mayGuess is guess without paying: whether a credential may be read at all.
func (l *limits) mayGuess(from origin) *refusal {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.tick()
	own := l.client(from)
	if own != nil && own.buckets[guessing].wait(now, l.oneClient[guessing], 1) == 0 {
		return nil
	}
	wait := l.everybody[guessing].wait(now, l.everyone[guessing], 1)
	switch {
	case wait == 0:
		return nil
	case own != nil:
		return &refusal{by: byClient, wait: time.Duration(own.buckets[guessing].wait(now, l.oneClient[guessing], 1))}
	}
	return &refusal{by: byEverybody, wait: time.Duration(wait)}
}

// spare gives back what a client owed for a guess.
func (l *limits) spare(from origin) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tick()
	if own := l.client(from); own != nil {
		own.buckets[guessing].give(l.oneClient[guessing], 1)
	}
}

// caller counts a request under a credential that was seen to be valid; seen is
// false for one that was not.
func (l *limits) caller(c credential, cost int64) (seen bool, refused *refusal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.tick()
	own := l.callers.find(l.nameOf(c.kind, c.secret))
	if own == nil {
		return false, nil
	}
	return true, l.takeOwn(own, c, now, cost)
}

// welcome counts the first request under a credential that is valid.
func (l *limits) welcome(c credential, cost int64) *refusal {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.tick()
	return l.takeOwn(l.callers.get(l.nameOf(c.kind, c.secret)), c, now, cost)
}

func (l *limits) takeOwn(own *entry, c credential, now, cost int64) *refusal {
	b := &own.buckets[0] // a caller has one bucket
	if wait := b.wait(now, l.oneCaller, cost); wait > 0 {
		return &refusal{by: byCaller, wait: time.Duration(wait)}
	}
	if c.isReceipt() {
		if wait := l.everybody[receipts].wait(now, l.everyone[receipts], 1); wait > 0 {
			return &refusal{by: byEverybody, wait: time.Duration(wait)}
		}
		l.everybody[receipts].take(now, l.everyone[receipts], 1)
	}
	b.take(now, l.oneCaller, cost)
	return nil
}

// drawRefusal reports whether one more refusal may be drawn as a page.
func (l *limits) drawRefusal() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, p := l.tick(), paceOf(refusalPagesPerSecond, burstOfEverybody)
	if l.refusals.wait(now, p, 1) > 0 {
		return false
	}
	l.refusals.take(now, p, 1)
	return true
}

// forget drops a credential that is no longer valid.
func (l *limits) forget(c credential) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tick()
	if own := l.callers.find(l.nameOf(c.kind, c.secret)); own != nil {
		l.callers.drop(own)
	}
}

// size returns how many clients and callers are known at the moment.
func (l *limits) size() (clients, callers int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tick()
	return len(l.clients.entries), len(l.callers.entries)
}
