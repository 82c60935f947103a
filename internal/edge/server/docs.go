package server

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
	"go.yaml.in/yaml/v3"

	spec "github.com/causeway-fund/causeway/api"
)

//go:embed docs.html
var docsTemplate string

// document is as much of an OpenAPI document as the documentation shows.
type document struct {
	Info struct {
		Title, Version, Summary, Description string
	}
	Tags  []struct{ Name, Description string }
	Paths yaml.Node // a node keeps the order

	Components struct {
		Parameters map[string]parameter
		Schemas    yaml.Node
	}
}

// content is the forms of a body by media type.
type content map[string]struct{ Schema schema }

type operation struct {
	OperationID string `yaml:"operationId"`
	Summary     string
	Description string
	Tags        []string
	Permission  string `yaml:"x-permission"`
	Parameters  []parameter
	RequestBody *struct {
		Content content
	} `yaml:"requestBody"`
	Responses map[string]struct {
		Description string
		Content     content
	}
}

type parameter struct {
	Ref         string `yaml:"$ref"`
	Name        string
	In          string
	Description string
	Required    bool
	Schema      schema
}

type schema struct {
	Ref         string `yaml:"$ref"`
	Type        string
	Format      string
	Description string
	Pattern     string
	Enum        []string
	Minimum     *int64
	Maximum     *int64
	MinLength   *int64 `yaml:"minLength"`
	MaxLength   *int64 `yaml:"maxLength"`
	Required    []string
	Items       *schema
	AllOf       []schema  `yaml:"allOf"`
	Properties  yaml.Node // a node keeps the order
}

// The view of the page.
type (
	docsView struct {
		Title, Version, Summary, Description, Stylesheet string

		Groups  []docsGroup
		Schemas []docsSchema
	}
	docsGroup struct {
		Name, Description string
		Operations        []docsOperation
	}
	docsOperation struct {
		ID, Method, Path, Summary, Description, Permission string

		Parameters []docsField
		Body       docsType
		Status     string
		Answer     docsType
	}
	docsSchema struct {
		Name, Description string
		Fields            []docsField
		Values            string
	}
	docsField struct {
		Name, Where, Description, Rule string
		Required                       bool
		Type                           docsType
	}
	// docsType is the words for a type; Anchor names the schema it links to.
	docsType struct{ Prefix, Name, Anchor string }
)

// renderDocs makes the page of /docs/api from the OpenAPI document.
func renderDocs(source []byte, stylesheet string) ([]byte, error) {
	var doc document
	if err := yaml.Unmarshal(source, &doc); err != nil {
		return nil, fmt.Errorf("read OpenAPI document: %w", err)
	}
	view := docsView{
		Title: doc.Info.Title, Version: doc.Info.Version, Summary: doc.Info.Summary,
		Description: doc.Info.Description, Stylesheet: stylesheet,
	}
	for _, tag := range doc.Tags {
		view.Groups = append(view.Groups, docsGroup{Name: tag.Name, Description: tag.Description})
	}
	if err := doc.operations(&view); err != nil {
		return nil, err
	}
	if err := doc.schemas(&view); err != nil {
		return nil, err
	}
	page, err := template.New("docs").Funcs(template.FuncMap{"prose": prose}).Parse(docsTemplate)
	if err != nil {
		return nil, fmt.Errorf("parse template: %w", err)
	}
	var out bytes.Buffer
	if err := page.Execute(&out, view); err != nil {
		return nil, fmt.Errorf("execute template: %w", err)
	}
	return out.Bytes(), nil
}

// prose escapes text of the document and sets what stands in backticks as code.
func prose(text string) template.HTML {
	var b strings.Builder
	for i, part := range strings.Split(text, "`") {
		if escaped := template.HTMLEscapeString(part); i%2 == 1 {
			b.WriteString("<code>" + escaped + "</code>")
		} else {
			b.WriteString(escaped)
		}
	}
	return template.HTML(b.String()) //nolint:gosec // every part is escaped above
}

// pairs calls fn for each key of a mapping, in the order of the document.
func pairs(node yaml.Node, fn func(key string, value *yaml.Node) error) error {
	for i := 0; i+1 < len(node.Content); i += 2 {
		if err := fn(node.Content[i].Value, node.Content[i+1]); err != nil {
			return fmt.Errorf("%s: %w", node.Content[i].Value, err)
		}
	}
	return nil
}

func (d document) operations(view *docsView) error {
	return pairs(d.Paths, func(route string, item *yaml.Node) error {
		var shared []parameter
		return pairs(*item, func(method string, node *yaml.Node) error {
			if method == "parameters" {
				return node.Decode(&shared)
			}
			var op operation
			if err := node.Decode(&op); err != nil {
				return err
			}
			for i := range view.Groups {
				if slices.Contains(op.Tags, view.Groups[i].Name) {
					view.Groups[i].Operations = append(view.Groups[i].Operations, d.operation(strings.ToUpper(method), route, shared, op))
				}
			}
			return nil
		})
	})
}

func (d document) operation(method, route string, shared []parameter, op operation) docsOperation {
	out := docsOperation{
		ID: op.OperationID, Method: method, Path: route, Summary: op.Summary,
		Description: op.Description, Permission: op.Permission,
	}
	for _, p := range append(slices.Clone(shared), op.Parameters...) {
		if p.Ref != "" {
			p = d.Components.Parameters[path.Base(p.Ref)]
		}
		out.Parameters = append(out.Parameters, docsField{
			Name: p.Name, Where: p.In, Description: p.Description, Required: p.Required, Type: p.Schema.words(), Rule: p.Schema.rule(),
		})
	}
	if op.RequestBody != nil {
		out.Body = op.RequestBody.Content.words()
	}
	for status, response := range op.Responses {
		if status != "default" {
			out.Status, out.Answer = status, response.Content.words()
		}
	}
	return out
}

func (d document) schemas(view *docsView) error {
	return pairs(d.Components.Schemas, func(name string, node *yaml.Node) error {
		var s schema
		if err := node.Decode(&s); err != nil {
			return err
		}
		out := docsSchema{Name: name, Description: s.Description, Values: s.rule()}
		for _, part := range append([]schema{s}, s.AllOf...) {
			if part.Ref != "" {
				out.Description = strings.TrimSpace(out.Description + " All of " + path.Base(part.Ref) + ", and:")
			}
			fields, err := part.fields()
			if err != nil {
				return err
			}
			out.Fields = append(out.Fields, fields...)
		}
		view.Schemas = append(view.Schemas, out)
		return nil
	})
}

// words names the JSON form, with other forms in front of it.
func (c content) words() docsType {
	out := c[echo.MIMEApplicationJSON].Schema.words()
	others := slices.Sorted(maps.Keys(c))
	others = slices.DeleteFunc(others, func(mediaType string) bool { return mediaType == echo.MIMEApplicationJSON })
	switch words := strings.Join(others, ", "); {
	case out.Name == "":
		out.Name = words
	case words != "":
		out.Prefix = words + ", or " + out.Prefix
	}
	return out
}

func (s schema) fields() ([]docsField, error) {
	var fields []docsField
	err := pairs(s.Properties, func(name string, node *yaml.Node) error {
		var f schema
		if err := node.Decode(&f); err != nil {
			return err
		}
		fields = append(fields, docsField{
			Name: name, Description: f.Description, Required: slices.Contains(s.Required, name), Type: f.words(), Rule: f.rule(),
		})
		return nil
	})
	return fields, err
}

func (s schema) words() docsType {
	switch {
	case s.Ref != "":
		name := path.Base(s.Ref)
		return docsType{Name: name, Anchor: "schema-" + name}
	case s.Type == "array" && s.Items != nil:
		t := s.Items.words()
		t.Prefix = "list of " + t.Prefix
		return t
	case s.Format != "" && s.Type == "string":
		return docsType{Name: s.Format}
	}
	return docsType{Name: s.Type}
}

// rule says the limits of a value in words.
func (s schema) rule() string {
	var rules []string
	if len(s.Enum) > 0 {
		rules = append(rules, "one of "+strings.Join(s.Enum, ", "))
	}
	for _, r := range []struct {
		words string
		value *int64
	}{{"at least ", s.Minimum}, {"at most ", s.Maximum}, {"at least %d characters", s.MinLength}, {"at most %d characters", s.MaxLength}} {
		switch {
		case r.value == nil:
		case strings.Contains(r.words, "%d"):
			rules = append(rules, fmt.Sprintf(r.words, *r.value))
		default:
			rules = append(rules, r.words+strconv.FormatInt(*r.value, 10))
		}
	}
	if s.Pattern != "" {
		rules = append(rules, "matches "+s.Pattern)
	}
	return strings.Join(rules, "; ")
}

func (s *Server) getDocument(c echo.Context) error {
	return c.Blob(http.StatusOK, "application/yaml", spec.Document())
}

func (s *Server) getDocs(c echo.Context) error { return c.HTMLBlob(http.StatusOK, s.docs) }
