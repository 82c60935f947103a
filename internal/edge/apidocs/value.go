package apidocs

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A value of an example is a string, a number, a bool, nil, a list or an object.
type (
	number string // as it is written
	list   []any
	object []member
	member struct {
		Name  string
		Value any
	}
)

// valueOf reads an example of the document. Times are the strings that they are in
// JSON.
func valueOf(node *yaml.Node) (any, error) {
	switch node.Kind {
	case yaml.AliasNode:
		return valueOf(node.Alias)
	case yaml.SequenceNode:
		out := list{}
		for _, item := range node.Content {
			v, err := valueOf(item)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	case yaml.MappingNode:
		out := object{}
		for i := 0; i+1 < len(node.Content); i += 2 {
			v, err := valueOf(node.Content[i+1])
			if err != nil {
				return nil, err
			}
			out = append(out, member{node.Content[i].Value, v})
		}
		return out, nil
	case yaml.DocumentNode:
	case yaml.ScalarNode:
		switch node.Tag {
		case "!!int", "!!float":
			return number(node.Value), nil
		case "!!bool":
			return strings.EqualFold(node.Value, "true"), nil
		case "!!null":
			return nil, nil
		}
		return node.Value, nil
	}
	return nil, fmt.Errorf("line %d: not a value", node.Line)
}

// inlineWidth is how wide a list or an object may be and still stand on one line.
const inlineWidth = 60

// printed writes v as JSON for people: short lists and objects on one line.
func printed(v any) string {
	var b strings.Builder
	write(&b, v, "\n")
	return b.String()
}

func write(b *strings.Builder, v any, newline string) {
	inner := newline + "  "
	switch v := v.(type) {
	case list:
		if len(v) == 0 {
			b.WriteString("[]")
			return
		}
		if line := oneLine(v); flat(v) && len(line) <= inlineWidth {
			b.WriteString(line)
			return
		}
		for i, item := range v {
			b.WriteString(lead(i, "[") + inner)
			write(b, item, inner)
		}
		b.WriteString(newline + "]")
	case object:
		if len(v) == 0 {
			b.WriteString("{}")
			return
		}
		if line := oneLine(v); flat(v) && newline != "\n" && len(line) <= inlineWidth {
			b.WriteString(line)
			return
		}
		for i, m := range v {
			b.WriteString(lead(i, "{") + inner + quoted(m.Name) + ": ")
			write(b, m.Value, inner)
		}
		b.WriteString(newline + "}")
	default:
		b.WriteString(oneLine(v))
	}
}

func lead(i int, first string) string {
	if i == 0 {
		return first
	}
	return ","
}

// flat reports whether v holds neither lists nor objects.
func flat(v any) bool {
	values := []any{}
	switch v := v.(type) {
	case list:
		values = v
	case object:
		for _, m := range v {
			values = append(values, m.Value)
		}
	}
	for _, item := range values {
		switch item.(type) {
		case list, object:
			return false
		}
	}
	return true
}

func oneLine(v any) string {
	switch v := v.(type) {
	case list:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = oneLine(item)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case object:
		parts := make([]string, len(v))
		for i, m := range v {
			parts[i] = quoted(m.Name) + ": " + oneLine(m.Value)
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	case string:
		return quoted(v)
	case number:
		return string(v)
	case bool:
		return strconv.FormatBool(v)
	}
	return "null"
}

func quoted(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}
