package netplace_test

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/netplace"
)

func asn(n uint32, org string) map[string]any {
	return map[string]any{"autonomous_system_number": n, "autonomous_system_organization": org}
}

func inCountry(code string) map[string]any {
	return map[string]any{"country": map[string]any{"iso_code": code, "geoname_id": uint32(1)}, "continent": map[string]any{"code": "EU"}}
}

func asnFile(tb testing.TB) []byte {
	tb.Helper()
	return mmdb(tb, "GeoLite2-ASN", 6, network{"192.0.2.0/24", asn(64500, "Example Net")}, network{"2001:db8::/32", asn(64501, "Sixth \x1b[31mNet\n")},
		network{"198.51.100.0/25", asn(64502, strings.Repeat("Ы", 100))})
}

func countryFile(tb testing.TB) []byte {
	tb.Helper()
	return mmdb(tb, "GeoLite2-Country", 4, network{"192.0.2.0/25", inCountry("FI")}, network{"203.0.113.0/24", inCountry("fi")})
}

func mustOpen(t *testing.T, files ...[]byte) *netplace.Places {
	t.Helper()
	p, err := netplace.Open(files...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestWhatIsKnown(t *testing.T) {
	t.Parallel()
	places := mustOpen(t, asnFile(t), countryFile(t))
	for addr, want := range map[string]netplace.Place{
		"192.0.2.1":        {ASN: 64500, Org: "Example Net", Country: "FI"},
		"::ffff:192.0.2.1": {ASN: 64500, Org: "Example Net", Country: "FI"},
		"192.0.2.200":      {ASN: 64500, Org: "Example Net"},
		"2001:db8::1%eth":  {ASN: 64501, Org: "Sixth [31mNet"},
		"198.51.100.1":     {ASN: 64502, Org: strings.Repeat("Ы", 60)},
		"198.51.100.129":   {},
		"203.0.113.1":      {}, // a code that is none
		"2002::1":          {},
	} {
		got, err := places.Of(netip.MustParseAddr(addr))
		if diff := cmp.Diff(want, got); diff != "" || err != nil || got.Known() != (want != netplace.Place{}) {
			t.Errorf("%s: %v (-want +got):\n%s", addr, err, diff)
		}
	}
	built := time.Unix(1_790_000_000, 0).UTC()
	if diff := cmp.Diff([]netplace.File{{Type: "GeoLite2-ASN", Built: built}, {Type: "GeoLite2-Country", Built: built}}, places.Files()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestRecordsWithoutMaps(t *testing.T) {
	t.Parallel()
	places := mustOpen(t, mmdb(t, "lite", 6,
		network{"192.0.2.0/24", map[string]any{"asn": "AS64500", "as_name": "Example Net", "country": "Finland", "country_code": "FI"}},
		network{"198.51.100.0/24", map[string]any{"asn": "ASmany", "country_code": "FI"}},
		network{"203.0.113.0/24", map[string]any{"country": "Finland"}}), countryFile(t))
	if got, err := places.Of(netip.MustParseAddr("192.0.2.1")); err != nil || (got != netplace.Place{ASN: 64500, Org: "Example Net", Country: "FI"}) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, addr := range []string{"198.51.100.1", "203.0.113.1"} {
		if got, err := places.Of(netip.MustParseAddr(addr)); !errs.Is(err, "place_file_unread") || got.Known() {
			t.Errorf("%s: %+v, %v", addr, got, err)
		}
	}
}

func TestWithoutFilesNothingIsKnown(t *testing.T) {
	t.Parallel()
	var none netplace.Places
	if got, err := none.Of(netip.MustParseAddr("192.0.2.1")); err != nil || got.Known() || len(none.Files()) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := mustOpen(t, asnFile(t)).Of(netip.Addr{}); err != nil || got.Known() {
		t.Errorf("no address: %+v, %v", got, err)
	}
}

func TestDamagedFilesAreRefused(t *testing.T) {
	t.Parallel()
	whole := asnFile(t)
	metadata := bytes.Index(whole, []byte("\xab\xcd\xefMaxMind.com"))
	cycle := bytes.Clone(whole)
	copy(cycle, []byte{0, 0, 0, 0, 0, 0}) // the first node leads to itself
	for name, b := range map[string][]byte{
		"empty":             nil,
		"a page":            []byte("<html>404</html>"),
		"its end missing":   whole[:len(whole)-20],
		"its start missing": whole[100:],
		"tree cut":          append(bytes.Clone(whole[:60]), whole[metadata:]...),
		"records cut":       append(bytes.Clone(whole[:metadata-30]), whole[metadata:]...),
		"a circle":          cycle,
		"no text":           bytes.Replace(whole, []byte("Example Net"), []byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), 1),
	} {
		if _, err := netplace.Open(whole, b); !errs.Is(err, "place_file_refused") || !strings.Contains(err.Error(), "File 2 ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGroup(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"192.0.2.77": "192.0.2.0/24", "::ffff:192.0.2.77": "192.0.2.0/24", "2001:db8:1:2:3::4": "2001:db8:1::/48", "fe80::1%eth0": "fe80::/48",
	} {
		if got := netplace.Group(netip.MustParseAddr(addr)); got.String() != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
	if got := netplace.Group(netip.Addr{}); got.IsValid() {
		t.Errorf("no address: %s", got)
	}
}

// FuzzOpen: a file from outside is refused or answers; what it answers is short
// and printable.
func FuzzOpen(f *testing.F) {
	f.Add(asnFile(f))
	f.Add(countryFile(f))
	f.Add(mmdb(f, "lite", 6, network{"192.0.2.0/24", map[string]any{"asn": "AS64500", "as_name": "a", "country_code": "FI"}}))
	f.Add([]byte("\xab\xcd\xefMaxMind.com"))
	f.Fuzz(func(t *testing.T, b []byte) {
		places, err := netplace.Open(b)
		if err != nil {
			return
		}
		for _, addr := range []string{"192.0.2.1", "198.51.100.1", "2001:db8::1", "::", "255.255.255.255"} {
			got, err := places.Of(netip.MustParseAddr(addr))
			if err != nil && got.Known() {
				t.Errorf("%s: %+v with %v", addr, got, err)
			}
			if len(got.Org) > 120 || !utf8.ValidString(got.Org) || (got.Country != "" && len(got.Country) != 2) {
				t.Errorf("%s: %+v", addr, got)
			}
		}
	})
}

func BenchmarkOf(b *testing.B) {
	places, err := netplace.Open(asnFile(b), countryFile(b))
	if err != nil {
		b.Fatal(err)
	}
	addr := netip.MustParseAddr("192.0.2.1")
	for b.Loop() {
		if _, err := places.Of(addr); err != nil {
			b.Fatal(err)
		}
	}
}
