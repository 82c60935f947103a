package payeecsv

import (
	"strings"
	"unicode"
)

// fields parts a line (RFC 4180, without line breaks inside of quotes). Spaces
// around a field without quotes are dropped. The fault is a sentence for a
// person, or "".
func fields(line string, separator rune) (values []string, fault string) {
	for rest := line; ; {
		value, after, fault := nextField(rest, separator)
		if fault != "" {
			return nil, fault
		}
		values = append(values, value)
		if after == "" {
			return values, ""
		}
		rest = after[len(string(separator)):]
	}
}

// nextField takes one field off the line; after begins with the separator, or is
// empty at the end of the line.
func nextField(line string, separator rune) (value, after, fault string) {
	if !strings.HasPrefix(line, `"`) {
		value, after = line, ""
		if i := strings.IndexRune(line, separator); i >= 0 {
			value, after = line[:i], line[i:]
		}
		if strings.Contains(value, `"`) {
			return "", "", "There is a quotation mark inside a field. Put the whole field in quotation marks and double " +
				"the mark."
		}
		return strings.TrimSpace(value), after, ""
	}
	var b strings.Builder
	for rest := line[1:]; ; {
		i := strings.IndexByte(rest, '"')
		if i < 0 {
			return "", "", "A quotation mark is not closed on its line. A field cannot have line breaks."
		}
		b.WriteString(rest[:i])
		rest = rest[i+1:]
		switch {
		case strings.HasPrefix(rest, `"`):
			b.WriteByte('"')
			rest = rest[1:]
		case rest == "" || strings.HasPrefix(rest, string(separator)):
			return strings.TrimSpace(b.String()), rest, ""
		default:
			return "", "", "There is text between the closing quotation mark and the next column."
		}
	}
}

// isEmpty reports whether a line is blank, or has separators alone as a
// spreadsheet writes below the last row.
func isEmpty(line string, separator rune) bool {
	return !strings.ContainsFunc(line, func(r rune) bool { return r != separator && !unicode.IsSpace(r) })
}

func isAlphanumeric(c rune) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
