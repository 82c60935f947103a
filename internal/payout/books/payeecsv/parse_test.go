package payeecsv_test

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/books/payeecsv"
)

const (
	addr1 = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
	addr2 = "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"
)

func parse(tb testing.TB, text string) payeecsv.File {
	tb.Helper()
	f, err := payeecsv.Parse([]byte(text))
	if err != nil {
		tb.Fatalf("%q: %v", text, err)
	}
	return f
}

// codes writes the errors of all rows as "line:field:code".
func codes(f payeecsv.File) []string {
	var list []string
	for _, row := range f.Rows {
		for _, e := range row.Errors {
			list = append(list, strconv.Itoa(row.Line)+":"+e.Field+":"+string(e.Code))
		}
	}
	return list
}

func TestSpellingsOfOneList(t *testing.T) {
	t.Parallel()
	want := []payeecsv.Row{
		{Line: 2, Reference: "GR-7K3FQ2", Address: addr1, AmountSat: 1_500_000, Label: "first, \"half\""},
		{Line: 3, Reference: "GR-9M2XA1", Address: addr2, AmountSat: 70_000},
	}
	for name, text := range map[string]string{
		"commas": "reference,address,amount_sat,label\n" +
			"GR-7K3FQ2," + addr1 + ",1500000,\"first, \"\"half\"\"\"\nGR-9M2XA1," + addr2 + ",70000,\n",
		"semicolons, any order, CRLF, byte order mark": "\ufeffAmount_Sat;label;Address;REFERENCE\r\n" +
			"1500000;\"first, \"\"half\"\"\";" + addr1 + ";GR-7K3FQ2\r\n070000;;" + addr2 + ";GR-9M2XA1\r\n",
		"tabs, no last line end, bitcoin": "label\treference\taddress\tamount_btc\n" +
			"\"first, \"\"half\"\"\"\tGR-7K3FQ2\t" + addr1 + "\t0.015\n\tGR-9M2XA1\t" + addr2 + "\t0.00070000",
		"everything quoted, old line ends": "\"reference\",\"address\",\"amount_sat\",\"label\"\r" +
			"\"GR-7K3FQ2\",\"" + addr1 + "\",\"1500000\",\"first, \"\"half\"\"\"\r\"GR-9M2XA1\",\"" + addr2 + "\",\"70000\",\"\"\r",
		"spaces, empty lines at the end": "reference, address ,amount_sat,label\n" +
			" GR-7K3FQ2 ,\u00a0" + addr1 + " , 1500000,\"first, \"\"half\"\"\"\nGR-9M2XA1," + addr2 + ",70000, \n\n,,,\n   \n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := parse(t, text)
			if diff := cmp.Diff(want, f.Rows); diff != "" || !f.OK() {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAmounts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		column, text string
		sat          int64
		code         string
	}{
		{"amount_sat", "1", 1, ""},
		{"amount_sat", "2100000000000000", 21e14, ""},
		{"amount_btc", "21000000", 21e14, ""},
		{"amount_btc", "0.00000001", 1, ""},
		{"amount_btc", "0.1", 10_000_000, ""},
		{"amount_btc", "20999999.9769", 2_099_999_997_690_000, ""},
		{"amount_sat", "", 0, "required"},
		{"amount_sat", "0", 0, "not_positive"},
		{"amount_btc", "0.00000000", 0, "not_positive"},
		{"amount_sat", "-5", 0, "not_positive"},
		{"amount_btc", "-0.5", 0, "not_positive"},
		{"amount_sat", "2100000000000001", 0, "too_large"},
		{"amount_btc", "21000000.00000001", 0, "too_large"},
		{"amount_sat", "99999999999999999999", 0, "too_large"},
		{"amount_btc", "184467440737.09551617", 0, "too_large"},
		{"amount_sat", "1.00E+05", 0, "scientific"},
		{"amount_sat", "1E5", 0, "scientific"},
		{"amount_btc", "\"1,5e-3\"", 0, "scientific"},
		{"amount_sat", "\"1,500,000\"", 0, "thousands_separators"},
		{"amount_sat", "1.500.000", 0, "thousands_separators"},
		{"amount_sat", "1.500", 0, "thousands_separators"},
		{"amount_sat", "1 500 000", 0, "thousands_separators"},
		{"amount_sat", "1\u202f500", 0, "thousands_separators"},
		{"amount_sat", "1'500", 0, "thousands_separators"},
		{"amount_btc", "\"1,234.5\"", 0, "thousands_separators"},
		{"amount_btc", "\"0,015\"", 0, "decimal_comma"},
		{"amount_btc", "\"1,500\"", 0, "decimal_comma"},
		{"amount_sat", "1500000.00", 0, "fractional_sat"},
		{"amount_sat", "\"0,5\"", 0, "fractional_sat"},
		{"amount_btc", "0.123456789", 0, "too_many_decimals"},
		{"amount_btc", "0.015000000", 0, "too_many_decimals"},
		{"amount_sat", "#####", 0, "spreadsheet_error"},
		{"amount_sat", "#REF!", 0, "spreadsheet_error"},
		{"amount_sat", "1500 sat", 0, "not_a_number"},
		{"amount_sat", "+5", 0, "not_a_number"},
		{"amount_sat", "=5", 0, "not_a_number"},
		{"amount_sat", "0x10", 0, "not_a_number"},
		{"amount_sat", "١٢", 0, "not_a_number"},
		{"amount_btc", ".5", 0, "not_a_number"},
		{"amount_btc", "5.", 0, "not_a_number"},
		{"amount_btc", "NaN", 0, "not_a_number"},
		{"amount_btc", "--1", 0, "not_a_number"},
	} {
		f := parse(t, "reference,address,"+c.column+"\nGR-1,"+addr1+","+c.text+"\n")
		row := f.Rows[0]
		var want []string
		if c.code != "" {
			want = []string{"2:" + c.column + ":" + c.code}
		}
		if int64(row.AmountSat) != c.sat || !slices.Equal(codes(f), want) {
			t.Errorf("%s %s: %d sat, %v; want %d, %v", c.column, c.text, int64(row.AmountSat), codes(f), c.sat, want)
		}
	}
}

// TestABadLineHarmsNoOther puts each bad line between two good ones.
func TestABadLineHarmsNoOther(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ line, code string }{
		"too few columns":    {"GR-1," + addr1, "line:columns"},
		"too many columns":   {"GR-1," + addr1 + ",5,,", "line:columns"},
		"comma in a number":  {"GR-1," + addr1 + ",1,500,", "line:columns"},
		"other separator":    {"GR-1;" + addr1 + ";5;", "line:columns"},
		"quote without end":  {"GR-1," + addr1 + ",5,\"half", "line:quote"},
		"quote inside":       {"GR-1," + addr1 + ",5,ha\"lf", "line:quote"},
		"text after quote":   {"GR-1," + addr1 + ",5,\"ha\"lf", "line:quote"},
		"space before quote": {"GR-1," + addr1 + ",5, \"half\"", "line:quote"},
		"not UTF-8":          {"GR-1," + addr1 + ",5,caf\xe9", "line:not_utf8"},
		"NUL":                {"GR-1," + addr1 + ",5,\x00", "line:control_character"},
		"tab":                {"GR-1," + addr1 + ",5,a\tb", "line:control_character"},
		"line separator":     {"GR-1," + addr1 + ",5,a\u2028b", "line:control_character"},
		"empty":              {"", "line:empty_line"},
		"separators alone":   {",,,", "line:empty_line"},
		"too long":           {"GR-1," + addr1 + ",5," + strings.Repeat("x", 5000), "line:line_too_long"},
		"no reference":       {"," + addr1 + ",5,", "reference:required"},
		"long reference":     {strings.Repeat("G", 65) + "," + addr1 + ",5,", "reference:too_long"},
		"no address":         {"GR-1,,5,", "address:required"},
		"silent payment":     {"GR-1,sp1qqgste7k9hx0qftg6qmwlkqtwuy6cycyavzmzj85c6qdfhjdpdjtdgqjuexzk6murw56suy3e0rd2cgqvycxttddwsvgxe2usfpxumr70xc9pkqwv,5,", "address:silent_payment"},
		"Lightning address":  {"GR-1,alice@getalby.com,5,", "address:lightning_address"},
		"two addresses":      {"GR-1," + addr1 + " " + addr2 + ",5,", "address:several_addresses"},
		"long address":       {"GR-1," + strings.Repeat("b", 101) + ",5,", "address:not_an_address"},
		"long label":         {"GR-1," + addr1 + ",5," + strings.Repeat("é", 256), "label:too_long"},
		"no amount":          {"GR-1," + addr1 + ",,", "amount_sat:required"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := parse(t, "reference,address,amount_sat,label\nGR-7,"+addr1+",7,before\n"+c.line+"\nGR-8,"+addr2+",8,after\n")
			if got := codes(f); !slices.Equal(got, []string{"3:" + c.code}) || f.OK() {
				t.Errorf("errors %v, want 3:%s", got, c.code)
			}
			before := payeecsv.Row{Line: 2, Reference: "GR-7", Address: addr1, AmountSat: 7, Label: "before"}
			after := payeecsv.Row{Line: 4, Reference: "GR-8", Address: addr2, AmountSat: 8, Label: "after"}
			if diff := cmp.Diff([]payeecsv.Row{before, after}, []payeecsv.Row{f.Rows[0], f.Rows[2]}); diff != "" {
				t.Errorf("the lines around it (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryFaultOfALineIsNamed(t *testing.T) {
	t.Parallel()
	f := parse(t, "reference,address,amount_btc,label\n,b c,1e5,"+strings.Repeat("x", 256)+"\n")
	want := []string{"2:reference:required", "2:address:not_an_address", "2:amount_btc:scientific", "2:label:too_long"}
	if diff := cmp.Diff(want, codes(f)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A private key in a list is refused as one, and no part of what is read holds it.
func TestAPrivateKeyInAListIsNotRepeated(t *testing.T) {
	t.Parallel()
	const secret = "5KYZdUEo39z3FPrtuX2QbbwGnNP5zTd7yyr2SC1j299sBCnWjss"
	f := parse(t, "reference,address,amount_sat\nGR-1,"+secret+",5\n")
	if diff := cmp.Diff([]string{"2:address:private_key"}, codes(f)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if row := f.Rows[0]; row.Address != "" || strings.Contains(row.Errors[0].Message, secret) {
		t.Errorf("it is repeated: %+v", row)
	}
}

// An address is read in the ways in which people have it.
func TestAddressesInGroupsAndLinks(t *testing.T) {
	t.Parallel()
	for _, written := range []string{"bitcoin:" + addr1, "BITCOIN:" + strings.ToUpper(addr1), "bitcoin:" + addr1 + "?amount=1", addr1 + "\u200b", "bc1q w508 d6qe jxtd g4y5 r3za rvar y0c5 xw7k v8f3 t4"} {
		f := parse(t, "reference,address,amount_sat\nGR-1,"+written+",5\n")
		if !f.OK() || !strings.EqualFold(f.Rows[0].Address, addr1) {
			t.Errorf("%q: %+v", written, f.Rows[0])
		}
	}
}

// Excel begins a list with sep=; to tell itself how its columns are parted. That line
// is passed over, the numbers of the others stay, and what it says is held to.
func TestTheLineForSpreadsheetsIsPassedOver(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/excel-sep-line.csv")
	if err != nil {
		t.Fatal(err)
	}
	f, err := payeecsv.Parse(raw)
	if err != nil || !f.OK() || len(f.Rows) != 6 || f.Rows[0].Line != 3 || f.Separator != ';' {
		t.Fatalf("%+v, %v", f, err)
	}
	accounted(t, f)
	for _, first := range []string{"sep=,", "SEP=,", "\"sep=,\"", "\ufeffsep=,"} {
		f := parse(t, first+"\r\nreference,address,amount_sat\r\nGR-1,"+addr1+",5\r\n")
		if !f.OK() || f.Rows[0].Line != 3 {
			t.Errorf("%q: %+v", first, f)
		}
		accounted(t, f)
	}
	for _, bad := range []string{"sep=|\nreference|address|amount_sat\nGR-1|x|5\n", "sep=;\nreference,address,amount_sat\nGR-1," + addr1 + ",5\n", "sep=;\n", "sep=;;\nreference;address;amount_sat\n"} {
		if _, err := payeecsv.Parse([]byte(bad)); !errs.Is(err, "bad_payee_list") {
			t.Errorf("%q: %v, want bad_payee_list", bad, err)
		}
	}
}

func TestDuplicatesNameBothLines(t *testing.T) {
	t.Parallel()
	f := parse(t, "reference,address,amount_sat,label\n"+
		"GR-1,"+addr1+",5,a\n"+
		"GR-1,"+addr1+",6,a\n"+
		"gr-1,"+strings.ToUpper(addr1)+",005,b\n"+
		"GR-1,"+addr2+",5,a\n"+
		"GR-1,"+addr1+",5,c\n")
	want := []string{"2:line:duplicate", "4:line:duplicate", "6:line:duplicate"}
	if diff := cmp.Diff(want, codes(f)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for i, other := range map[int]string{0: "4", 2: "2", 4: "2"} {
		e := f.Rows[i].Errors[0]
		if e.Params["line"] != other || !strings.Contains(e.Message, other) || !strings.Contains(e.Message, strconv.Itoa(i+2)) {
			t.Errorf("line %d: %q, want it to name line %s", i+2, e.Message, other)
		}
	}
}

func TestFilesAreRefused(t *testing.T) {
	t.Parallel()
	row := "\nGR-1," + addr1 + ",5\n"
	for name, c := range map[string]struct{ text, reason string }{
		"empty":             {"", "is empty"},
		"blank":             {" \n\n ", "is empty"},
		"header alone":      {"reference,address,amount_sat\n,,\n", "no rows"},
		"no header":         {"GR-1," + addr1 + ",5" + row, "not one of reference"},
		"one column":        {"reference\nGR-1\n", "must name the columns"},
		"header second":     {"\nreference,address,amount_sat" + row, "must name the columns"},
		"long header":       {strings.Repeat(",", 5000) + row, "must name the columns"},
		"broken header":     {"reference,address,\"amount_sat" + row, "quotation mark"},
		"column twice":      {"reference,reference,address,amount_sat" + row, "twice"},
		"column without":    {"reference,address,amount_sat," + row, "column 4"},
		"unknown column":    {"reference,address,amount_sat,note" + row, "note"},
		"no reference":      {"label,address,amount_sat" + row, "column reference"},
		"no address":        {"reference,label,amount_sat" + row, "column address"},
		"no amount":         {"reference,address,label" + row, "either a column amount_sat or"},
		"two amounts":       {"reference,address,amount_sat,amount_btc" + row, "either a column amount_sat or"},
		"UTF-16":            {"\xff\xfer\x00", "UTF-16"},
		"UTF-16 big endian": {"\xfe\xff\x00r", "UTF-16"},
		"a workbook":        {"PK\x03\x04" + row, "spreadsheet"},
		"too long":          {"reference,address,amount_sat" + strings.Repeat(" ", payeecsv.MaxBytes), "longer than"},
		"too many rows":     {"reference,address,amount_sat\n" + strings.Repeat("x\n", payeecsv.MaxRows+1), "10001 rows"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := payeecsv.Parse([]byte(c.text))
			if !errs.Is(err, "bad_payee_list") || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("got %v, want bad_payee_list that says %q", err, c.reason)
			}
		})
	}
	if f := parse(t, "reference,address,amount_sat\n"+strings.Repeat("x\n", payeecsv.MaxRows)); len(f.Rows) != payeecsv.MaxRows {
		t.Errorf("%d rows, want %d", len(f.Rows), payeecsv.MaxRows)
	}
}

// accounted fails unless every line of the file is the header, a row in its
// place, or empty at the end.
func accounted(tb interface{ Fatalf(string, ...any) }, f payeecsv.File) {
	if f.Before+1+len(f.Rows)+f.EmptyAtEnd != f.Lines {
		tb.Fatalf("header + %d rows + %d empty lines are not %d lines", len(f.Rows), f.EmptyAtEnd, f.Lines)
	}
	for i, row := range f.Rows {
		if row.Line != f.Before+i+2 {
			tb.Fatalf("row %d is of line %d", i, row.Line)
		}
		usable := row.Reference != "" && row.Address != "" && row.AmountSat > 0 && row.AmountSat <= btcutil.MaxSatoshi
		if len(row.Errors) == 0 && !usable {
			tb.Fatalf("line %d has no error and is %+v", row.Line, row)
		}
	}
}

func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// TestWhatIsWrittenIsRead writes lists in every way that is allowed, with bad
// lines in between, and reads the good ones back from their own lines.
func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sep := rapid.SampledFrom([]string{",", ";", "\t"}).Draw(t, "separator")
		end := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "line end")
		columns := rapid.Permutation([]string{"reference", "address", "amount_sat", "label"}).Draw(t, "columns")
		lines := []string{strings.Join(columns, sep)}
		want := []payeecsv.Row{}
		bad := 0
		for i := range rapid.IntRange(1, 20).Draw(t, "rows") {
			if rapid.IntRange(0, 3).Draw(t, "bad") == 0 {
				lines = append(lines, rapid.SampledFrom([]string{`"`, "x", sep, `a"b`, "1" + sep + "2"}).Draw(t, "line"))
				bad++
				continue
			}
			row := payeecsv.Row{
				Line: len(lines) + 1, Reference: "GR-" + strconv.Itoa(i), Address: addr1,
				AmountSat: btcutil.Amount(rapid.Int64Range(1, 21e14).Draw(t, "amount")),
				Label:     strings.TrimSpace(rapid.StringMatching(`[a-z ,;"'é]{0,12}`).Draw(t, "label")),
			}
			cells := map[string]string{
				"reference": row.Reference, "address": row.Address, "amount_sat": strconv.FormatInt(int64(row.AmountSat), 10), "label": quote(row.Label),
			}
			var line []string
			for _, c := range columns {
				line = append(line, cells[c])
			}
			lines = append(lines, strings.Join(line, sep))
			want = append(want, row)
		}
		lines = append(lines, "GR-last") // so that no bad line is an empty one at the end
		f, err := payeecsv.Parse([]byte(strings.Join(lines, end)))
		if err != nil {
			t.Fatal(err)
		}

		accounted(t, f)
		got := slices.DeleteFunc(slices.Clone(f.Rows), func(r payeecsv.Row) bool { return len(r.Errors) > 0 })
		if diff := cmp.Diff(want, got); diff != "" || len(f.Rows)-len(got) != bad+1 {
			t.Fatalf("%d bad rows, want %d (-want +got):\n%s", len(f.Rows)-len(got), bad+1, diff)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("reference,address,amount_sat\nGR-1," + addr1 + ",5\n"))
	f.Add([]byte("\ufeffamount_btc;reference;address;label\r\n0,5;GR-1;" + addr1 + ";\"a;\"\"b\"\r\n\r\n;;;\r\n"))
	f.Add([]byte("reference\taddress\tamount_sat\r\"\tx\r"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := payeecsv.Parse(text)
		if err != nil {
			if !errs.Is(err, "bad_payee_list") {
				t.Fatalf("error %v", err)
			}
			return
		}
		accounted(t, file)
		for _, m := range payeecsv.Match(file.Rows, nil) {
			if len(m.Reasons) == 0 {
				t.Fatalf("line %d was matched with nothing to match", m.Line)
			}
		}
	})
}
