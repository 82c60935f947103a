package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/causeway-fund/causeway/internal/errs"
)

// maxJSONDepth bounds nesting; the deepest body of the API has three levels.
const maxJSONDepth = 32

// strictBinder reads the bodies of the API. It binds nothing but the JSON body:
// path and query parameters are read by the generated code.
type strictBinder struct{}

// Bind decodes the request's JSON body into v. It refuses bodies that are not
// application/json (415), too large (413), not one JSON value (400
// "malformed_json", with line and column), or with names that v does not have
// (400 "unknown_field"). Values of the wrong type are field errors (422).
func (strictBinder) Bind(v any, c echo.Context) error {
	mediaType, params, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if err != nil || mediaType != echo.MIMEApplicationJSON || !utf8Charset(params["charset"]) {
		return echo.NewHTTPError(http.StatusUnsupportedMediaType)
	}
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err
	}
	return decodeStrict(body, v)
}

func utf8Charset(name string) bool { return name == "" || strings.EqualFold(name, "utf-8") }

// decodeStrict decodes body into v, a pointer to a struct.
func decodeStrict(body []byte, v any) error {
	if err := checkJSON(body); err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	var wrongType *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrongType):
		return typeError(wrongType)
	}
	if name, ok := unknownField(err); ok {
		return unknownFieldError(name)
	}
	return valueError(err)
}

// checkJSON walks body once: one value, valid UTF-8, no name twice in an
// object, only lower-case names (the decoder would match others by case
// folding), no NUL, bounded depth.
func checkJSON(body []byte) error {
	if !utf8.Valid(body) {
		return malformed(body, invalidUTF8At(body), "is not valid UTF-8")
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return malformed(body, 0, "is empty")
	}
	var whole json.RawMessage
	var syntax *json.SyntaxError
	switch err := json.Unmarshal(body, &whole); {
	case errors.As(err, &syntax) && strings.HasPrefix(syntax.Error(), "unexpected end"):
		return malformed(body, len(body), "ends too early")
	case errors.As(err, &syntax):
		return malformed(body, int(syntax.Offset)-1, "has a character that does not belong there")
	case err != nil:
		return malformed(body, 0, "cannot be read")
	}
	w := walker{dec: json.NewDecoder(bytes.NewReader(body)), body: body}
	w.dec.UseNumber()
	return w.value(0)
}

func invalidUTF8At(body []byte) int {
	for i := 0; i < len(body); {
		r, size := utf8.DecodeRune(body[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(body)
}

// walker reads JSON that is known to be well-formed.
type walker struct {
	dec  *json.Decoder
	body []byte
}

func (w walker) token() (json.Token, error) {
	tok, err := w.dec.Token()
	if err != nil {
		return nil, malformed(w.body, int(w.dec.InputOffset()), "cannot be read")
	}
	if s, ok := tok.(string); ok && strings.ContainsRune(s, 0) {
		return nil, malformed(w.body, int(w.dec.InputOffset()), `holds the character \u0000`)
	}
	return tok, nil
}

func (w walker) value(depth int) error {
	if depth > maxJSONDepth {
		return malformed(w.body, int(w.dec.InputOffset()), "is nested too deep")
	}
	tok, err := w.token()
	if err != nil {
		return err
	}
	switch tok {
	case json.Delim('{'):
		return w.object(depth)
	case json.Delim('['):
		for w.dec.More() {
			if err := w.value(depth + 1); err != nil {
				return err
			}
		}
		_, err = w.token()
	}
	return err
}

func (w walker) object(depth int) error {
	seen := make(map[string]bool)
	for w.dec.More() {
		tok, err := w.token()
		if err != nil {
			return err
		}
		name, _ := tok.(string)
		if !lowerSnake(name) {
			return unknownFieldError(name)
		}
		if seen[name] {
			return malformed(w.body, int(w.dec.InputOffset()), "names "+strconv.Quote(name)+" twice in one object")
		}
		seen[name] = true
		if err := w.value(depth + 1); err != nil {
			return err
		}
	}
	_, err := w.token()
	return err
}

func lowerSnake(name string) bool {
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// malformed says what is wrong at a byte offset, as line and column; a column
// counts characters.
func malformed(body []byte, offset int, what string) error {
	offset = min(max(offset, 0), len(body))
	before := body[:offset]
	line := bytes.Count(before, []byte{'\n'}) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	err := errs.Newf(
		errs.Malformed,
		errs.CodeMalformedJSON,
		"The JSON %s, at line %d, column %d. Nothing was saved.",
		what,
		line,
		column,
	)
	err.Params = map[string]string{"line": strconv.Itoa(line), "column": strconv.Itoa(column)}
	return err
}

func unknownField(err error) (string, bool) {
	quoted, ok := strings.CutPrefix(err.Error(), "json: unknown field ")
	if !ok {
		return "", false
	}
	name, unquoteErr := strconv.Unquote(quoted)
	return name, unquoteErr == nil
}

func unknownFieldError(name string) error {
	const longest = 64
	if len(name) > longest {
		name = strings.ToValidUTF8(name[:longest], "") + "…"
	}
	err := errs.Newf(errs.Malformed, errs.CodeUnknownField, "There is no field %q here. Nothing was saved.", name)
	err.Params = map[string]string{"field": name}
	return err
}

// typeError turns a value of the wrong type into the field error of that rule.
func typeError(e *json.UnmarshalTypeError) error {
	field := errs.Field{Field: e.Field, Code: CodeWrongType, Message: "must be " + kindName(e.Type)}
	number, isNumber := strings.CutPrefix(e.Value, "number ")
	if isNumber && wholeNumber(e.Type) {
		switch {
		case strings.ContainsAny(number, "eE"):
			field.Code, field.Message = errs.CodeNotANumber, "must be written with digits only"
		case strings.Contains(number, ".") && strings.HasSuffix(e.Field, "_sat"):
			field.Code, field.Message = errs.CodeFractionalSat, "A satoshi cannot be split: write a whole number."
		case strings.Contains(number, "."):
			field.Code, field.Message = CodeNotWhole, "must be a whole number"
		default:
			field.Code, field.Message = errs.CodeTooLarge, "is out of range"
		}
	}
	if field.Field == "" {
		field.Field = "body"
	}
	return errs.InvalidFields([]errs.Field{field})
}

func wholeNumber(t reflect.Type) bool {
	return t != nil && (t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64)
}

func kindName(t reflect.Type) string {
	if t == nil {
		return "of another type"
	}
	switch k := t.Kind(); {
	case k == reflect.String:
		return "a string"
	case k == reflect.Bool:
		return "true or false"
	case k == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		return "a list"
	case wholeNumber(t):
		return "a whole number"
	case k == reflect.Struct || k == reflect.Map:
		return "an object"
	}
	return "of another type"
}

// valueError is for values that their own type refuses, such as a UUID or a
// time: the decoder does not say where they stand.
func valueError(cause error) error {
	return errs.Wrap(fmt.Errorf("decode body: %w", cause), errs.Malformed, CodeMalformedValue,
		"An identifier or a time in the JSON is malformed. Nothing was saved.")
}
