package apidocs

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ordered is a mapping in the order of the document.
type ordered[T any] []entry[T]

type entry[T any] struct {
	Key   string
	Value T
}

// UnmarshalYAML reads a mapping.
func (o *ordered[T]) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: want a mapping", node.Line)
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		e := entry[T]{Key: node.Content[i].Value}
		if err := node.Content[i+1].Decode(&e.Value); err != nil {
			return fmt.Errorf("%s: %w", e.Key, err)
		}
		*o = append(*o, e)
	}
	return nil
}

func (o ordered[T]) get(key string) (T, bool) {
	for _, e := range o {
		if e.Key == key {
			return e.Value, true
		}
	}
	var zero T
	return zero, false
}

// oneOrMany is a string or a list of strings, as a schema's type may be.
type oneOrMany []string

// UnmarshalYAML reads either form.
func (m *oneOrMany) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*m = oneOrMany{node.Value}
		return nil
	}
	return node.Decode((*[]string)(m))
}

// document is as much of an OpenAPI document as the page shows.
type document struct {
	Info struct {
		Title, Version, Summary, Description string
	}
	Tags     []struct{ Name, Description string }
	Security []map[string][]string
	Paths    ordered[ordered[yaml.Node]]

	asked []string // the components that a caller sends

	Components struct {
		Schemas         ordered[*schema]
		Parameters      ordered[*parameter]
		Headers         ordered[*parameter]
		RequestBodies   ordered[*body] `yaml:"requestBodies"`
		Responses       ordered[*body]
		Examples        ordered[*example]
		SecuritySchemes ordered[scheme] `yaml:"securitySchemes"`
	}

	problems ordered[problem] // by error code
}

// problem is what an error code of the API means.
type problem struct {
	Status  string
	Meaning string
}

type scheme struct {
	Type, Scheme, In, Name, Description string
}

type operation struct {
	OperationID string `yaml:"operationId"`
	Summary     string
	Description string
	Tags        []string
	Permission  string                 `yaml:"x-permission"`
	Security    *[]map[string][]string // nil: what the document says
	Parameters  []*parameter
	RequestBody *body `yaml:"requestBody"`
	Responses   ordered[*body]
	Errors      []string `yaml:"x-errors"` // error codes of this call

	method, path string
}

// body is a request's body or a response.
type body struct {
	Ref         string `yaml:"$ref"`
	Description string
	Headers     ordered[*parameter]
	Content     ordered[*media]
	Errors      []string `yaml:"x-errors"` // error codes of every call that answers with it
}

// media is one form of a body.
type media struct {
	Schema   *schema
	Example  yaml.Node
	Examples ordered[*example]
}

type example struct {
	Ref     string `yaml:"$ref"`
	Summary string
	Value   yaml.Node
}

type parameter struct {
	Ref         string `yaml:"$ref"`
	Name        string
	In          string
	Description string
	Required    bool
	Schema      *schema
	Example     yaml.Node
	Examples    ordered[*example]
}

type schema struct {
	Ref         string `yaml:"$ref"`
	Type        oneOrMany
	Format      string
	Description string
	Pattern     string
	Enum        []string
	Open        []string `yaml:"x-extensible-enum"` // as Enum, and others later
	Minimum     string   // numbers are kept as they are written
	Maximum     string
	MinLength   int `yaml:"minLength"`
	MaxLength   int `yaml:"maxLength"`
	MinItems    int `yaml:"minItems"`
	MaxItems    int `yaml:"maxItems"`
	Default     yaml.Node
	Example     yaml.Node
	Examples    []yaml.Node
	Required    []string
	Properties  ordered[*schema]
	Items       *schema
	Additional  yaml.Node `yaml:"additionalProperties"` // a schema or a bool
	AllOf       []*schema `yaml:"allOf"`
	OneOf       []*schema `yaml:"oneOf"`
	AnyOf       []*schema `yaml:"anyOf"`

	GoName      string `yaml:"x-go-name"`
	SkipPointer bool   `yaml:"x-go-type-skip-optional-pointer"`
}

// methods are the keys of a path that are calls.
var methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}

func parse(source, problems []byte) (*document, error) {
	var doc document
	if err := yaml.Unmarshal(source, &doc); err != nil {
		return nil, fmt.Errorf("read OpenAPI document: %w", err)
	}
	if err := yaml.Unmarshal(problems, &doc.problems); err != nil {
		return nil, fmt.Errorf("read error codes: %w", err)
	}
	return &doc, nil
}

// operations returns every call in the order of the document. Parameters of a path
// stand in front of those of its calls, and references among them are resolved.
func (d *document) operations() ([]*operation, error) {
	var all []*operation
	for _, item := range d.Paths {
		var shared []*parameter
		if node, ok := item.Value.get("parameters"); ok {
			if err := node.Decode(&shared); err != nil {
				return nil, fmt.Errorf("%s: %w", item.Key, err)
			}
		}
		for _, call := range item.Value {
			if !slices.Contains(methods, call.Key) {
				continue
			}
			op := &operation{method: strings.ToUpper(call.Key), path: item.Key}
			err := call.Value.Decode(op)
			if err == nil {
				op.Parameters = append(slices.Clone(shared), op.Parameters...)
				err = d.resolve(op)
			}
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", op.method, op.path, err)
			}
			all = append(all, op)
		}
	}
	return all, nil
}

func (d *document) resolve(op *operation) error {
	for i, p := range op.Parameters {
		p, err := follow(d.Components.Parameters, p.Ref, p)
		if err != nil {
			return err
		}
		op.Parameters[i] = p
	}
	if op.RequestBody != nil {
		b, err := follow(d.Components.RequestBodies, op.RequestBody.Ref, op.RequestBody)
		if err != nil {
			return err
		}
		op.RequestBody = b
	}
	for i, r := range op.Responses {
		b, err := follow(d.Components.Responses, r.Value.Ref, r.Value)
		if err != nil {
			return err
		}
		op.Responses[i].Value = b
	}
	for _, code := range op.Errors {
		if _, ok := d.problems.get(code); !ok {
			return fmt.Errorf("the document does not say what %s means", code)
		}
	}
	return nil
}

// follow returns what ref names, or own when there is no ref.
func follow[T any](among ordered[T], ref string, own T) (T, error) {
	if ref == "" {
		return own, nil
	}
	found, ok := among.get(path.Base(ref))
	if !ok {
		return own, fmt.Errorf("the document lacks %s", ref)
	}
	return found, nil
}

// component returns the name of the schema that s refers to, or "".
func (s *schema) component() string {
	if s == nil || s.Ref == "" {
		return ""
	}
	return path.Base(s.Ref)
}

// at returns s, or what it refers to. A chain of references ends at its first loop.
func (d *document) at(s *schema) *schema {
	for range len(d.Components.Schemas) {
		if s == nil || s.Ref == "" {
			break
		}
		next, ok := d.Components.Schemas.get(s.component())
		if !ok {
			break
		}
		s = next
	}
	return s
}

func (s *schema) is(kind string) bool { return slices.Contains(s.Type, kind) }

// properties returns the fields of an object, those of its allOf among them, and
// which of them are always there.
func (d *document) properties(s *schema) (fields ordered[*schema], required []string) {
	return d.propertiesWithin(s, nil)
}

func (d *document) propertiesWithin(s *schema, seen []*schema) (fields ordered[*schema], required []string) {
	s = d.at(s)
	if s == nil || slices.Contains(seen, s) {
		return nil, nil
	}
	for _, part := range s.AllOf {
		more, needed := d.propertiesWithin(part, append(seen, s))
		fields, required = append(fields, more...), append(required, needed...)
	}
	return append(fields, s.Properties...), append(required, s.Required...)
}

// isObject reports whether s has fields of its own to describe.
func (d *document) isObject(s *schema) bool {
	fields, _ := d.properties(s)
	return len(fields) > 0
}

// additional returns the schema of the values of a map, if s is one.
func (s *schema) additional() (*schema, error) {
	if s.Additional.Kind != yaml.MappingNode {
		return nil, nil
	}
	var out schema
	if err := s.Additional.Decode(&out); err != nil {
		return nil, fmt.Errorf("additionalProperties: %w", err)
	}
	return &out, nil
}

// credentials returns the security schemes of a call, the first alternative only;
// none for a call that anybody may make.
func (d *document) credentials(op *operation) []scheme {
	ways := d.Security
	if op.Security != nil {
		ways = *op.Security
	}
	if len(ways) == 0 {
		return nil
	}
	var out []scheme
	for _, s := range d.Components.SecuritySchemes {
		if _, needed := ways[0][s.Key]; needed {
			out = append(out, s.Value)
		}
	}
	return out
}
