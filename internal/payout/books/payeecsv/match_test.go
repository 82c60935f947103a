package payeecsv_test

import (
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/books/payeecsv"
)

func ref(n byte, reference, address string, sat btcutil.Amount, state string) payeecsv.PayableRef {
	return payeecsv.PayableRef{InstalmentID: uuid.UUID{15: n}, Reference: reference, Address: address, AmountSat: sat, State: state}
}

// A row is told all that is wrong with it at once, and not the next thing each time
// that it is mended.
func TestAllThatIsWrongWithARowIsSaid(t *testing.T) {
	t.Parallel()
	payable := []payeecsv.PayableRef{{InstalmentID: uuid.UUID{15: 1}, Reference: "GR-1", Address: addr1, AmountSat: 500, State: "held"}}
	rows := parse(t, "reference,address,amount_sat\nGR-1,"+addr2+",7\nGR-1,"+addr1+",7\nGR-9,"+addr1+",x\nGR-1,"+addr2+",x\nGR-1,x x,9\n").Rows
	want := [][]string{
		{"other_address", "other_amount", "not_payable"},
		{"other_amount", "not_payable"},
		{"row_has_errors", "unknown_reference"},
		{"row_has_errors", "other_address", "not_payable"},
		{"row_has_errors", "other_amount", "not_payable"},
	}
	for i, m := range payeecsv.Match(rows, payable) {
		var got []string
		for _, r := range m.Reasons {
			got = append(got, string(r.Code))
		}
		if diff := cmp.Diff(want[i], got); diff != "" {
			t.Errorf("line %d (-want +got):\n%s", m.Line, diff)
		}
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	payable := []payeecsv.PayableRef{
		ref(1, "GR-A", addr1, 100, ""),
		ref(2, "GR-A", addr1, 200, "payable"),
		ref(3, "GR-A", addr1, 300, "paid"),
		ref(4, "GR-B", addr2, 100, ""),
		ref(5, "GR-C", addr1, 500, "held"),
		ref(6, "GR-D", addr2, 700, "final"),
		ref(7, "GR-D", addr2, 700, ""),
		ref(8, "GR-E", "1abc", 900, ""),
	}
	rows := []payeecsv.Row{
		{Line: 2, Reference: "GR-A", Address: addr1, AmountSat: 200},
		{Line: 3, Reference: "gr-a", Address: strings.ToUpper(addr1), AmountSat: 100},
		{Line: 4, Reference: "GR-X", Address: addr1, AmountSat: 100},
		{Line: 5, Reference: "GR-B", Address: addr1, AmountSat: 100},
		{Line: 6, Reference: "GR-B", Address: strings.ToUpper(addr2), AmountSat: 100},
		{Line: 7, Reference: "GR-A", Address: addr1, AmountSat: 150},
		{Line: 8, Reference: "GR-A", Address: addr1, AmountSat: 300},
		{Line: 9, Reference: "GR-C", Address: addr1, AmountSat: 500},
		{Line: 10, Reference: "GR-A", Address: addr1, AmountSat: 100},
		{Line: 11, Reference: "GR-B", Address: addr2, AmountSat: 100, Errors: []errs.Field{{Code: "quote"}}},
		{Line: 12, Reference: "GR-D", Address: addr2, AmountSat: 700},
		{Line: 13, Reference: "GR-C", Address: addr1, AmountSat: 1},
		{Line: 14, Reference: "GR-E", Address: "1ABC", AmountSat: 900},
	}
	want := []struct {
		instalment byte
		code, says string
	}{
		{2, "", ""},
		{1, "", ""},
		{0, "unknown_reference", "GR-X"},
		{0, "other_address", addr2},
		{0, "other_address", addr2},
		{0, "other_amount", "150 sat, but 100 or 200 sat"},
		{0, "not_payable", "paid"},
		{0, "not_payable", "held"},
		{0, "named_twice", "Line 3"},
		{0, "row_has_errors", "errors"},
		{7, "", ""},
		{0, "other_amount", "1 sat, but 500 sat"},
		{0, "other_address", "1abc"},
	}

	got := payeecsv.Match(rows, payable)

	for i, m := range got {
		w := want[i]
		code, message := "", ""
		if len(m.Reasons) > 0 {
			code, message = string(m.Reasons[0].Code), m.Reasons[0].Message
		}
		if m.Line != rows[i].Line || m.InstalmentID != (uuid.UUID{15: w.instalment}) || code != w.code || !strings.Contains(message, w.says) {
			t.Errorf("line %d: instalment %s, %s %q; want %d, %s %q", m.Line, m.InstalmentID, code, message, w.instalment, w.code, w.says)
		}
	}
}

// TestNothingIsMatchedTwiceOrWrongly draws rows and instalments from so few
// values that they collide all the time.
func TestNothingIsMatchedTwiceOrWrongly(t *testing.T) {
	t.Parallel()
	addresses := rapid.SampledFrom([]string{addr1, addr2, strings.ToUpper(addr1)})
	references := rapid.SampledFrom([]string{"GR-A", "GR-B", "gr-a"})
	rapid.Check(t, func(t *rapid.T) {
		byID := map[uuid.UUID]payeecsv.PayableRef{}
		var payable []payeecsv.PayableRef
		for i := range rapid.IntRange(0, 8).Draw(t, "instalments") {
			p := ref(byte(i+1), references.Draw(t, "reference"), addresses.Draw(t, "address"), btcutil.Amount(rapid.IntRange(1, 2).Draw(t, "sat")),
				rapid.SampledFrom([]string{"", "payable", "held"}).Draw(t, "state"))
			byID[p.InstalmentID] = p
			payable = append(payable, p)
		}
		var rows []payeecsv.Row
		for i := range rapid.IntRange(0, 8).Draw(t, "rows") {
			rows = append(rows, payeecsv.Row{
				Line: i + 2, Reference: references.Draw(t, "reference"), Address: addresses.Draw(t, "address"),
				AmountSat: btcutil.Amount(rapid.IntRange(1, 2).Draw(t, "sat")),
			})
		}

		got := payeecsv.Match(rows, payable)

		if len(got) != len(rows) {
			t.Fatalf("%d outcomes for %d rows", len(got), len(rows))
		}
		taken := map[uuid.UUID]bool{}
		for i, m := range got {
			if (len(m.Reasons) == 0) == (m.InstalmentID == uuid.Nil) || m.Line != rows[i].Line {
				t.Fatalf("outcome %+v", m)
			}
			if len(m.Reasons) > 0 {
				continue
			}
			p := byID[m.InstalmentID]
			if taken[m.InstalmentID] || p.State == "held" || p.AmountSat != rows[i].AmountSat ||
				!strings.EqualFold(p.Address, rows[i].Address) || !strings.EqualFold(p.Reference, rows[i].Reference) {
				t.Fatalf("line %d took %+v", m.Line, p)
			}
			taken[m.InstalmentID] = true
		}
	})
}

func BenchmarkParse(b *testing.B) {
	text := []byte("reference,address,amount_btc\n" + strings.Repeat("GR-7K3FQ2,"+addr1+",0.01500000\n", payeecsv.MaxRows))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := payeecsv.Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
