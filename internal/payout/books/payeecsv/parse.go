package payeecsv

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
)

// Limits of a file.
const (
	MaxBytes = 4 << 20
	MaxRows  = 10_000
	MaxLine  = 4096 // bytes

	maxReference = 64
	maxAddress   = 100
	maxLabel     = 255 // characters; what BIP329 suggests
)

// The columns.
const (
	colReference = "reference"
	colAddress   = "address"
	colSat       = "amount_sat"
	colBTC       = "amount_btc"
	colLabel     = "label"
)

// File is what Parse read: Lines = Before + 1 for the header + len(Rows) + EmptyAtEnd.
type File struct {
	Separator  rune // comma, semicolon or tab
	Lines      int
	Before     int // 1 where a line for spreadsheets, such as sep=;, stands above the header
	EmptyAtEnd int
	Rows       []Row // of the lines below the header
}

// Row is one line below the header. With Errors it must not be used; what could
// be read of it is there to be shown.
type Row struct {
	Line      int // in the file, from 1
	Reference string
	Address   string
	AmountSat btcutil.Amount
	Label     string
	Errors    []errs.Field // Field is a column, or "line" for the line as a whole
}

// OK reports whether every row can be used.
func (f File) OK() bool {
	return !slices.ContainsFunc(f.Rows, func(r Row) bool { return len(r.Errors) > 0 })
}

// Parse reads a list of payees. Faults of a line are in its row; the error
// (errs.Invalid, code bad_payee_list) is for a file that has no lines to speak
// of: too long, without a header, in another encoding.
//
// An address may stand in groups or in a bitcoin: link; what is known to be something
// else is named. A first line sep=; is for spreadsheets and passed over.
//
// Codes of row errors: those of wallet.CleanAddress, line_too_long, not_utf8, control_character, empty_line,
// quote, columns, required, too_long, not_an_address, duplicate (with param
// line), and of amounts: scientific, thousands_separators, decimal_comma,
// spreadsheet_error, fractional_sat, too_many_decimals, not_a_number,
// not_positive, too_large.
func Parse(text []byte) (File, error) {
	lines, err := split(text)
	if err != nil {
		return File{}, err
	}
	f := File{Lines: len(lines)}
	separators := []rune{',', ';', '\t'}
	if named, ok := separatorLine(lines[0]); ok {
		if !slices.Contains(separators, named) {
			return File{}, badList(
				"Its first line says that columns are separated by %s; save it with commas, semicolons or tabs.",
				strconv.QuoteRune(named),
			)
		}
		separators, f.Before, lines = []rune{named}, 1, lines[1:]
		if len(lines) == 0 {
			return File{}, noHeader()
		}
	}
	columns, separator, err := readHeader(lines[0], separators)
	if err != nil {
		return File{}, err
	}
	f.Separator = separator
	body := lines[1:]
	for len(body) > 0 && isEmpty(body[len(body)-1], separator) {
		body = body[:len(body)-1]
		f.EmptyAtEnd++
	}
	if len(body) == 0 {
		return File{}, badList("It has no rows below the line that names the columns.")
	}
	if len(body) > MaxRows {
		return File{}, badList("It has %d rows; at most %d can be read at once. Split it.", len(body), MaxRows)
	}
	for i, line := range body {
		row := readRow(line, columns, separator)
		row.Line = f.Before + i + 2
		f.Rows = append(f.Rows, row)
	}
	nameDuplicates(f.Rows)
	return f, nil
}

// split returns the lines without their ends: LF, CRLF, or CR.
func split(text []byte) ([]string, error) {
	switch {
	case len(text) > MaxBytes:
		return nil, badList("It is longer than %d bytes. Split it.", MaxBytes)
	case bytes.HasPrefix(text, []byte{0xff, 0xfe}) || bytes.HasPrefix(text, []byte{0xfe, 0xff}):
		return nil, badList("It is in UTF-16. Save it as CSV in UTF-8.")
	case bytes.HasPrefix(text, []byte("PK\x03\x04")):
		return nil, badList("It is a spreadsheet, not CSV. Save it as CSV in UTF-8.")
	}
	s := strings.TrimPrefix(string(text), "\ufeff")
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.ReplaceAll(s, "\r", "\n")
	s = strings.TrimSuffix(s, "\n")
	if strings.TrimSpace(s) == "" {
		return nil, badList("It is empty.")
	}
	return strings.Split(s, "\n"), nil
}

// separatorLine reads the line by which Excel tells itself how columns are parted,
// sep=; for example. It writes and reads that line as no part of the table.
func separatorLine(line string) (separator rune, ok bool) {
	line = strings.Trim(line, "\" ")
	if len(line) < len("sep=") || !strings.EqualFold(line[:len("sep=")], "sep=") {
		return 0, false
	}
	named := []rune(line[len("sep="):])
	if len(named) != 1 {
		return 0, false
	}
	return named[0], true
}

// readHeader finds the separator with which the first line names the columns.
func readHeader(line string, separators []rune) (columns []string, separator rune, err error) {
	var first error
	for _, sep := range separators {
		if !strings.ContainsRune(line, sep) {
			continue
		}
		names, err := headerNames(line, sep)
		if err == nil {
			return names, sep, nil
		}
		if first == nil {
			first = err
		}
	}
	if first == nil {
		first = noHeader()
	}
	return nil, 0, first
}

func headerNames(line string, separator rune) ([]string, error) {
	if len(line) > MaxLine {
		return nil, noHeader()
	}
	names, fault := fields(line, separator)
	if fault != "" {
		return nil, badList("Its first line cannot be read: %s", fault)
	}
	known := []string{colReference, colAddress, colSat, colBTC, colLabel}
	for i, name := range names {
		names[i] = strings.ToLower(name)
		if !slices.Contains(known, names[i]) {
			return nil, badList(
				"Its first line names column %d %s, which is not one of %s.",
				i+1,
				strconv.Quote(name),
				strings.Join(known, ", "),
			)
		}
		if slices.Contains(names[:i], names[i]) {
			return nil, badList("Its first line names the column %s twice.", names[i])
		}
	}
	for _, name := range []string{colReference, colAddress} {
		if !slices.Contains(names, name) {
			return nil, badList("Its first line does not name a column %s.", name)
		}
	}
	if slices.Contains(names, colSat) == slices.Contains(names, colBTC) {
		return nil, badList("Its first line must name either a column amount_sat or a column amount_btc.")
	}
	return names, nil
}

func noHeader() error {
	return badList("Its first line must name the columns, for example: reference,address,amount_sat")
}

// readRow reads one line and names every fault of it: those of the line as a whole,
// or, where it can be taken apart into its columns, those of each.
func readRow(line string, columns []string, separator rune) Row {
	var row Row
	bad := func(field string, code errs.Code, format string, args ...any) {
		row.Errors = append(row.Errors, errs.Field{Field: field, Code: code, Message: fmt.Sprintf(format, args...)})
	}
	if len(line) > MaxLine {
		bad("line", CodeLineTooLong, "The line is longer than %d bytes.", MaxLine)
	}
	switch {
	case !utf8.ValidString(line):
		bad("line", CodeNotUTF8, "The line is not in UTF-8. Save the list as CSV in UTF-8.")
	case isEmpty(line, separator):
		bad("line", CodeEmptyLine, "The line is empty. Remove it; only the end of the list may have empty lines.")
	case strings.ContainsFunc(line, func(r rune) bool { return r != separator && (unicode.IsControl(r) || r == '\u2028' || r == '\u2029') }):
		bad(
			"line",
			CodeControlCharacter,
			"The line has a character that cannot be seen, such as a tab or a line break in a cell.",
		)
	}
	if len(row.Errors) > 0 {
		return row
	}
	values, fault := fields(line, separator)
	if fault != "" {
		bad("line", CodeQuote, "%s", fault)
		return row
	}
	if len(values) != len(columns) {
		hint := ""
		if separator == ',' && len(values) > len(columns) {
			hint = " A text or a number with a comma in it needs quotes."
		}
		bad(
			"line",
			CodeColumns,
			"The line has %d columns, but the first line names %d.%s",
			len(values),
			len(columns),
			hint,
		)
		return row
	}
	for i, name := range columns {
		row.read(name, values[i], bad)
	}
	return row
}

// read takes the value of one column.
func (r *Row) read(name, value string, bad func(field string, code errs.Code, format string, args ...any)) {
	switch name {
	case colReference:
		r.Reference = value
		if value == "" {
			bad(name, errs.CodeRequired, "The reference of the grant is missing.")
		} else if len(value) > maxReference {
			bad(name, errs.CodeTooLong, "A reference has no more than %d characters.", maxReference)
		}
	case colAddress:
		if value == "" {
			bad(name, errs.CodeRequired, "The address is missing.")
			break
		}
		address, wrong := wallet.CleanAddress(value)
		switch {
		case wrong != nil:
			row := errs.Field{Field: name, Code: wrong.Code, Message: wrong.Message, Params: wrong.Params}
			r.Errors = append(r.Errors, row)
			if wrong.Code == wallet.FoundPrivateKey {
				value = "" // nobody is shown it again
			}
			r.Address = value
		case len(address) > maxAddress || strings.ContainsFunc(address, func(c rune) bool { return !isAlphanumeric(c) }):
			r.Address = value
			bad(name, wallet.CodeNotAnAddress, "This is not a Bitcoin address: an address has only letters and digits.")
		default:
			r.Address = address
		}
	case colSat, colBTC:
		amount, code, message := parseAmount(value, name == colBTC)
		if code != "" {
			bad(name, code, "%s", message)
		}
		r.AmountSat = amount
	case colLabel:
		r.Label = value
		if utf8.RuneCountInString(value) > maxLabel {
			bad(name, errs.CodeTooLong, "A label has no more than %d characters.", maxLabel)
		}
	}
}

// nameDuplicates marks rows that say the same, each with the line of the other.
func nameDuplicates(rows []Row) {
	type key struct {
		reference, address string
		amount             btcutil.Amount
	}
	first := map[key]int{}
	for i := range rows {
		if len(rows[i].Errors) > 0 {
			continue
		}
		k := key{sameReference(rows[i].Reference), sameAddress(rows[i].Address), rows[i].AmountSat}
		at, seen := first[k]
		if !seen {
			first[k] = i
			continue
		}
		rows[i].Errors = append(rows[i].Errors, duplicate(rows[i].Line, rows[at].Line))
		// Of three that are the same, the first names the second.
		if len(rows[at].Errors) == 0 {
			rows[at].Errors = append(rows[at].Errors, duplicate(rows[at].Line, rows[i].Line))
		}
	}
}

func duplicate(line, other int) errs.Field {
	return errs.Field{
		Field: "line", Code: CodeDuplicate,
		Message: fmt.Sprintf("Lines %d and %d are the same. Remove one of them.", min(line, other), max(line, other)),
		Params:  map[string]string{"line": strconv.Itoa(other)},
	}
}

func badList(format string, args ...any) *errs.Error {
	return errs.New(
		errs.Invalid,
		CodeBadPayeeList,
		"The list of payees cannot be read. "+fmt.Sprintf(
			format,
			args...)+" Nothing was read from it, and no money moved.",
	)
}
