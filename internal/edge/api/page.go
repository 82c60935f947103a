package api

import (
	"cmp"
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/causeway-fund/causeway/internal/review/grant"

	"github.com/causeway-fund/causeway/internal/errs"
)

const defaultLimit = 50

// paging is what every list is asked with.
type paging struct {
	cursor *string
	limit  *int32
}

// pageLimit returns the size of a page, or the field error of a bad one.
func pageLimit(limit *int32, most int32) (int, error) {
	if limit == nil {
		return defaultLimit, nil
	}
	if *limit < 1 || *limit > most {
		return 0, outOfRange("limit", 1, int64(most))
	}
	return int(*limit), nil
}

// newCursor writes where the next page of a list begins; "" is the end. It names the
// list, so that a cursor of another one is refused and not taken for a place in this.
func newCursor(list, last string) string {
	if last == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(list + ":" + last))
}

// openCursor reads what newCursor wrote for this list; "" is the first page. Malformed
// "bad_cursor".
func openCursor(list string, cursor *string) (string, error) {
	if value(cursor) == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(*cursor)
	if err != nil {
		return "", badCursor()
	}
	last, ok := strings.CutPrefix(string(raw), list+":")
	if !ok || last == "" || newCursor(list, last) != *cursor {
		return "", badCursor()
	}
	return last, nil
}

func badCursor() error {
	err := errs.New(
		errs.Malformed,
		grant.CodeBadCursor,
		"The parameter cursor is not a next_cursor of this list. Start from the first page.",
	)
	err.Params = map[string]string{"parameter": "cursor"}
	return err
}

// namingCursor names the parameter where package grant refuses a cursor.
func namingCursor(err error) error {
	if errs.Is(err, grant.CodeBadCursor) {
		return badCursor()
	}
	return err
}

// openNumber reads a cursor whose place is a number from 1 to most.
func openNumber(list string, cursor *string, most int64) (int64, error) {
	last, err := openCursor(list, cursor)
	if last == "" || err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(last, 10, 64)
	if err != nil || n < 1 || n > most || strconv.FormatInt(n, 10) != last {
		return 0, badCursor()
	}
	return n, nil
}

// pageOf returns a page of a list that is short enough to be read whole, in the order of
// its keys. What is gone meanwhile loses no neighbour its place.
func pageOf[T any](list string, all []T, p paging, most int32, key func(T) string) (page []T, next string, err error) {
	limit, err := pageLimit(p.limit, most)
	if err != nil {
		return nil, "", err
	}
	last, err := openCursor(list, p.cursor)
	if err != nil {
		return nil, "", err
	}
	all = slices.SortedFunc(slices.Values(all), func(a, b T) int { return cmp.Compare(key(a), key(b)) })
	from := 0
	for last != "" && from < len(all) && key(all[from]) <= last {
		from++
	}
	all = all[from:]
	if len(all) <= limit {
		return all, "", nil
	}
	return all[:limit], newCursor(list, key(all[limit-1])), nil
}

// sortable writes a number so that texts are in the order of numbers.
func sortable(n int64) string {
	const digits = 19
	text := strconv.FormatInt(n, 10)
	return strings.Repeat("0", max(digits-len(text), 0)) + text
}

// nextLink returns the Link header to the next page (RFC 8288), nil on the last.
func nextLink(path string, query url.Values, cursor string) *string {
	if cursor == "" {
		return nil
	}
	query.Set("cursor", cursor)
	link := "<" + path + "?" + query.Encode() + `>; rel="next"`
	return &link
}

// linkTo is nextLink of a list without filters.
func linkTo(path string, limit *int32, cursor string) *string {
	query := url.Values{}
	if limit != nil {
		query.Set("limit", strconv.Itoa(int(*limit)))
	}
	return nextLink(path, query, cursor)
}
