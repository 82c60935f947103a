package server

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
)

type sampleBody struct {
	Title     string      `json:"title"`
	AmountSat int64       `json:"amount_sat"`
	Port      int32       `json:"port"`
	ID        uuid.UUID   `json:"id"`
	List      []sampleRow `json:"list"`
}

type sampleRow struct {
	Port int32 `json:"port"`
}

func TestStrictJSONNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body   string
		code   string // "" when it is accepted
		params string // the params as JSON, or the field and code of a field error
	}{
		"good":            {body: ` {"title":"x","amount_sat":5,"list":[{"port":1}]} `},
		"empty":           {body: "", code: "malformed_json", params: `{"column":"1","line":"1"}`},
		"blank":           {body: " \n", code: "malformed_json", params: `{"column":"1","line":"1"}`},
		"cut":             {body: "{\"title\":\n\"x\"", code: "malformed_json", params: `{"column":"4","line":"2"}`},
		"bad character":   {body: "{\n  \"title\": x}", code: "malformed_json", params: `{"column":"12","line":"2"}`},
		"missing colon":   {body: `{"title" "x"}`, code: "malformed_json", params: `{"column":"10","line":"1"}`},
		"counts letters":  {body: `{"title":"ключ" x}`, code: "malformed_json", params: `{"column":"17","line":"1"}`},
		"trailing comma":  {body: `{"title":"x",}`, code: "malformed_json", params: `{"column":"14","line":"1"}`},
		"trailing data":   {body: `{"title":"x"} {}`, code: "malformed_json", params: `{"column":"15","line":"1"}`},
		"twice":           {body: `{"title":"x","title":"y"}`, code: "malformed_json", params: `{"column":"21","line":"1"}`},
		"twice escaped":   {body: `{"title":"x","t\u0069tle":"y"}`, code: "malformed_json", params: `{"column":"26","line":"1"}`},
		"twice below":     {body: `{"list":[{"port":1,"port":2}]}`, code: "malformed_json", params: `{"column":"26","line":"1"}`},
		"not UTF-8":       {body: "{\"title\":\"a\xff\"}", code: "malformed_json", params: `{"column":"12","line":"1"}`},
		"NUL":             {body: `{"title":"a\u0000"}`, code: "malformed_json", params: `{"column":"19","line":"1"}`},
		"too deep":        {body: `{"list":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, code: "malformed_json", params: `{"column":"41","line":"1"}`},
		"unknown":         {body: `{"title":"x","role":"admin"}`, code: "unknown_field", params: `{"field":"role"}`},
		"unknown below":   {body: `{"list":[{"x":1}]}`, code: "unknown_field", params: `{"field":"x"}`},
		"other case":      {body: `{"Title":"x"}`, code: "unknown_field", params: `{"field":"Title"}`},
		"Kelvin folds":    {body: `{"am\u212aount_sat":1}`, code: "unknown_field", params: `{"field":"am` + "\u212a" + `ount_sat"}`},
		"not an object":   {body: `[]`, code: "invalid_fields", params: "body wrong_type"},
		"fractional sat":  {body: `{"amount_sat":1.5}`, code: "invalid_fields", params: "amount_sat fractional_sat"},
		"exponent":        {body: `{"amount_sat":1e6}`, code: "invalid_fields", params: "amount_sat not_a_number"},
		"out of range":    {body: `{"amount_sat":99999999999999999999}`, code: "invalid_fields", params: "amount_sat too_large"},
		"quoted number":   {body: `{"amount_sat":"5"}`, code: "invalid_fields", params: "amount_sat wrong_type"},
		"fractional port": {body: `{"port":1.5}`, code: "invalid_fields", params: "port not_whole"},
		"number for text": {body: `{"title":5}`, code: "invalid_fields", params: "title wrong_type"},
		"bad id":          {body: `{"id":"x"}`, code: "malformed_value", params: "null"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var v sampleBody
			err := decodeStrict([]byte(tc.body), &v)
			code, params := "", ""
			var e *errs.Error
			if errors.As(err, &e) {
				code, params = string(e.Code), paramsOf(t, e)
			}
			if err != nil && e == nil {
				t.Fatalf("unclassified error %v", err)
			}
			if code != tc.code || params != tc.params {
				t.Errorf("%s: got %q %s, want %q %s", tc.body, code, params, tc.code, tc.params)
			}
		})
	}
}

func paramsOf(t *testing.T, e *errs.Error) string {
	t.Helper()
	if len(e.Fields) > 0 {
		return e.Fields[0].Field + " " + string(e.Fields[0].Code)
	}
	b, err := json.Marshal(e.Params)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func FuzzDecodeStrict(f *testing.F) {
	for _, s := range []string{`{"title":"x"}`, `{"a":1,"a":2}`, `[1,2`, `{"list":[{"port":1e9}]}`, "\xff", `"\ud800"`, `{} {}`, `nul`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var v sampleBody
		err := decodeStrict(body, &v)
		if err == nil && !json.Valid(body) {
			t.Errorf("accepted %q", body)
		}
		if err != nil && errs.KindOf(err) == errs.Internal {
			t.Errorf("%q gave the unclassified %v", body, err)
		}
	})
}
