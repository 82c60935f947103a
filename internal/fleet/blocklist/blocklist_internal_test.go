package blocklist

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"
)

// readAll reads text as a list, whatever is wrong with it.
func readAll(t testing.TB, f format, text []byte) (*Set, *ListReport) {
	t.Helper()
	r := &reading{entries: newEntries(), report: &ListReport{}}
	var err error
	if f == formatDump {
		err = r.dump(t.Context(), "x.csv", true, bytes.NewReader(text))
	} else {
		err = r.plain(t.Context(), "x.txt", bytes.NewReader(text))
	}
	if err != nil {
		t.Fatal(err)
	}
	r.entries.build()
	return NewSet(&List{info: Info{Name: "x", Version: "1"}, entries: r.entries}), r.report
}

// FuzzDump: whatever stands between two good rows, both are found, a report
// stays within its bounds, and no entry is wider than it may be.
func FuzzDump(f *testing.F) {
	for _, seed := range []string{
		"", ";", `"`, `"";"";"";"";"";""`, "192.0.2.0/25 | 10.0.0.1;a.example | *.b.example;http://a;o;n;2020-01-01", "\xc8\xe4;\xc8.example;;;\xc8;x",
		"Updated: 2020-01-01 00:00:00 +0000", "::ffff:0.0.0.0/0|0.0.0.0/0|::/0;*;;;;", "a;*.*.example;;;;9999-99-99", "\r\r\n\x00", strings.Repeat("1", 300) + ".example;;;;;",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, between []byte) {
		text := slices.Concat([]byte("Updated: 2020-01-01 00:00:00 +0000\n240.0.0.1;first.invalid;;a;o;2020-01-01\n"), between,
			[]byte("\n240.0.0.2;last.invalid;;a;o;2020-01-01\n"))
		set, report := readAll(t, formatDump, text)
		for _, name := range []string{"first.invalid", "last.invalid"} {
			if len(set.Host(name)) == 0 {
				t.Errorf("%s is lost", name)
			}
		}
		for _, addr := range []string{"240.0.0.1", "240.0.0.2"} {
			if len(set.Address(netip.MustParseAddr(addr))) == 0 {
				t.Errorf("%s is lost", addr)
			}
		}
		if len(report.Problems) > maxProblems || report.Bad > report.Rows+1 {
			t.Errorf("%d problems, %d bad rows of %d", len(report.Problems), report.Bad, report.Rows)
		}
		e := set.lists[0].entries
		for p := range e.nets.All() {
			if p != p.Masked() || p.Addr().Is4In6() || (p.Addr().Is4() && p.Bits() < minBits4) || (p.Addr().Is6() && p.Bits() < minBits6) {
				t.Errorf("entry %s", p)
			}
		}
		for i, h := range e.hosts {
			name := string(e.name(h))
			if canonicalName(name) != name || e.find(name, h.wild) != i {
				t.Errorf("host %q", name)
			}
		}
	})
}

func FuzzPlain(f *testing.F) {
	for _, seed := range []string{"", "#", "192.0.2.1 # a", "192.0.2.0/24\r", "::/0", "::ffff:1.2.3.4/128", "1.2.3.4/", "/", "\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, between []byte) {
		set, report := readAll(t, formatPlain, slices.Concat([]byte("240.0.0.1\n"), between, []byte("\n240.0.0.2")))
		for _, addr := range []string{"240.0.0.1", "240.0.0.2"} {
			if len(set.Address(netip.MustParseAddr(addr))) == 0 {
				t.Errorf("%s is lost", addr)
			}
		}
		if len(report.Problems) > maxProblems || report.Bad > report.Rows {
			t.Errorf("%d problems, %d bad rows of %d", len(report.Problems), report.Bad, report.Rows)
		}
	})
}

// TestAgainstOneByOne holds the tree and the sorted names against asking every
// entry.
func TestAgainstOneByOne(t *testing.T) {
	t.Parallel()
	net4 := rapid.Custom(func(t *rapid.T) netip.Prefix {
		a := netip.AddrFrom4([4]byte{192, 0, byte(rapid.IntRange(0, 1).Draw(t, "third")), rapid.Byte().Draw(t, "last")})
		return netip.PrefixFrom(a, rapid.IntRange(22, 32).Draw(t, "bits")).Masked()
	})
	label := rapid.SampledFrom([]string{"a", "b", "c"})
	name := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(label, 2, 4).Draw(t, "labels"), ".")
	})
	rapid.Check(t, func(t *rapid.T) {
		nets := rapid.SliceOfN(net4, 0, 12).Draw(t, "nets")
		type listed struct {
			name string
			wild bool
		}
		hosts := map[listed]bool{}
		e := newEntries()
		for _, p := range nets {
			_ = e.addNet(p, mark{rows: 1})
		}
		for range rapid.IntRange(0, 12).Draw(t, "hosts") {
			h := listed{name.Draw(t, "name"), rapid.Bool().Draw(t, "wild")}
			hosts[h] = true
			_ = e.addHost(h.name, h.wild, mark{rows: 1})
		}
		e.build()
		set := NewSet(&List{info: Info{Name: "x"}, entries: e})

		distinct := slices.Compact(slices.SortedFunc(slices.Values(nets), netip.Prefix.Compare))
		want := Coverage{Prefix: netip.MustParsePrefix("192.0.1.0/24"), Units: 256}
		for _, p := range distinct {
			if p.Overlaps(want.Prefix) {
				want.Entries++
			}
		}
		for i := range 256 {
			a := netip.AddrFrom4([4]byte{192, 0, 1, byte(i)})
			covering := 0
			for _, p := range distinct {
				if p.Contains(a) {
					covering++
				}
			}
			if covering > 0 {
				want.Listed++
			}
			if got := len(set.Address(a)); got != covering {
				t.Fatalf("%s: %d hits, want %d", a, got, covering)
			}
		}
		if got := set.Blocked24(want.Prefix); got != want {
			t.Fatalf("coverage %+v, want %+v", got, want)
		}

		asked := name.Draw(t, "asked")
		covering := 0
		for h := range hosts {
			if (!h.wild && h.name == asked) || (h.wild && strings.HasSuffix("."+asked, "."+h.name)) {
				covering++
			}
		}
		if got := len(set.Host(asked)); got != covering {
			t.Fatalf("%s: %d hits, want %d of %v", asked, got, covering, hosts)
		}
	})
}

// TestMarksJoinInAnyOrder: what a hit says does not depend on the order of rows
// with different dates.
func TestMarksJoinInAnyOrder(t *testing.T) {
	t.Parallel()
	marks := []mark{{order: 1, rows: 1, day: 30}, {order: 2, rows: 1, day: 20}, {order: 3, rows: 2}, {order: 4, rows: 1, day: 10, narrower: true}}
	want := mark{order: 2, rows: 5, day: 20}
	rapid.Check(t, func(t *rapid.T) {
		order := rapid.Permutation(marks).Draw(t, "order")
		got := order[0]
		for _, m := range order[1:] {
			got = got.merge(m)
		}
		if got != want {
			t.Fatalf("%+v, want %+v", got, want)
		}
	})
}

func TestReadingStopsWithinAFile(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	r := &reading{entries: newEntries(), report: &ListReport{}}
	rows := 0
	err := r.lines(ctx, strings.NewReader(strings.Repeat("x\n", 1<<20)), func([]byte) error {
		rows++
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || rows > 1024 {
		t.Errorf("%d rows, %v", rows, err)
	}
}

func TestTooManyEntries(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"192.0.2.1 | 192.0.2.2 | 192.0.2.3;;;a;o;2020-01-01",
		";a.example | b.example | a.example;;a;o;2020-01-01",
		"192.0.2.1;;;a;o;2020-01-01\n192.0.2.1;;;a;p;2020-01-01\n192.0.2.1;;;a;q;2020-01-01",
	} {
		r := &reading{entries: newEntries(), report: &ListReport{}}
		r.entries.max = 2
		if err := r.dump(t.Context(), "x.csv", false, strings.NewReader(text)); !errors.Is(err, errTooMany) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func randomNets(n int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for range n {
		bits := 32
		if random.IntN(20) == 0 {
			bits = 16 + random.IntN(16)
		}
		v := random.Uint32()
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(v>>24)&0x7f | 1, byte(v >> 16), byte(v >> 8), byte(v)}), bits).Masked()
		fmt.Fprintln(&b, p)
	}
	return b.Bytes()
}

func BenchmarkLoad200kNetworks(b *testing.B) {
	folder := fstest.MapFS{"x.txt": {Data: randomNets(200_000)}}
	b.ReportAllocs()
	for b.Loop() {
		if set, _, err := Load(b.Context(), folder, nil); err != nil || len(set.lists) != 1 {
			b.Fatal(err)
		}
	}
}

// BenchmarkLoadDump reads 100,000 rows such as a real dump has: a name, four
// addresses beside it and an order of its own.
func BenchmarkLoadDump(b *testing.B) {
	var text bytes.Buffer
	text.WriteString("Updated: 2025-10-01 10:25:04 +0000\n")
	for i := range 100_000 {
		fmt.Fprintf(&text, "10.%d.%d.1 | 10.%d.%d.2 | 2001:db8:%x::1 | 2001:db8:%x::2;host%d.example;;\xd4\xcd\xd1;2-6-27/2021-04-01-%d-\xc0\xc8;2021-04-01\n",
			i>>8&0xff, i&0xff, i>>8&0xff, i&0xff, i&0xffff, i&0xffff, i, i)
	}
	folder := fstest.MapFS{"x.csv": {Data: text.Bytes()}}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if set, _, err := Load(b.Context(), folder, nil); err != nil || set.lists[0].info.Hosts != 100_000 {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookup200kNetworks(b *testing.B) {
	set, _ := readAll(b, formatPlain, randomNets(200_000))
	random := rand.New(rand.NewPCG(3, 4))
	addrs := make([]netip.Addr, 4096)
	for i := range addrs {
		v := random.Uint32()
		addrs[i] = netip.AddrFrom4([4]byte{byte(v>>24)&0x7f | 1, byte(v >> 16), byte(v >> 8), byte(v)})
	}
	b.Run("address", func(b *testing.B) {
		i := 0
		for b.Loop() {
			set.Address(addrs[i%len(addrs)])
			i++
		}
	})
	b.Run("neighbourhood", func(b *testing.B) {
		i := 0
		for b.Loop() {
			set.Blocked24(netip.PrefixFrom(addrs[i%len(addrs)], 32))
			i++
		}
	})
}
