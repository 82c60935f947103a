package blocklist

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Why a row, or a part of one, was not taken.
const (
	whyLong     = "the row is longer than 4 MiB"
	whyFields   = "the row has fewer than six fields"
	whyNet      = "this is not an address or network"
	whyWide     = "the network is too large to be intended"
	whyHost     = "this is not a host name"
	whyWildcard = "a wildcard stands for the first labels, above at least two more"
	whyDate     = "the date is not of the form 2006-01-02"
	whyHeader   = "the first line does not say when the list was updated"
	whyMixed    = "the parts of the list have different dates"
	whyGap      = "parts of the list are missing"
)

// maxLine is the longest row. Orders against whole networks list thousands of
// addresses in one.
const maxLine = 4 << 20

// maxProblems is how many problems a report names; the rest are counted.
const maxProblems = 50

// Problem is a place in a file that could not be read.
type Problem struct {
	File string
	Line int // from 1; 0 for the file as a whole
	Why  string
}

// reading is the state of one list that is being read.
type reading struct {
	entries *entries
	report  *ListReport
	updated time.Time // of the oldest part with a header
	file    string
	line    int
	lost    int // rows that gave nothing for a reason
	bad     bool
}

func (r *reading) problem(why string) {
	if !r.bad {
		r.report.Bad++
	}
	r.bad = true
	if len(r.report.Problems) < maxProblems {
		r.report.Problems = append(r.report.Problems, Problem{File: r.file, Line: r.line, Why: why})
	}
}

// lines calls row with each line of src, without its end. A line that is too
// long is a problem, and the next one is read as if it were not there.
func (r *reading) lines(ctx context.Context, src io.Reader, row func([]byte) error) error {
	in := bufio.NewReaderSize(src, 64<<10)
	var long []byte // a line that did not fit into in
	for r.line = 1; ; r.line++ {
		if r.line%1024 == 1 {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("read %s: %w", r.file, err)
			}
		}
		line, err := in.ReadSlice('\n')
		tooLong := false
		if errors.Is(err, bufio.ErrBufferFull) {
			long = append(long[:0], line...)
			for errors.Is(err, bufio.ErrBufferFull) {
				line, err = in.ReadSlice('\n')
				if tooLong = tooLong || len(long)+len(line) > maxLine; !tooLong {
					long = append(long, line...)
				}
			}
			line = long
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read %s: %w", r.file, err)
		}
		if line = bytes.TrimRight(line, "\r\n"); r.line == 1 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		}
		if len(bytes.TrimSpace(line)) > 0 {
			if r.bad = false; tooLong {
				r.report.Rows++
				r.problem(whyLong)
				r.lost++
			} else if rowErr := row(line); rowErr != nil {
				return rowErr
			}
		}
		if err != nil {
			return nil //nolint:nilerr // the end of the file
		}
	}
}

// plain reads a list with one address or network on a line and comments from #.
func (r *reading) plain(ctx context.Context, file string, src io.Reader) error {
	r.file = file
	return r.lines(ctx, src, func(line []byte) error {
		line, _, _ = bytes.Cut(line, []byte("#"))
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			return nil
		}
		r.report.Rows++
		p, why := parseNet(string(line))
		if why != "" {
			r.problem(why)
			r.lost++
			return nil
		}
		return r.entries.addNet(p, mark{rows: 1})
	})
}

// dump reads one file of a dump as zapret-info publishes it: windows-1251, or
// UTF-8 where somebody has converted it; a first line "Updated: 2006-01-02
// 15:04:05 -0700", which parts after the first may lack; then one row a line,
//
//	addresses;host names;URLs;authority;order;date
//
// with lists joined by |, with or without spaces around it.
func (r *reading) dump(ctx context.Context, file string, first bool, src io.Reader) error {
	r.file = file
	var fields [][]byte
	return r.lines(ctx, src, func(line []byte) error {
		if r.line == 1 {
			if r.header(line, first) {
				return nil
			}
		}
		r.report.Rows++
		fields = split(fields[:0], line)
		return r.row(fields)
	})
}

// header reads the first line of a file and reports whether it was one.
func (r *reading) header(line []byte, first bool) bool {
	text, is := bytes.CutPrefix(line, []byte("Updated:"))
	at, err := time.Parse("2006-01-02 15:04:05 -0700", string(bytes.TrimSpace(text)))
	if !is || err != nil {
		if first || is {
			r.problem(whyHeader)
			r.bad = false
		}
		return is
	}
	if at = at.UTC(); !r.updated.IsZero() && !at.Equal(r.updated) {
		r.problem(whyMixed)
	}
	if r.updated.IsZero() || at.Before(r.updated) {
		r.updated = at
	}
	return true
}

// row takes the entries of one row. Fields are counted from the end for
// authority, order and date, since a URL may hold the separator.
func (r *reading) row(fields [][]byte) error {
	n := len(fields)
	if n < 6 {
		r.problem(whyFields)
		r.lost++
		return nil
	}
	if len(r.entries.orders.ends) > r.entries.max {
		return errTooMany
	}
	page := slices.ContainsFunc(fields[2:n-3], filled)
	name := filled(fields[1])
	m := mark{order: r.entries.orders.add(tidy(decode(fields[n-2]))), rows: 1, day: r.day(fields[n-1])}
	taken := 0

	m.narrower = page || name
	for part := range bytes.SplitSeq(fields[0], []byte("|")) {
		if part = bytes.TrimSpace(part); len(part) == 0 {
			continue
		}
		p, why := parseNet(string(part))
		if why != "" {
			r.problem(why)
			continue
		}
		taken++
		if err := r.entries.addNet(p, m); err != nil {
			return err
		}
	}
	m.narrower = page
	for part := range bytes.SplitSeq(fields[1], []byte("|")) {
		if part = bytes.TrimSpace(part); len(part) == 0 {
			continue
		}
		ok, err := r.host(decode(part), m)
		if err != nil {
			return err
		}
		if ok {
			taken++
		}
	}
	if r.bad && taken == 0 {
		r.lost++
	}
	return nil
}

func filled(field []byte) bool { return len(bytes.TrimSpace(field)) > 0 }

// host takes one value of the second field: a name, *.name, or an address that
// was written there.
func (r *reading) host(s string, m mark) (bool, error) {
	if ip, err := netip.ParseAddr(s); err == nil && ip.Zone() == "" {
		ip = ip.Unmap()
		return true, r.entries.addNet(netip.PrefixFrom(ip, ip.BitLen()), m)
	}
	bare, wild := strings.CutPrefix(s, "*.")
	name := canonicalName(bare)
	switch {
	case name != "":
		return true, r.entries.addHost(name, wild, m)
	case strings.Contains(s, "*"):
		r.problem(whyWildcard)
	default:
		r.problem(whyHost)
	}
	return false, nil
}

// day reads a date as days since 1970.
func (r *reading) day(field []byte) uint16 {
	field = bytes.TrimSpace(field)
	at, err := time.Parse(time.DateOnly, string(field))
	days := at.Unix() / (24 * 60 * 60)
	if err != nil || days < 0 || days > 1<<16-1 {
		if len(field) > 0 {
			r.problem(whyDate)
		}
		return 0
	}
	return uint16(days)
}

// split appends the fields of a row to dst. A field in double quotes may hold
// semicolons, and quotes when they are doubled (RFC 4180). Where the quotes of a
// row do not pair they are taken as letters, so that no row runs into the next.
func split(dst [][]byte, line []byte) [][]byte {
	start := len(dst)
	for rest := line; ; {
		field, after, more := rest, []byte(nil), false
		if len(rest) > 0 && rest[0] == '"' {
			n := closing(rest)
			if n < 0 || (n+1 < len(rest) && rest[n+1] != ';') {
				return append(dst[:start], bytes.Split(line, []byte(";"))...)
			}
			field = bytes.ReplaceAll(rest[1:n], []byte(`""`), []byte(`"`))
			if more = n+1 < len(rest); more {
				after = rest[n+2:]
			}
		} else if i := bytes.IndexByte(rest, ';'); i >= 0 {
			field, after, more = rest[:i], rest[i+1:], true
		}
		dst = append(dst, field)
		if !more {
			return dst
		}
		rest = after
	}
}

// closing returns where the quote at the start of b is closed, or -1.
func closing(b []byte) int {
	for i := 1; i < len(b); i++ {
		if b[i] != '"' {
			continue
		}
		if i+1 < len(b) && b[i+1] == '"' {
			i++
			continue
		}
		return i
	}
	return -1
}

// decode returns a field as UTF-8. What is valid UTF-8 is taken as such:
// Russian words in windows-1251 never are.
func decode(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	s, err := charmap.Windows1251.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "")
	}
	return string(s)
}

// tidy returns the number of an order without what is not to be printed, in at
// most maxOrderLen bytes.
func tidy(s string) string {
	s = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) || c == utf8.RuneError {
			return -1
		}
		return c
	}, strings.TrimSpace(s))
	if len(s) > maxOrderLen {
		s = strings.ToValidUTF8(s[:maxOrderLen], "")
	}
	return s
}
