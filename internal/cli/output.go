package cli

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Format is how a command writes its data.
type Format string

// The formats.
const (
	Table Format = "table"
	JSON  Format = "json"
	CSV   Format = "csv"
)

// ParseFormat reads the value of -o.
func ParseFormat(s string) (Format, error) {
	switch f := Format(s); f {
	case Table, JSON, CSV:
		return f, nil
	}
	return "", UsageError{fmt.Errorf("-o is table, json or csv, not %q", s)}
}

// Rows is data with a header, and the value that JSON shows instead.
type Rows struct {
	Header []string
	Cells  [][]string
	Value  any
}

// Write writes rows to w.
func (r Rows) Write(w io.Writer, f Format) error {
	switch f {
	case JSON:
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(r.Value)
	case CSV:
		out := csv.NewWriter(w)
		if err := out.Write(r.Header); err != nil {
			return err
		}
		for _, line := range r.Cells {
			safe := make([]string, len(line))
			for i, cell := range line {
				safe[i] = guardFormula(cell)
			}
			if err := out.Write(safe); err != nil {
				return err
			}
		}
		out.Flush()
		return out.Error()
	case Table:
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(r.Header) > 0 {
		_, _ = fmt.Fprintln(out, strings.Join(r.Header, "\t"))
	}
	for _, line := range r.Cells {
		_, _ = fmt.Fprintln(out, strings.Join(line, "\t"))
	}
	return out.Flush()
}

// guardFormula keeps a spreadsheet from running a cell that somebody else wrote.
func guardFormula(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
