package apidocs

import (
	"encoding/base64"
	"fmt"
	"go/format"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// goImports are what the pieces of Go on the page stand on; the page shows them once.
const goImports = `import (
	"context"
	"net/http"
	"os"
	"time"

	"github.com/google/uuid"
	"github.com/oapi-codegen/runtime/types"

	"github.com/causeway-fund/causeway/api/client"
)`

// goSetup stands in front of the calls.
const goSetup = `fund, err := client.New("https://fund.example", client.Options{
	Token:   os.Getenv("TOKEN"),   // staff
	Receipt: os.Getenv("RECEIPT"), // operators
})
if err != nil {
	return err
}

// For the few calls that refuse every API token.
signedIn := func(_ context.Context, r *http.Request) error {
	r.Header.Set("Cookie", os.Getenv("SESSION"))
	return nil
}`

// goErrors stands after a call.
const goErrors = `switch {
case client.HasCode(err, "stale_version"):
	// Somebody changed it first: read it again.
case err != nil:
	return err // a *client.Error; its text is for people
}`

// golang returns the statements that make the call with the generated client. They
// stand in a function that has ctx and the fund's *client.API as fund, and returns
// an error; those of a call that refuses API tokens have signedIn as well.
func (d *document) golang(c *call, noToken bool) (string, error) {
	args := []string{"ctx"}
	for _, a := range c.values {
		if a.In != "path" {
			continue
		}
		text, err := d.literal(a.Value, a.Schema, "", false)
		if err != nil {
			return "", fmt.Errorf("%s: %w", a.Name, err)
		}
		args = append(args, text)
	}
	if params, err := d.params(c); err != nil {
		return "", err
	} else if params != "" {
		args = append(args, params)
	}

	before, method := "", camel(c.OperationID)
	switch c.form {
	case "":
	case mediaJSON:
		body, err := d.literal(c.sends, c.schema, camel(c.OperationID)+"JSONRequestBody", false)
		if err != nil {
			return "", fmt.Errorf("body: %w", err)
		}
		args = append(args, body)
	default:
		method += "WithBody"
		before = "file, err := os.Open(" + strconv.Quote(
			c.fileName(c.form),
		) + ")\nif err != nil {\n\treturn err\n}\ndefer file.Close()\n"
		args = append(args, strconv.Quote(c.form), "file")
	}

	if noToken {
		args = append(args, "signedIn")
	}
	result, use := "_", ""
	if c.answers != nil && len(c.answers.Content) > 0 {
		result, use = "answer", c.use()
	}
	assign := ":="
	if result == "_" && before != "" {
		assign = "="
	}
	code, err := format.Source(
		[]byte(before + result + ", err " + assign + " fund." + method + "WithResponse(" + joined(args) + ")\n" +
			"if err != nil {\nreturn err\n}" + use),
	)
	if err != nil {
		return "", err
	}
	return string(code), nil
}

// use returns the statement that takes the answer.
func (c *call) use() string {
	if _, ok := c.answers.Content.get(mediaJSON); ok {
		return "\nresult := answer.JSON" + c.status
	}
	return "\nreturn os.WriteFile(" + strconv.Quote(c.download()) + ", answer.Body, 0o600)"
}

// params returns the struct of a call's query and headers, "" if it has neither.
func (d *document) params(c *call) (string, error) {
	takes := false
	for _, p := range c.Parameters {
		takes = takes || p.In != "path"
	}
	if !takes {
		return "", nil
	}
	name := camel(c.OperationID) + "Params"
	var fields []string
	for _, a := range c.values {
		if a.In == "path" {
			continue
		}
		text, err := d.literal(a.Value, a.Schema, name+camel(a.Name), !a.Required)
		if err != nil {
			return "", fmt.Errorf("%s: %w", a.Name, err)
		}
		fields = append(fields, camel(a.Name)+": "+text)
	}
	return "&client." + name + composite(fields), nil
}

// joined writes arguments on one line if none of them has several.
func joined(args []string) string {
	line := strings.Join(args, ", ")
	if !strings.Contains(line, "\n") && len(line) <= inlineWidth {
		return line
	}
	return "\n" + strings.Join(args, ",\n") + ",\n"
}

// composite writes the fields of a struct, or the items of a list.
func composite(fields []string) string {
	line := strings.Join(fields, ", ")
	if !strings.Contains(line, "\n") && len(line) <= inlineWidth {
		return "{" + line + "}"
	}
	return "{\n" + strings.Join(fields, ",\n") + ",\n}"
}

// literal writes v, a value of s, in Go. Inline is the name that the generator gives
// to a type that has none in the document. Pointer asks for the address of it, as
// optional fields hold.
func (d *document) literal(v any, s *schema, inline string, pointer bool) (string, error) {
	name := inline
	if own := s.component(); own != "" {
		name = camel(own)
	}
	at := d.at(s)
	if at == nil {
		return "", fmt.Errorf("no schema for %s", name)
	}
	switch v := v.(type) {
	case object:
		text, err := d.composite(v, at, name)
		return address(pointer, "&", text, ""), err
	case list:
		text, err := d.slice(v, at, name)
		return address(pointer, "&", text, ""), err
	case bool:
		return address(pointer, "new(", strconv.FormatBool(v), ")"), nil
	case number:
		if pointer {
			return "new(" + goNumber(at) + "(" + string(v) + "))", nil
		}
		return string(v), nil
	case string:
		return goString(v, at, name, pointer)
	}
	return "", fmt.Errorf("%s: %v has no form in Go", name, v)
}

func address(pointer bool, before, text, after string) string {
	if !pointer {
		return text
	}
	return before + text + after
}

func goString(v string, s *schema, name string, pointer bool) (string, error) {
	text := strconv.Quote(v)
	switch {
	case s.Format == "uuid":
		text = "uuid.MustParse(" + text + ")"
	case s.Format == "date-time":
		at, err := time.Parse(time.RFC3339, v)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		text = goTime(at.UTC())
	case s.Format == "date":
		day, err := time.Parse(time.DateOnly, v)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		text = "types.Date{Time: " + goTime(day) + "}"
	case s.Format == "byte":
		raw, err := base64.StdEncoding.DecodeString(v)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		text = "[]byte(" + strconv.Quote(string(raw)) + ")"
	case len(s.Enum) > 0 && pointer:
		text = "client." + name + "(" + text + ")"
	}
	return address(pointer, "new(", text, ")"), nil
}

func goTime(t time.Time) string {
	return fmt.Sprintf(
		"time.Date(%d, %d, %d, %d, %d, %d, 0, time.UTC)",
		t.Year(),
		t.Month(),
		t.Day(),
		t.Hour(),
		t.Minute(),
		t.Second(),
	)
}

func goNumber(s *schema) string {
	switch {
	case s.is("number") && s.Format == "double":
		return "float64"
	case s.is("number"):
		return "float32"
	case s.Format == "int32", s.Format == "int64":
		return s.Format
	}
	return "int"
}

// composite writes an object as a struct, or as a map where the document leaves the
// names open.
func (d *document) composite(v object, s *schema, name string) (string, error) {
	fields, required := d.properties(s)
	if len(fields) == 0 {
		kind, err := d.goMap(s)
		if err != nil {
			return "", err
		}
		items := make([]string, len(v))
		for i, m := range v {
			items[i] = strconv.Quote(m.Name) + ": " + oneLine(m.Value)
		}
		return kind + composite(items), nil
	}
	needed := map[string]bool{}
	for _, r := range required {
		needed[r] = true
	}
	var items []string
	for _, m := range v {
		field, ok := fields.get(m.Name)
		if !ok {
			return "", fmt.Errorf("%s has no field %s", name, m.Name)
		}
		goName := camel(m.Name)
		if field.GoName != "" {
			goName = field.GoName
		}
		text, err := d.literal(
			m.Value,
			field,
			name+goName,
			!needed[m.Name] && !field.SkipPointer && !d.at(field).SkipPointer,
		)
		if err != nil {
			return "", fmt.Errorf("%s: %w", m.Name, err)
		}
		items = append(items, goName+": "+text)
	}
	return "client." + name + composite(items), nil
}

func (d *document) goMap(s *schema) (string, error) {
	values, err := s.additional()
	if err != nil {
		return "", err
	}
	kind := "any"
	if values != nil {
		kind = d.goType(values, "")
	}
	return "map[string]" + kind, nil
}

func (d *document) slice(v list, s *schema, name string) (string, error) {
	items := make([]string, len(v))
	for i, item := range v {
		text, err := d.literal(item, s.Items, name, false)
		if err != nil {
			return "", err
		}
		// The type of an item is that of the list.
		items[i] = strings.TrimPrefix(text, d.goType(s.Items, name)+"{")
		if items[i] != text {
			items[i] = "{" + items[i]
		}
	}
	return "[]" + d.goType(s.Items, name) + composite(items), nil
}

// goType names the type of s as the generator does.
func (d *document) goType(s *schema, inline string) string {
	name := inline
	if own := s.component(); own != "" {
		name = camel(own)
	}
	at := d.at(s)
	switch {
	case d.isObject(at), len(at.Enum) > 0:
		return "client." + name
	case at.is("array"):
		return "[]" + d.goType(at.Items, name)
	case at.is("boolean"):
		return "bool"
	case at.is("integer"), at.is("number"):
		return goNumber(at)
	case at.Format == "uuid":
		return "uuid.UUID"
	case at.Format == "date-time":
		return "time.Time"
	case at.Format == "date":
		return "types.Date"
	case at.Format == "byte":
		return "[]byte"
	case at.is("string"):
		return "string"
	}
	return "any"
}

// camel is the name that the generator makes of a name of the document.
func camel(name string) string {
	var b strings.Builder
	upper := true
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			upper = true
		case upper:
			b.WriteRune(unicode.ToUpper(r))
			upper = false
		default:
			b.WriteRune(r)
			upper = false
		}
	}
	return b.String()
}
