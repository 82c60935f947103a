package apidocs

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

//go:embed page.html
var pageTemplate string

// Caller is who may make a call.
type Caller struct {
	Words   string // e.g. "Treasurers."
	NoToken bool   // only in a session, never with an API token
}

// Config is what a page needs beside the document.
type Config struct {
	Styles []string                       // addresses of CSS: the dashboard's, then the page's own
	Icons  string                         // address of the dashboard's icons; "": none
	Icon   string                         // address of the page's own icon; "": none
	Errors []byte                         // YAML: {code: {status, meaning}}
	Caller func(permission string) Caller // required
	Theme  string                         // "light", "dark"; else as the reader's system has it
	Path   string                         // where the page is: its form for themes goes there
}

// The view of the page.
type (
	view struct {
		Title, Version, Summary, Icons, Icon string
		Theme, Path                          string

		Styles []string

		Description []string
		Imports     string
		Setup       string
		Groups      []group
		Common      []schemaView
		Refusals    []bodyView  // that calls share
		General     []errorView // of any call
		Errors      []errorView // of those that list them
		Problem     string      // an example
		Handling    string
	}
	errorView struct{ Code, Status, Meaning string }
	group     struct {
		Name, Title, Description string

		Calls   []callView
		Schemas []schemaView
	}
	callView struct {
		ID, Title, Method, Path, Summary, Permission string

		Description []string
		Caller      Caller
		Parameters  []fieldView
		Body        *bodyView
		Answers     []bodyView // 2xx
		Refusals    []bodyView // of this call alone
		Errors      []errorView
		Curl, Go    string
		Sample      string // an answer
		Status      string // of the sample
	}
	bodyView struct {
		Status      string
		Description []string
		Forms       []string
		Headers     []fieldView
		Type        typeView
		Own         *schemaView // described here, if nothing else has it
	}
	schemaView struct {
		Name   string
		Prose  []string
		Rule   string
		Fields []fieldView
		Type   typeView // of a schema without fields
	}
	fieldView struct {
		Name, Where, Rule string

		Prose []string
		There string // "required" of whoever sends it, "optional" to whoever reads it, or ""
		Type  typeView
	}
	// typeView is the words for a type; Anchor names the schema that it links to.
	typeView struct{ Prefix, Name, Anchor string }
)

// Render makes the page from the OpenAPI document.
func Render(source []byte, cfg Config) ([]byte, error) {
	doc, err := parse(source, cfg.Errors)
	if err != nil {
		return nil, err
	}
	v, err := doc.view(cfg)
	if err != nil {
		return nil, err
	}
	page, err := template.New(
		"page",
	).Funcs(
		template.FuncMap{"prose": prose, "route": route, "lower": strings.ToLower},
	).Parse(
		pageTemplate,
	)
	if err != nil {
		return nil, fmt.Errorf("parse template: %w", err)
	}
	var out bytes.Buffer
	if err := page.Execute(&out, v); err != nil {
		return nil, fmt.Errorf("execute template: %w", err)
	}
	return out.Bytes(), nil
}

func (d *document) view(cfg Config) (*view, error) {
	v := &view{
		Title:       d.Info.Title,
		Version:     d.Info.Version,
		Summary:     d.Info.Summary,
		Description: paragraphs(d.Info.Description),
		Styles:      cfg.Styles,
		Icons:       cfg.Icons,
		Icon:        cfg.Icon,
		Theme:       cfg.Theme,
		Path:        cfg.Path,
		Imports:     goImports,
		Setup:       goSetup,
		Handling:    goErrors,
	}
	for _, tag := range d.Tags {
		v.Groups = append(v.Groups, group{Name: tag.Name, Title: words(tag.Name), Description: tag.Description})
	}
	ops, err := d.operations()
	if err != nil {
		return nil, err
	}
	d.asked = d.reach(requests(ops))
	homes := d.homes(ops)
	if err := d.refusals(v, ops); err != nil {
		return nil, err
	}
	for _, op := range ops {
		c, err := d.callView(op, cfg.Caller(op.Permission), homes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", op.OperationID, err)
		}
		i := slices.IndexFunc(v.Groups, func(g group) bool { return g.Name == op.group() })
		if i < 0 {
			return nil, fmt.Errorf("%s: the tag %q is not among the document's tags", op.OperationID, op.group())
		}
		v.Groups[i].Calls = append(v.Groups[i].Calls, *c)
	}
	for _, s := range d.Components.Schemas {
		described := d.schemaView(s.Key, s.Value)
		switch home := homes[s.Key]; {
		case home.call != "":
		case home.group != "":
			i := slices.IndexFunc(v.Groups, func(g group) bool { return g.Name == home.group })
			v.Groups[i].Schemas = append(v.Groups[i].Schemas, described)
		default:
			v.Common = append(v.Common, described)
		}
	}
	return v, nil
}

func (op *operation) group() string {
	if len(op.Tags) == 0 {
		return ""
	}
	return op.Tags[0]
}

func (d *document) callView(op *operation, caller Caller, homes map[string]home) (*callView, error) {
	c, err := d.call(op)
	if err != nil {
		return nil, err
	}
	goCode, err := d.golang(c, caller.NoToken)
	if err != nil {
		return nil, fmt.Errorf("in Go: %w", err)
	}
	out := &callView{
		ID:      op.OperationID,
		Title:   words(op.OperationID),
		Method:  op.method,
		Path:    op.path,
		Summary: op.Summary,
		Description: paragraphs(
			op.Description,
		),
		Permission: op.Permission,
		Caller:     caller,
		Curl:       c.curl(caller.NoToken),
		Go:         goCode,
	}
	for _, p := range op.Parameters {
		word := ""
		if p.Required {
			word = "required"
		}
		out.Parameters = append(out.Parameters, d.field(p.Name, p.In, p.Description, word, p.Schema))
	}
	if op.RequestBody != nil {
		own := d.bodyView("", op.RequestBody, op, homes)
		out.Body = &own
	}
	for _, r := range op.Responses {
		described := d.bodyView(r.Key, r.Value, op, homes)
		if strings.HasPrefix(r.Key, "2") {
			out.Answers = append(out.Answers, described)
		} else if !slices.Contains(d.shared(), r.Value) {
			out.Refusals = append(out.Refusals, described)
		}
	}
	for _, code := range op.Errors {
		meaning, _ := d.problems.get(code)
		out.Errors = append(out.Errors, errorView{code, meaning.Status, meaning.Meaning})
	}
	if c.answers != nil {
		out.Status = c.status
		out.Sample, err = d.sample(c.answers)
	}
	return out, err
}

// shared returns the responses that the document keeps for several calls.
func (d *document) shared() []*body {
	var all []*body
	for _, r := range d.Components.Responses {
		all = append(all, r.Value)
	}
	return all
}

// refusals fills in what calls have in common when they refuse.
func (d *document) refusals(v *view, ops []*operation) error {
	seen := map[*body]bool{}
	var general []string
	for _, op := range ops {
		for _, r := range op.Responses {
			if strings.HasPrefix(r.Key, "2") || seen[r.Value] || !slices.Contains(d.shared(), r.Value) {
				continue
			}
			seen[r.Value] = true
			general = append(general, r.Value.Errors...)
			v.Refusals = append(v.Refusals, d.bodyView(r.Key, r.Value, op, nil))
			if form, ok := r.Value.Content.get(mediaProblem); ok && v.Problem == "" {
				sample, err := maker{doc: d}.ofMedia(form)
				if err != nil {
					return fmt.Errorf("problem: %w", err)
				}
				v.Problem = printed(sample)
			}
		}
	}
	for _, e := range d.problems {
		if slices.Contains(general, e.Key) {
			v.General = append(v.General, errorView{e.Key, e.Value.Status, e.Value.Meaning})
		} else {
			v.Errors = append(v.Errors, errorView{e.Key, e.Value.Status, e.Value.Meaning})
		}
	}
	return nil
}

// sample returns an answer as the caller sees it, "" for one without a body.
func (d *document) sample(b *body) (string, error) {
	if json, ok := b.Content.get(mediaJSON); ok {
		v, err := maker{doc: d}.ofMedia(json)
		if err != nil {
			return "", fmt.Errorf("answer: %w", err)
		}
		return printed(v), nil
	}
	if len(b.Content) == 0 || b.Content[0].Key == mediaBinary {
		return "", nil
	}
	form := b.Content[0].Value
	if form.Example.IsZero() && len(form.Examples) == 0 {
		return "", nil
	}
	v, err := maker{doc: d}.ofMedia(form)
	return plain(v), err
}

func (d *document) bodyView(status string, b *body, op *operation, homes map[string]home) bodyView {
	out := bodyView{Status: status, Description: paragraphs(b.Description), Forms: forms(b.Content)}
	for _, h := range b.Headers {
		if own, err := follow(d.Components.Headers, h.Value.Ref, h.Value); err == nil {
			out.Headers = append(out.Headers, d.field(h.Key, "header", own.Description, "", own.Schema))
		}
	}
	form, ok := b.Content.get(mediaJSON)
	if !ok && len(b.Content) > 0 {
		form = b.Content[0].Value
	}
	if form == nil || form.Schema == nil {
		return out
	}
	out.Type = d.typeOf(form.Schema)
	name := form.Schema.component()
	if name != "" && homes[name].call == op.OperationID {
		own := d.schemaView(name, d.at(form.Schema))
		out.Own = &own
	} else if name == "" && d.isObject(form.Schema) {
		own := d.schemaView("", form.Schema)
		out.Own = &own
	}
	return out
}

func (d *document) schemaView(name string, s *schema) schemaView {
	out := schemaView{Name: name, Prose: paragraphs(s.Description), Rule: s.rule()}
	fields, required := d.properties(s)
	sent := slices.Contains(d.asked, name)
	for _, f := range fields {
		word := ""
		switch always := slices.Contains(required, f.Key); {
		case sent && always:
			word = "required"
		case !sent && !always:
			word = "optional"
		}
		out.Fields = append(out.Fields, d.field(f.Key, "", f.Value.Description, word, f.Value))
	}
	if len(fields) == 0 {
		out.Type = d.typeOf(
			&schema{
				Type:       s.Type,
				Format:     s.Format,
				Items:      s.Items,
				Additional: s.Additional,
				OneOf:      s.OneOf,
				AnyOf:      s.AnyOf,
			},
		)
	}
	return out
}

func (d *document) field(name, where, description, there string, s *schema) fieldView {
	f := fieldView{Name: name, Where: where, Prose: paragraphs(description), There: there}
	if s != nil {
		f.Type, f.Rule = d.typeOf(s), s.rule()
		if description == "" && s.Ref != "" && !d.isObject(s) {
			f.Prose = paragraphs(d.at(s).Description)
		}
	}
	return f
}

// typeOf says in words what s is.
func (d *document) typeOf(s *schema) typeView {
	if name := s.component(); name != "" {
		return typeView{Name: name, Anchor: "schema-" + name}
	}
	switch {
	case len(s.AllOf) == 1:
		return d.typeOf(s.AllOf[0])
	case s.is("array") && s.Items != nil:
		t := d.typeOf(s.Items)
		t.Prefix = "list of " + t.Prefix
		return t
	case s.is("object") && s.Additional.Kind == yaml.MappingNode:
		values, err := s.additional()
		if err == nil && values != nil {
			t := d.typeOf(values)
			t.Prefix = "map of names to " + t.Prefix
			return t
		}
	case len(s.OneOf)+len(s.AnyOf) > 0:
		names := []string{}
		for _, alternative := range append(slices.Clone(s.OneOf), s.AnyOf...) {
			t := d.typeOf(alternative)
			names = append(names, t.Prefix+t.Name)
		}
		return typeView{Name: strings.Join(names, " or ")}
	case s.is("string") && s.Format != "":
		if named, ok := formats[s.Format]; ok {
			return typeView{Name: named}
		}
		return typeView{Name: s.Format}
	}
	return typeView{Name: strings.Join(s.Type, " or ")}
}

// formats are the words for what a string holds.
var formats = map[string]string{
	"date-time": "time (RFC 3339)",
	"date":      "day (2026-11-22)",
	"uuid":      "UUID",
	"byte":      "bytes (base64)",
	"binary":    "bytes",
}

// rule says the limits of a value in words.
func (s *schema) rule() string {
	var rules []string
	add := func(format, value string) {
		if value != "" && value != "0" {
			rules = append(rules, fmt.Sprintf(format, value))
		}
	}
	add("one of `%s`", strings.Join(s.Enum, "`, `"))
	add("one of `%s`, or a value of later", strings.Join(s.Open, "`, `"))
	if s.Minimum == "0" {
		rules = append(rules, "not negative")
	}
	add("at least %s", s.Minimum)
	add("at most %s", s.Maximum)
	add("at least %s characters", strconv.Itoa(s.MinLength))
	add("at most %s characters", strconv.Itoa(s.MaxLength))
	add("at least %s items", strconv.Itoa(s.MinItems))
	add("at most %s items", strconv.Itoa(s.MaxItems))
	add("matches `%s`", s.Pattern)
	if s.Items != nil && len(s.Items.Enum) > 0 {
		add("each of them one of `%s`", strings.Join(s.Items.Enum, "`, `"))
	}
	if !s.Default.IsZero() {
		add("`%s` when left out", s.Default.Value)
	}
	return strings.Join(rules, ", ")
}

// paragraphs parts text at its empty lines.
func paragraphs(text string) []string {
	var out []string
	for p := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
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

// route sets a path so that a browser may break it after each slash.
func route(text string) template.HTML {
	escaped := template.HTMLEscapeString(text)
	return template.HTML(strings.ReplaceAll(escaped, "/", "/<wbr>")) //nolint:gosec // escaped above
}

// acronyms are words of names that are not written as other words are.
var acronyms = map[string]string{"psbt": "PSBT", "i": "I", "id": "ID"}

// words makes a title of a name: "exportPsbt" is "Export PSBT".
func words(name string) string {
	var parts []string
	start := 0
	for i, r := range name {
		if unicode.IsUpper(r) && i > start {
			parts, start = append(parts, name[start:i]), i
		}
	}
	parts = append(parts, name[start:])
	for i, p := range parts {
		p = strings.ToLower(p)
		if known, ok := acronyms[p]; ok {
			p = known
		}
		parts[i] = p
	}
	title := strings.Join(parts, " ")
	first, size := utf8.DecodeRuneInString(title)
	return string(unicode.ToUpper(first)) + title[size:]
}
