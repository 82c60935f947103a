package ctl

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/prose"
)

// page is what a command writes: JSON shows value, CSV the first part, a table
// all parts.
type page struct {
	value any
	raw   []byte // written as it is, whatever the format
	parts []part
}

// part is a table with an optional title, or a text.
type part struct {
	title  string
	header []string
	cells  [][]string
	text   string
	plain  bool // a table shows no header
}

func (p page) write(w io.Writer, format cli.Format) error {
	if p.raw != nil {
		_, err := w.Write(p.raw)
		return err
	}
	if p.value == nil && len(p.parts) == 0 {
		return nil
	}
	if format != cli.Table {
		rows := cli.Rows{Value: p.value}
		if len(p.parts) > 0 {
			rows.Header, rows.Cells = p.parts[0].header, p.parts[0].cells
		}
		return rows.Write(w, format)
	}
	for i, part := range p.parts {
		if i > 0 {
			if _, err := fmt.Fprintln(w); err != nil {
				return err
			}
		}
		if err := part.write(w); err != nil {
			return err
		}
	}
	return nil
}

func (p part) write(w io.Writer) error {
	if p.title != "" {
		if _, err := fmt.Fprintln(w, p.title); err != nil {
			return err
		}
	}
	if p.text != "" {
		_, err := fmt.Fprintln(w, indent(p.text))
		return err
	}
	rows := cli.Rows{Header: p.header, Cells: p.cells}
	if p.plain {
		rows.Header = nil
	}
	return rows.Write(w, cli.Table)
}

// record returns the part of one thing: a line a field, those without a value
// left out.
func record(pairs ...string) part {
	p := part{header: []string{"FIELD", "VALUE"}, plain: true}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			p.cells = append(p.cells, []string{pairs[i], clean(pairs[i+1])})
		}
	}
	return p
}

// table returns a part with a line for each of list.
func table[T any](title string, header []string, list []T, line func(T) []string) part {
	p := part{title: title, header: header, cells: make([][]string, 0, len(list))}
	for _, x := range list {
		cells := line(x)
		for i := range cells {
			cells[i] = clean(cells[i])
		}
		p.cells = append(p.cells, cells)
	}
	return p
}

// withRows leaves out the parts without rows, but for the first.
func withRows(parts ...part) []part {
	kept := parts[:1:1]
	for _, p := range parts[1:] {
		if len(p.cells) > 0 || p.text != "" {
			kept = append(kept, p)
		}
	}
	return kept
}

// clean makes one line of text that somebody else wrote, takes out what steers a
// terminal (control characters, and marks that turn the direction of what follows),
// and sets it apart where it runs from right to left.
func clean(s string) string {
	return prose.Isolate(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case steers(r):
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, string(unicode.ReplacementChar))))
}

func steers(r rune) bool {
	overrides := (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069)
	return unicode.IsControl(r) || overrides || r == 0x2028 || r == 0x2029
}

// indent is clean for text of several lines, which it sets off from what the
// program says itself.
func indent(s string) string {
	lines := strings.Split(strings.TrimRight(strings.ReplaceAll(s, "\r\n", "\n"), "\n"), "\n")
	for i, line := range lines {
		lines[i] = "  " + clean(line)
	}
	return strings.Join(lines, "\n")
}

func when(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func whenever(t *time.Time) string {
	if t == nil {
		return ""
	}
	return when(*t)
}

// sats writes an amount for people, e.g. "1 500 000 sat (0.01500000 BTC)".
func sats(amt btcutil.Amount) string {
	return money.Group(amt, " ") + " sat (" + money.FormatBTC(amt) + " BTC)"
}

func text[S ~string](p *S) string {
	if p == nil {
		return ""
	}
	return string(*p)
}

func number[T int | int32 | int64](p *T) string {
	if p == nil {
		return ""
	}
	return itoa(*p)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// given returns nil for an empty flag, so that it is left out of the call.
func given[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
