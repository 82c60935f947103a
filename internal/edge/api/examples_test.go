package api_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// TestEveryOperationHasExamplesThatFit: people and generators of clients copy what a call and its answer look like, so
// each has an example, and none shows what the schema does not have.
func TestEveryOperationHasExamplesThatFit(t *testing.T) {
	t.Parallel()
	doc, err := document()
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			where := method + " " + path
			if op.RequestBody != nil {
				checked += fits(t, where+" asks", op.RequestBody.Value.Content, openapi3.VisitAsRequest())
			}
			for status, answer := range op.Responses.Map() {
				if strings.HasPrefix(status, "2") {
					checked += fits(t, where+" answers "+status, answer.Value.Content, openapi3.VisitAsResponse())
				}
			}
		}
	}
	if checked < len(exchanges) {
		t.Errorf("only %d examples were looked at", checked)
	}
}

// fits holds the examples of a body's JSON against its schema, and returns how many there were.
func fits(t *testing.T, where string, content openapi3.Content, as openapi3.SchemaValidationOption) int {
	t.Helper()
	media := content["application/json"]
	if media == nil {
		return 0
	}
	if len(media.Examples) == 0 {
		t.Errorf("%s without an example", where)
	}
	for name, example := range media.Examples {
		err := media.Schema.Value.VisitJSON(example.Value.Value, as, openapi3.MultiErrors(), openapi3.EnableFormatValidation())
		if err != nil {
			t.Errorf("%s: example %s: %v", where, name, err)
		}
		for _, unknown := range strangers(media.Schema.Value, example.Value.Value, "") {
			t.Errorf("%s: example %s has %s, which its schema lacks", where, name, unknown)
		}
	}
	return len(media.Examples)
}

// strangers names the fields of v that schema does not describe. A validator passes them over, since answers may grow.
func strangers(schema *openapi3.Schema, v any, at string) []string {
	var out []string
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			out = append(out, strangers(schema.Items.Value, one, at+"[]")...)
		}
	case map[string]any:
		known := knownFields(schema)
		if len(known) == 0 && schema.AdditionalProperties.Schema != nil {
			return nil
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if field := known[name]; field != nil {
				out = append(out, strangers(field.Value, v[name], at+"."+name)...)
			} else {
				out = append(out, at+"."+name)
			}
		}
	}
	return out
}

func knownFields(schema *openapi3.Schema) openapi3.Schemas {
	out := maps.Clone(schema.Properties)
	for _, part := range schema.AllOf {
		if out == nil {
			out = openapi3.Schemas{}
		}
		maps.Copy(out, knownFields(part.Value))
	}
	return out
}

// TestAnExampleThatIsWrongIsFound proves the test above.
func TestAnExampleThatIsWrongIsFound(t *testing.T) {
	t.Parallel()
	doc, err := document()
	if err != nil {
		t.Fatal(err)
	}
	body := doc.Paths.Value("/v1/batches").Operations()[http.MethodGet].Responses.Value("200").Value.Content["application/json"]
	page, ok := body.Examples["example"].Value.Value.(map[string]any)
	if !ok {
		t.Fatalf("the example is a %T", body.Examples["example"].Value.Value)
	}
	page = maps.Clone(page)
	page["total"] = 3
	if got := strangers(body.Schema.Value, page, ""); !slices.Equal(got, []string{".total"}) {
		t.Errorf("found %v", got)
	}
	delete(page, "items")
	if body.Schema.Value.VisitJSON(page) == nil {
		t.Error("a page without items passed")
	}
}

// TestTheNotesOfExamplesAreNotes: whoever tries the check of a digest on an example finds that it holds.
func TestTheNotesOfExamplesAreNotes(t *testing.T) {
	t.Parallel()
	doc, err := document()
	if err != nil {
		t.Fatal(err)
	}
	example := func(name string) map[string]any {
		v, ok := doc.Components.Examples[name].Value.Value.(map[string]any)
		if !ok {
			t.Fatalf("example %s is no object", name)
		}
		return v
	}
	text := func(v any) string { s, _ := v.(string); return s }
	app, batch := example("Application"), example("Batch")
	note, err := decision.Parse([]byte(text(app["decision_note"])))
	if err != nil || note.Digest().String() != app["decision_digest"] {
		t.Errorf("decision note: %v, %s", err, note.Digest())
	}
	order, err := decision.ParseBatch([]byte(text(batch["note"])))
	if err != nil || order.Digest().String() != batch["digest"] {
		t.Errorf("batch note: %v, %s", err, order.Digest())
	}
	if _, err := identity.ParseReceipt(text(example("Receipt")["receipt_code"])); err != nil {
		t.Error(err)
	}
}
