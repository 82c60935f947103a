package apidocs_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	spec "github.com/causeway-fund/causeway/api"
)

// compiled type-checks Go against what the module's packages export.
func compiled(t *testing.T, source string) []error {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "page.go", source, parser.SkipObjectResolution)
	if err != nil {
		return []error{err}
	}
	var imports []string
	for _, spec := range file.Imports {
		imports = append(imports, strings.Trim(spec.Path.Value, `"`))
	}
	exports := exported(t, imports)
	lookup := func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) }
	var wrong []error
	config := types.Config{
		Importer: importer.ForCompiler(fset, "gc", lookup),
		Error:    func(err error) { wrong = append(wrong, err) },
	}
	if _, err := config.Check("page", fset, []*ast.File{file}, nil); err != nil && len(wrong) == 0 {
		wrong = append(wrong, err)
	}
	return wrong
}

// exported returns the files of type information that the go command keeps of these
// packages and of all that they import.
func exported(t *testing.T, packages []string) map[string]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-export", "-deps", "-json=ImportPath,Export"}, packages...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	files := map[string]string{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct{ ImportPath, Export string }
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return files
		} else if err != nil {
			t.Fatal(err)
		}
		files[p.ImportPath] = p.Export
	}
}

// program puts the Go of the page into one file: what it imports, how a client is
// made, and a function for each call.
func program(p page) string {
	var b strings.Builder
	imports, setup, _ := strings.Cut(p.Setup, "\n)\n")
	fmt.Fprintf(&b, "package page\n\n%s\n)\n\nfunc _() error {\n%s\n_, _ = fund, signedIn\nreturn nil\n}\n", imports, setup)
	fmt.Fprintf(&b, "\nfunc _(err error) error {\n%s\nreturn nil\n}\n", p.Handling)
	for _, c := range p.Calls {
		end := "\nreturn nil"
		if strings.Contains(c.Go, "result :=") {
			end = "\n_ = result" + end
		} else if strings.Contains(c.Go, "\nreturn ") {
			end = ""
		}
		fmt.Fprintf(&b, "\n// %s\nfunc _(ctx context.Context, fund *client.API, signedIn client.RequestEditorFn) error {\n%s%s\n}\n", c.ID, c.Go, end)
	}
	return b.String()
}

func TestTheGoOfEveryCallCompiles(t *testing.T) {
	t.Parallel()
	source := program(read(t))
	for _, err := range compiled(t, source) {
		t.Error(err)
	}
	if t.Failed() {
		for i, line := range strings.Split(source, "\n") {
			t.Logf("%4d %s", i+1, line)
		}
	}
	// The check itself finds what does not compile.
	if wrong := compiled(t, strings.Replace(source, "WithResponse(", "WithAnswer(", 1)); len(wrong) == 0 {
		t.Error("a call that the client lacks compiles")
	}
}

// sent runs a curl command of the page in a shell that has another curl, and
// returns the request that it would have made.
func sent(t *testing.T, command string) *http.Request {
	t.Helper()
	script := `FUND=https://fund.example TOKEN=cw_token RECEIPT=receipt SESSION=causeway_session=session ID=0193ac61-5b1e-7c3a-9d2f-4e8a6b7c1d20
curl() { printf '%s\0' "$@"; }
` + command
	out, err := exec.CommandContext(t.Context(), "sh", "-eu", "-c", script).Output()
	if err != nil {
		t.Fatalf("%v:\n%s", err, command)
	}
	method, address, body, headers := "", "", "", http.Header{}
	args := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	for i := 0; i < len(args); i++ {
		if !strings.HasPrefix(args[i], "-") {
			address = args[i]
			continue
		}
		option := args[i]
		i++
		switch option {
		case "-X":
			method = args[i]
		case "-H":
			name, value, _ := strings.Cut(args[i], ": ")
			headers.Add(name, value)
		case "--json":
			body = args[i]
			headers.Set("Content-Type", "application/json")
		case "--data-binary":
			body = args[i]
		case "-o":
		default:
			t.Fatalf("%s is not an option that this test knows:\n%s", option, command)
		}
	}
	if method == "" && body != "" {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(t.Context(), cmp.Or(method, http.MethodGet), address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = headers
	return r
}

// contract finds the call of a request and what the document wants of it.
type contract struct {
	doc    *openapi3.T
	router routers.Router
}

func contractOf(t *testing.T) contract {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(spec.Document())
	if err != nil {
		t.Fatal(err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return contract{doc, router}
}

func TestCurlSendsWhatTheDocumentWants(t *testing.T) {
	t.Parallel()
	openapi3filter.RegisterBodyDecoder("text/csv", openapi3filter.FileBodyDecoder)
	want := contractOf(t)
	calls := 0
	for _, c := range read(t).Calls {
		r := sent(t, c.Curl)
		route, params, err := want.router.FindRoute(r)
		if err != nil {
			t.Errorf("%s: %v:\n%s", c.ID, err, c.Curl)
			continue
		}
		if route.Operation.OperationID != c.ID {
			t.Errorf("%s: curl calls %s", c.ID, route.Operation.OperationID)
		}
		options := &openapi3filter.Options{AuthenticationFunc: func(_ context.Context, in *openapi3filter.AuthenticationInput) error {
			return credential(r, in.SecuritySchemeName)
		}}
		input := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: options}
		if err := openapi3filter.ValidateRequest(t.Context(), input); err != nil {
			t.Errorf("%s: %v\n%s", c.ID, err, c.Curl)
		}
		if public := route.Operation.Security; public != nil && len(*public) == 0 {
			for _, scheme := range []string{"token", "session", "receipt"} {
				if credential(r, scheme) == nil {
					t.Errorf("%s shows a %s to whoever answers, and does not need it", c.ID, scheme)
				}
			}
		}
		calls++
	}
	if all := len(operations(want.doc)); calls != all {
		t.Errorf("%d calls of %d", calls, all)
	}
}

// credential fails for a request that lacks what a scheme asks for.
func credential(r *http.Request, scheme string) error {
	ok := map[string]bool{
		"token":   r.Header.Get("Authorization") == "Bearer cw_token",
		"session": r.Header.Get("Cookie") == "causeway_session=session",
		"receipt": r.Header.Get("Causeway-Receipt") == "receipt",
	}[scheme]
	if !ok {
		return fmt.Errorf("no %s", scheme)
	}
	return nil
}

func operations(doc *openapi3.T) map[string]*openapi3.Operation {
	all := map[string]*openapi3.Operation{}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			all[op.OperationID] = op
		}
	}
	return all
}

func TestAnswersAreAsTheDocumentPromises(t *testing.T) {
	t.Parallel()
	ops := operations(contractOf(t).doc)
	samples := 0
	for _, c := range read(t).Calls {
		for status, r := range ops[c.ID].Responses.Map() {
			form := r.Value.Content.Get("application/json")
			if !strings.HasPrefix(status, "2") || form == nil {
				continue
			}
			var got any
			if err := json.Unmarshal([]byte(c.Sample), &got); err != nil {
				t.Errorf("%s: %v:\n%s", c.ID, err, c.Sample)
				continue
			}
			if err := form.Schema.Value.VisitJSON(got, openapi3.VisitAsResponse(), openapi3.EnableFormatValidation()); err != nil {
				t.Errorf("%s: %v", c.ID, err)
			}
			samples++
		}
	}
	if samples < len(ops)/2 {
		t.Errorf("%d answers of %d calls", samples, len(ops))
	}
}
