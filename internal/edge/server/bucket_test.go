package server

import (
	"net/netip"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/clock"
)

// TestBucketsKeepTheirRate: whatever the calls and pauses are, what was let through
// is never more than the burst and the rate give, and a full wait is enough.
func TestBucketsKeepTheirRate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		perSecond := rapid.IntRange(1, 5000).Draw(r, "rate")
		p := paceOf(perSecond, burstOfOne)
		var b bucket
		var now, taken int64
		for range rapid.IntRange(1, 300).Draw(r, "calls") {
			now += rapid.Int64Range(0, 2*int64(time.Second)).Draw(r, "pause")
			cost := rapid.SampledFrom([]int64{1, 5, heavyCost}).Draw(r, "cost")
			wait := b.wait(now, p, cost)
			if wait > 0 && rapid.Bool().Draw(r, "waits") {
				now += wait
				wait = b.wait(now, p, cost)
				if wait > 0 {
					r.Fatalf("after the wait there are %d ns more", wait)
				}
			}
			if wait == 0 {
				b.take(now, p, cost)
				taken += cost
			}
			if most := (now + p.depth) / p.every; taken > most {
				r.Fatalf("%d were taken within %d ns at %d a second", taken, now, perSecond)
			}
		}
	})
}

// TestAClockSetBackShutsNobodyOut lets a clock go back an hour at each look.
func TestAClockSetBackShutsNobodyOut(t *testing.T) {
	t.Parallel()
	p := paceOf(10, burstOfOne)
	b := bucket(int64(time.Hour))
	if got, want := b.wait(0, p, 1), p.every; got != want {
		t.Errorf("a bucket that is more than full has to wait %d, want %d", got, want)
	}
	l := newLimits(must2(Rates{}.withDefaults()), &back{at: time.Unix(1_000_000, 0)})
	from := networkOf(netip.MustParseAddr("192.0.2.1"))
	for range 3 * DefaultRates().ClientReading {
		if r := l.stranger(from, reading, 1); r != nil {
			t.Fatal("refused", r)
		}
	}
}

// back is a clock that goes backwards, by an hour at first.
type back struct{ at time.Time }

func (b *back) Now() time.Time {
	b.at = b.at.Add(-time.Hour)
	return b.at
}

func must2(r Rates, err error) Rates {
	if err != nil {
		panic(err)
	}
	return r
}

// TestTablesAreBounded: the one that was seen longest ago goes first, and whoever
// comes with many networks is held by everybody's bucket.
func TestTablesAreBounded(t *testing.T) {
	t.Parallel()
	fake := clock.NewFake(time.Unix(1_800_000_000, 0))
	l := newLimits(must2(Rates{Reading: 1000, ClientReading: 1}.withDefaults()), fake)
	l.clients.most = 100
	v6 := func(i int) origin {
		return networkOf(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, 0, byte(i >> 8), byte(i), 15: 1}))
	}
	through := 0
	for i := range 5000 {
		if l.stranger(v6(i), reading, 1) == nil {
			through++
		}
	}
	if clients, _ := l.size(); clients != 100 {
		t.Errorf("%d clients are kept", clients)
	}
	if through != 2000 {
		t.Errorf("5000 networks got %d through, and everybody's bucket holds 2000", through)
	}
	fake.Advance(time.Second)
	known := v6(60_000)
	for i := range 150 { // seen again and again, it stays while others are driven out
		l.stranger(known, reading, 1)
		l.stranger(v6(10_000+i), reading, 1)
	}
	if r := l.stranger(known, reading, 1); r == nil || r.by != byClient {
		t.Errorf("a client that keeps calling was forgotten: %+v", r)
	}
}

// TestTheKeyIsDrawnAnewEveryHour: then all names change and nothing is left.
func TestTheKeyIsDrawnAnewEveryHour(t *testing.T) {
	t.Parallel()
	fake := clock.NewFake(time.Unix(1_800_000_000, 0))
	l := newLimits(must2(Rates{}.withDefaults()), fake)
	from, cred := networkOf(netip.MustParseAddr("192.0.2.1")), credential{"token", "secret"}
	l.stranger(from, reading, 1)
	l.welcome(cred, 1)
	first := l.nameOf(from.kind(), from.String())
	for step, want := range []int{1, 0} {
		fake.Advance(keyLife - time.Nanosecond + time.Duration(step))
		if clients, callers := l.size(); clients != want || callers != want {
			t.Errorf("step %d: %d clients, %d callers", step, clients, callers)
		}
	}
	if l.nameOf(from.kind(), from.String()) == first {
		t.Error("the name is still the same")
	}
	if seen, _ := l.caller(cred, 1); seen {
		t.Error("a credential outlived the key")
	}
	if l.nameOf("token", "x") == l.nameOf("session", "x") || l.nameOf("a", "bc") == l.nameOf("ab", "c") {
		t.Error("names of two kinds meet")
	}
}

func TestALargeFleetOnOneNetworkIsLetThrough(t *testing.T) {
	t.Parallel()
	l := newLimits(must2(Rates{}.withDefaults()), clock.NewFake(time.Unix(1_800_000_000, 0)))
	from := networkOf(netip.MustParseAddr("192.0.2.1"))
	for i := range 1000 { // each comes for the first time
		owed, r := l.guess(from)
		if r != nil || !owed {
			t.Fatalf("%d: %+v", i, r)
		}
		l.spare(from)
		if r := l.welcome(credential{"prober", strconv.Itoa(i)}, 1); r != nil {
			t.Fatalf("%d: %+v", i, r)
		}
	}
}
