package apidocs_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/edge/apidocs"
)

// blocked is what the content policy of the page does not let through.
var blocked = regexp.MustCompile(`(?i)<script|<style|\sstyle=|\son[a-z]+=|javascript:`)

func TestThePageHasAllOfTheDocument(t *testing.T) {
	t.Parallel()
	p, doc := read(t), contractOf(t).doc
	byID := map[string]callOnPage{}
	for _, c := range p.Calls {
		byID[c.ID] = c
	}
	for id, op := range operations(doc) {
		c := byID[id]
		want := []string{op.Summary, c.Curl, c.Go}
		for _, parameter := range op.Parameters {
			want = append(want, parameter.Value.Name)
		}
		if op.RequestBody != nil {
			want = append(want, slices.Sorted(maps.Keys(op.RequestBody.Value.Content))...)
		}
		if body := op.RequestBody; body != nil && body.Value.Content.Get("application/json") != nil && !strings.Contains(c.Curl, "--json") {
			t.Errorf("%s: curl sends no body", id)
		}
		for _, w := range want {
			if w == "" || !strings.Contains(c.Text, strings.ReplaceAll(w, "`", "")) {
				t.Errorf("%s: the page lacks %q", id, w)
			}
		}
		if p.IDs[id] != 1 || !slices.Contains(p.Links, id) {
			t.Errorf("%s is on the page %d times; in the list: %t", id, p.IDs[id], slices.Contains(p.Links, id))
		}
	}
	for name, s := range doc.Components.Schemas {
		if p.IDs["schema-"+name] != 1 {
			t.Errorf("schema %s is described %d times", name, p.IDs["schema-"+name])
		}
		for field := range s.Value.Properties {
			if !strings.Contains(p.HTML, "<code>"+field+"</code>") {
				t.Errorf("the page lacks %s of %s", field, name)
			}
		}
	}
}

func TestThePageHoldsTogether(t *testing.T) {
	t.Parallel()
	p := read(t)
	for id, n := range p.IDs {
		if n != 1 {
			t.Errorf("%d elements are called %s", n, id)
		}
	}
	for _, to := range p.Links {
		if p.IDs[to] == 0 {
			t.Errorf("a link leads to #%s, which is nowhere", to)
		}
	}
	if found := blocked.FindString(p.HTML); found != "" {
		t.Errorf("the page has %q, which its policy blocks", found)
	}
	if strings.Count(p.HTML, "<h1") != 1 {
		t.Error("want one h1")
	}
}

// small is a document with what the fund's own has not: an object that holds itself,
// errors by their codes, markup in words, a call without credentials.
const small = `
openapi: 3.1.0
info: { title: Small, version: "2", description: "One.\n\nTwo & <b>." }
security: [{ token: [] }]
tags: [{ name: trees, description: Trees. }, { name: empty, description: Nothing. }]
paths:
  /v1/trees/{id}:
    parameters: [{ $ref: "#/components/parameters/ID" }]
    get:
      operationId: getTree
      tags: [trees]
      summary: A tree
      x-permission: tree.read
      x-errors: [no_tree]
      responses:
        "200":
          description: The tree.
          content: { application/json: { schema: { $ref: "#/components/schemas/Tree" } } }
        "404": { description: Felled., content: { application/problem+json: { schema: { $ref: "#/components/schemas/Problem" } } } }
        default: { $ref: "#/components/responses/Refused" }
    put:
      operationId: plantTree
      tags: [trees]
      summary: Plant it
      x-permission: token.manage
      parameters:
        - { name: why, in: query, required: true, schema: { type: string, examples: ["it's shade & fruit"] } }
        - { name: since, in: query, schema: { type: string, format: date }, example: 2026-11-22 }
      requestBody:
        content: { application/json: { example: { name: "Bob's", planted: 2026-11-22T08:59:00Z, rings: 3 }, schema: { $ref: "#/components/schemas/NewTree" } } }
      responses:
        "204": { description: Planted. }
        default: { $ref: "#/components/responses/Refused" }
components:
  securitySchemes: { token: { type: http, scheme: bearer } }
  parameters: { ID: { name: id, in: path, required: true, schema: { type: string, format: uuid } } }
  responses:
    Refused: { description: Refused., content: { application/problem+json: { schema: { $ref: "#/components/schemas/Problem" } } } }
  schemas:
    Problem: { type: object, required: [code], properties: { code: { type: string } } }
    Tree:
      type: object
      required: [id, children]
      properties:
        id: { type: string, format: uuid }
        code: { type: string, pattern: '^[A-Z]{2}-[0-9]+(-x)?$' }
        children: { type: array, items: { $ref: "#/components/schemas/Tree" } }
        parent: { $ref: "#/components/schemas/Tree" }
        near: { type: object, additionalProperties: { type: integer, minimum: 7 } }
        kind: { oneOf: [{ type: string, enum: [oak] }, { type: integer }] }
    NewTree:
      allOf: [{ $ref: "#/components/schemas/Named" }, { type: object, properties: { planted: { type: string, format: date-time }, rings: { type: integer, minimum: 0, maximum: 900, format: int32 } } }]
    Named: { type: object, required: [name], properties: { name: { type: string, minLength: 3 } } }
`

const smallErrors = "no_tree: { status: 404, meaning: There is no such tree in the `wood`. }"

func TestADocumentOfAnyShape(t *testing.T) {
	t.Parallel()
	p := readOf(t, rendered(t, []byte(small), []byte(smallErrors)))
	calls := map[string]callOnPage{}
	for _, c := range p.Calls {
		calls[c.ID] = c
	}
	const id = "0193ac61-5b1e-7c3a-9d2f-4e8a6b7c1d20"
	for name, tc := range map[string]struct{ got, want string }{
		"curl": {calls["getTree"].Curl, `curl "$FUND/v1/trees/$ID" \
  -H "Authorization: Bearer $TOKEN"`},
		"an answer that holds itself": {calls["getTree"].Sample, `{
  "id": "` + id + `",
  "code": "DS-3859",
  "children": [],
  "near": { "key": 7 },
  "kind": "oak"
}`},
		"curl with a body": {calls["plantTree"].Curl, `curl -X PUT "$FUND/v1/trees/$ID?since=2026-11-22&why=it%27s+shade+%26+fruit" \
  -H "Cookie: $SESSION" \
  --json '{
  "name": "Bob'\''s",
  "planted": "2026-11-22T08:59:00Z",
  "rings": 3
}'`},
		"Go": {calls["plantTree"].Go, `_, err := fund.PlantTreeWithResponse(
	ctx,
	uuid.MustParse("` + id + `"),
	&client.PlantTreeParams{
		Why:   "it's shade & fruit",
		Since: new(types.Date{Time: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}),
	},
	client.NewTree{
		Name:    "Bob's",
		Planted: new(time.Date(2026, 11, 22, 8, 59, 0, 0, time.UTC)),
		Rings:   new(int32(3)),
	},
	signedIn,
)
if err != nil {
	return err
}`},
	} {
		if tc.got != tc.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, tc.got, tc.want)
		}
	}
	for _, want := range []string{"Felled.", "no_tree", "There is no such tree in the wood.", "Who holds it.", "tree.read"} {
		if !strings.Contains(calls["getTree"].Text, want) {
			t.Errorf("getTree lacks %q:\n%s", want, calls["getTree"].Text)
		}
	}
	if !strings.Contains(p.HTML, "<p>One.</p><p>Two &amp; &lt;b&gt;.</p>") || strings.Contains(p.HTML, `href="#group-empty"`) {
		t.Error("the introduction is wrong, or a group without calls is in the list")
	}
}

func TestADocumentThatPromisesNothingIsRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ old, new, want string }{
		"no YAML":           {"openapi: 3.1.0", "openapi: [", "read OpenAPI document"},
		"unknown parameter": {"#/components/parameters/ID", "#/components/parameters/Id", "lacks #/components/parameters/Id"},
		"unknown response":  {`#/components/responses/Refused`, "#/components/responses/No", "lacks #/components/responses/No"},
		"unknown error":     {"x-errors: [no_tree]", "x-errors: [no_bush]", "what no_bush means"},
		"unknown tag":       {"tags: [trees]", "tags: [wood]", `"wood" is not among`},
		"unknown field":     {"rings: 3 }", "knots: 3 }", "no field knots"},
		"no such time":      {"2026-11-22T08:59:00Z", "yesterday", "planted"},
		"bad pattern":       {"'^[A-Z]{2}-", "'^[A-Z{2}-", "pattern"},
	} {
		source := strings.ReplaceAll(small, tc.old, tc.new)
		_, err := apidocs.Render([]byte(source), apidocs.Config{
			Errors: []byte(smallErrors),
			Caller: func(string) apidocs.Caller { return apidocs.Caller{} },
		})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}
