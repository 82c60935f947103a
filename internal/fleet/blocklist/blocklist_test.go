package blocklist_test

import (
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/blocklist"
)

func load(t *testing.T) (*blocklist.Set, blocklist.Report) {
	t.Helper()
	set, report, err := blocklist.Load(t.Context(), os.DirFS("testdata/lists"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range report.Lists {
		if l.Err != nil {
			t.Fatal(l.Err)
		}
	}
	return set, report
}

func at(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

const (
	zi       = "2025-10-01T10:25:04Z"
	telegram = "27-31-2018/Ид2971-18"
)

func ziHit(what blocklist.What, entry, order string, date time.Time) blocklist.Hit {
	return blocklist.Hit{List: "ru-zi", Version: zi, What: what, Entry: entry, Order: order, Date: date, Rows: 1}
}

func narrower(h blocklist.Hit, rows int) blocklist.Hit {
	h.Narrower, h.Rows = true, rows
	return h
}

func TestAddressesOfTheFixture(t *testing.T) {
	t.Parallel()
	set, _ := load(t)
	watch := func(entry string) blocklist.Hit {
		return blocklist.Hit{List: "watch", Version: set.Lists()[1].Version, What: blocklist.ByAddress, Entry: entry, Rows: 1}
	}
	for addr, want := range map[string][]blocklist.Hit{
		"192.0.2.99":         {ziHit(blocklist.ByAddress, "192.0.2.0/25", telegram, at(2018, 4, 16))},
		"::ffff:192.0.2.99":  {ziHit(blocklist.ByAddress, "192.0.2.0/25", telegram, at(2018, 4, 16))},
		"192.0.2.128":        nil,
		"192.0.2.17":         {ziHit(blocklist.ByAddress, "192.0.2.17/32", telegram, at(2018, 4, 16)), ziHit(blocklist.ByAddress, "192.0.2.0/25", telegram, at(2018, 4, 16))},
		"2001:db8:17::1%eth": {ziHit(blocklist.ByAddress, "2001:db8:17::/48", telegram, at(2018, 4, 16))},
		"2001:db8:17:5::1":   {ziHit(blocklist.ByAddress, "2001:db8:17::/48", telegram, at(2018, 4, 16)), watch("2001:db8:17:5::1/128")},
		"198.51.100.3":       {watch("198.51.100.3/32"), watch("198.51.100.0/30")},
		"198.51.100.255":     {watch("198.51.100.128/25")},
		"10.200.0.1":         {watch("10.0.0.0/8")},
		"1.1.1.1":            nil, // of 1.0.0.0/7 and 0.0.0.0/0
		// Named beside a host, and beside a page of it: the older order is told.
		"203.0.113.9":  {narrower(ziHit(blocklist.ByAddress, "203.0.113.9/32", "2-6-27/2019-01-01-77-АИ", at(2019, 1, 1)), 2)},
		"203.0.113.10": {narrower(ziHit(blocklist.ByAddress, "203.0.113.10/32", "1234-РИ", at(2022, 3, 4)), 1)},
		"203.0.113.13": {ziHit(blocklist.ByAddress, "203.0.113.13/32", "broken address", at(2020, 1, 1))},
		"203.0.113.14": {narrower(ziHit(blocklist.ByAddress, "203.0.113.14/32", "every name", at(2020, 1, 1)), 1)},
		"203.0.113.15": nil, // of a row that was cut
		"203.0.113.16": {narrower(ziHit(blocklist.ByAddress, "203.0.113.16/32", "quote", at(2020, 1, 1)), 1)},
		"203.0.113.17": {ziHit(blocklist.ByAddress, "203.0.113.17/32", "no such day", time.Time{})},
		"203.0.113.18": {ziHit(blocklist.ByAddress, "203.0.113.18/32", "mapped", at(2020, 1, 1))},
	} {
		if diff := cmp.Diff(want, set.Address(netip.MustParseAddr(addr))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", addr, diff)
		}
	}
	if hits := set.Address(netip.Addr{}); hits != nil {
		t.Errorf("no address: %v", hits)
	}
}

func TestHostsOfTheFixture(t *testing.T) {
	t.Parallel()
	set, _ := load(t)
	court := func(entry string) blocklist.Hit { return ziHit(blocklist.ByHost, entry, "2а-1/2020", at(2020, 2, 3)) }
	casino := ziHit(blocklist.ByHost, "casino.example.com", "2-6-27/2021-04-01-77-АИ", at(2021, 4, 1))
	casino.Rows = 2 // one of them about a page, which tells less
	for name, want := range map[string][]blocklist.Hit{
		"proxy.example.org":             {court("proxy.example.org"), court("*.proxy.example.org")},
		"A.B.proxy.EXAMPLE.org.":        {court("*.proxy.example.org")},
		"notproxy.example.org":          nil,
		"example.org":                   nil,
		"casino.example.com":            {casino},
		"www.casino.example.com":        nil, // the entry has no wildcard
		"проверка.example":              {court("xn--80adjurfhd.example")},
		"xn--80adjurfhd.example":        {court("xn--80adjurfhd.example")},
		"under_score.example.com":       {ziHit(blocklist.ByHost, "under_score.example.com", "star inside", at(2020, 1, 1))},
		"test.anything.example.com":     nil,
		"com":                           nil,
		"":                              nil,
		"..":                            nil,
		"a b.proxy.example.org":         nil,
		"198.51.100.7":                  {ziHit(blocklist.ByAddress, "198.51.100.7/32", telegram, at(2018, 4, 16))},
		"[2001:db8:17:ffff::]":          {ziHit(blocklist.ByAddress, "2001:db8:17::/48", telegram, at(2018, 4, 16))},
		strings.Repeat("a.", 200) + "b": nil,
	} {
		if diff := cmp.Diff(want, set.Host(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestReportSaysWhatCouldNotBeRead(t *testing.T) {
	t.Parallel()
	_, report := load(t)
	if len(report.Lists) != 2 || len(report.Ignored) != 0 || len(report.Gone) != 0 {
		t.Fatalf("report: %+v", report)
	}
	dump, plain := report.Lists[0], report.Lists[1]
	want := []blocklist.Problem{
		{File: "ru-zi-01.csv", Line: 2, Why: "this is not an address or network"},
		{File: "ru-zi-01.csv", Line: 3, Why: "the network is too large to be intended"},
		{File: "ru-zi-01.csv", Line: 4, Why: "a wildcard stands for the first labels, above at least two more"},
		{File: "ru-zi-01.csv", Line: 5, Why: "the row has fewer than six fields"},
		{File: "ru-zi-01.csv", Line: 6, Why: "a wildcard stands for the first labels, above at least two more"},
		{File: "ru-zi-01.csv", Line: 8, Why: "the date is not of the form 2006-01-02"},
	}
	if diff := cmp.Diff(want, dump.Problems); diff != "" {
		t.Errorf("problems of the dump (-want +got):\n%s", diff)
	}
	if dump.Rows != 14 || dump.Bad != 6 || dump.Networks != 14 || dump.Hosts != 5 || dump.Version != zi || !dump.Updated.Equal(time.Date(2025, 10, 1, 10, 25, 4, 0, time.UTC)) {
		t.Errorf("dump: %+v", dump)
	}
	want = []blocklist.Problem{
		{File: "watch.cidr", Line: 8, Why: "this is not an address or network"},
		{File: "watch.cidr", Line: 9, Why: "the network is too large to be intended"},
	}
	if diff := cmp.Diff(want, plain.Problems); diff != "" {
		t.Errorf("problems of the plain list (-want +got):\n%s", diff)
	}
	if plain.Networks != 5 || plain.Rows != 7 || plain.Version != "sha256-"+plain.SHA256[:12] || plain.Updated.IsZero() {
		t.Errorf("plain list: %+v", plain)
	}
}

func TestHowMuchOfANeighbourhoodIsListed(t *testing.T) {
	t.Parallel()
	set, _ := load(t)
	for _, c := range []struct {
		of       string
		want     blocklist.Coverage
		permille int
	}{
		// Half of it by one entry; what lies inside counts no second time.
		{"192.0.2.200/32", blocklist.Coverage{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Units: 256, Listed: 128, Entries: 3}, 500},
		// 0 to 3 by a /30 and, once more, by 3; 128 to 255; 7 by the other list.
		{"198.51.100.0/24", blocklist.Coverage{Prefix: netip.MustParsePrefix("198.51.100.0/24"), Units: 256, Listed: 133, Entries: 4}, 520},
		{"::ffff:198.51.100.0/120", blocklist.Coverage{Prefix: netip.MustParsePrefix("198.51.100.0/24"), Units: 256, Listed: 133, Entries: 4}, 520},
		{"203.0.113.0/24", blocklist.Coverage{Prefix: netip.MustParsePrefix("203.0.113.0/24"), Units: 256, Listed: 3, Narrower: 6, Entries: 9}, 12},
		{"10.9.9.0/24", blocklist.Coverage{Prefix: netip.MustParsePrefix("10.9.9.0/24"), Units: 256, Listed: 256, Entries: 1}, 1000},
		{"2001:db8:17::/48", blocklist.Coverage{Prefix: netip.MustParsePrefix("2001:db8:17::/48"), Units: 65536, Listed: 65536, Entries: 2}, 1000},
		{"2001:db8:18::/64", blocklist.Coverage{Prefix: netip.MustParsePrefix("2001:db8:18::/48"), Units: 65536}, 0},
		{"192.0.2.0/23", blocklist.Coverage{}, 0},
	} {
		got := set.Blocked24(netip.MustParsePrefix(c.of))
		if diff := cmp.Diff(c.want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" || got.Permille() != c.permille {
			t.Errorf("%s: %d permille, want %d (-want +got):\n%s", c.of, got.Permille(), c.permille, diff)
		}
	}
	if got := set.Blocked24(netip.Prefix{}); got.Units != 0 {
		t.Errorf("no prefix: %+v", got)
	}
}

func TestEmptySetsAnswer(t *testing.T) {
	t.Parallel()
	var h blocklist.Holder
	if h.Set().Address(netip.MustParseAddr("192.0.2.1")) != nil || h.Set().Host("example.com") != nil || len(h.Set().Lists()) != 0 {
		t.Error("an empty holder has hits")
	}
	set, _ := load(t)
	h.Swap(set)
	if h.Set() != set {
		t.Error("Swap did not put the set into use")
	}
}

func TestTagFitsARecord(t *testing.T) {
	t.Parallel()
	set, _ := load(t)
	if got := set.Address(netip.MustParseAddr("192.0.2.99"))[0].Tag(); got != "ru-zi@"+zi {
		t.Errorf("tag %q", got)
	}
}

// TestRowForms: quoting and unusual rows, each as a file of its own.
func TestRowForms(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("192.0.2.1 | ", 400<<10) + "192.0.2.1;;;a;long;2020-01-01\n"
	for name, c := range map[string]struct {
		rows, addr, order string
		bad               int
	}{
		"quoted authority":      {"192.0.2.9;;;\"a;b\";o1;2020-01-01", "192.0.2.9", "o1", 0},
		"quoted last field":     {"192.0.2.9;;;a;o1;\"2020-01-01\"", "192.0.2.9", "o1", 0},
		"letters behind quote":  {"192.0.2.9;;\"a\"b;c;o1;2020-01-01", "192.0.2.9", "o1", 0},
		"carriage returns":      {"192.0.2.9;;;a;o1;2020-01-01\r\n\r\n", "192.0.2.9", "o1", 0},
		"UTF-8":                 {"192.0.2.9;;;ФНС;Ид1;2020-01-01", "192.0.2.9", "Ид1", 0},
		"control characters":    {"192.0.2.9;;;a;o\x1b[31m1\x00;2020-01-01", "192.0.2.9", "o[31m1", 0},
		"order too long":        {"192.0.2.9;;;a;" + strings.Repeat("Ы", 200) + ";2020-01-01", "192.0.2.9", strings.Repeat("Ы", 60), 0},
		"no date":               {"192.0.2.9;;;a;o1;", "192.0.2.9", "o1", 0},
		"date before 1970":      {"192.0.2.9;;;a;o1;1812-01-01", "192.0.2.9", "o1", 1},
		"behind a long row":     {long + "192.0.2.9;;;a;o1;2020-01-01", "192.0.2.9", "o1", 1},
		"address as a name":     {";192.0.2.9;;a;o1;2020-01-01", "192.0.2.9", "o1", 0},
		"name that is a number": {";10.1 | 192.0.2.9;;a;o1;2020-01-01", "192.0.2.9", "o1", 1},
		"zone":                  {"fe80::1%a | 192.0.2.9;;;a;o1;2020-01-01", "192.0.2.9", "o1", 1},
		"odd prefix lengths":    {"192.0.2.0/024 | 192.0.2.0/33 | 192.0.2.0/ | 192.0.2.0/-1 | ::ffff:0.0.0.0/90 | 192.0.2.9;;;a;o1;2020-01-01", "192.0.2.9", "o1", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, report, err := blocklist.Load(t.Context(), fstest.MapFS{
				"x.csv": {Data: []byte("\xef\xbb\xbfUpdated: 2020-01-01 00:00:00 +0300\n" + c.rows)},
			}, nil)
			if err != nil || report.Lists[0].Err != nil {
				t.Fatal(err, report.Lists[0].Err)
			}
			hits := set.Address(netip.MustParseAddr(c.addr))
			if len(hits) != 1 || hits[0].Order != c.order || hits[0].Version != "2019-12-31T21:00:00Z" {
				t.Errorf("hits: %+v", hits)
			}
			if report.Lists[0].Bad != c.bad {
				t.Errorf("%d bad rows, want %d: %+v", report.Lists[0].Bad, c.bad, report.Lists[0].Problems)
			}
		})
	}
}

func TestProblemsAreBounded(t *testing.T) {
	t.Parallel()
	rows := strings.Repeat("192.0.2.1\n", 1000) + strings.Repeat("x\n", 900)
	_, report, err := blocklist.Load(t.Context(), fstest.MapFS{"x.txt": {Data: []byte(rows)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r := report.Lists[0]; r.Err != nil || r.Bad != 900 || len(r.Problems) != 50 || r.Problems[0].Line != 1001 || r.Rows != 1900 {
		t.Errorf("%d problems of %d, %v", len(r.Problems), r.Bad, r.Err)
	}
}

func TestRefusalSaysWhatToDo(t *testing.T) {
	t.Parallel()
	_, report, err := blocklist.Load(t.Context(), fstest.MapFS{"x.txt": {Data: []byte("<html>\n")}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if e := report.Lists[0].Err; !errs.Is(e, "blocklist_refused") || !strings.Contains(e.Error(), "No list of that name is in use.") {
		t.Errorf("refusal: %v", e)
	}
}
