package ctl_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/spf13/cobra"

	spec "github.com/causeway-fund/causeway/api"
	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/programs/ctl"
)

const (
	tokenValue   = "cw_token"
	sessionValue = "session-value"
	receiptValue = "AAAAA-BBBBB-CCCCC-DDDDD-EEEEEE"
)

// sent is a call that the fund got.
type sent struct {
	operation string
	header    http.Header
	query     map[string][]string
	body      []byte
}

// answer is what an operation says. A zero status is the operation's own.
type answer struct {
	status int
	doc    any
	lose   bool   // take the call and close the connection
	plain  string // text/html instead of a document
	raw    []byte // instead of a document: a file of this kind
	kind   string
}

// fund is a server that answers with documents. It holds calls and answers
// against the API's document, and every call against what that may carry.
type fund struct {
	t       *testing.T
	url     string
	router  routers.Router
	mu      sync.Mutex
	calls   []sent
	answers map[string]func(sent) answer
}

// document is the API's, read once.
var document = sync.OnceValues(func() (*openapi3.T, error) { return openapi3.NewLoader().LoadFromData(spec.Document()) })

// newFund returns a fund that answers each operation as samples says.
func newFund(t *testing.T) *fund {
	t.Helper()
	doc, err := document()
	if err != nil {
		t.Fatal(err)
	}
	f := &fund{t: t, answers: samples()}
	if f.router, err = gorillamux.NewRouter(doc); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

// on makes an operation answer with doc.
func (f *fund) on(operation string, doc any) {
	f.answers[operation] = func(sent) answer { return answer{doc: doc} }
}

// refuse makes an operation answer with a problem.
func (f *fund) refuse(operation string, status int, problem client.Problem) {
	f.answers[operation] = func(sent) answer { return answer{status: status, doc: problem} }
}

// sentTo returns the calls of an operation.
func (f *fund) sentTo(operation string) []sent {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []sent
	for _, s := range f.calls {
		if s.operation == operation {
			out = append(out, s)
		}
	}
	return out
}

func (f *fund) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	route, params, err := f.router.FindRoute(r)
	if err != nil {
		f.t.Errorf("%s %s is not in the document: %v", r.Method, r.URL, err)
		return
	}
	options := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true}
	input := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: options}
	if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
		f.t.Errorf("%s breaks the document: %v", route.Operation.OperationID, err)
	}
	f.checkSecrets(route, r)

	call := sent{operation: route.Operation.OperationID, header: r.Header, query: r.URL.Query(), body: body}
	f.mu.Lock()
	f.calls = append(f.calls, call)
	f.mu.Unlock()
	reply := f.answers[call.operation]
	if reply == nil {
		f.t.Errorf("nobody said what %s answers", call.operation)
		return
	}
	a := reply(call)
	switch {
	case a.lose:
		panic(http.ErrAbortHandler)
	case a.plain != "":
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, a.plain)
		return
	case a.status == 0:
		a.status = success(route)
	}
	f.write(w, input, a)
}

func (f *fund) write(w http.ResponseWriter, input *openapi3filter.RequestValidationInput, a answer) {
	var text []byte
	if a.doc != nil {
		var err error
		if text, err = json.Marshal(a.doc); err != nil {
			f.t.Errorf("write answer: %v", err)
		}
		kind := "application/json"
		if a.status >= http.StatusBadRequest {
			kind = "application/problem+json"
		}
		w.Header().Set("Content-Type", kind)
	}
	if a.raw != nil {
		text = a.raw
		w.Header().Set("Content-Type", a.kind)
		w.Header().Set("Content-Disposition", `attachment; filename="x"`)
	}
	check := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: a.status, Header: w.Header(), Options: input.Options, Body: io.NopCloser(bytes.NewReader(text)),
	}
	if err := openapi3filter.ValidateResponse(context.Background(), check); err != nil {
		f.t.Errorf("the test's own answer to %s breaks the document: %v", input.Route.Operation.OperationID, err)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(text)
}

// checkSecrets holds a call against the operation's security: the right secret,
// and no other.
func (f *fund) checkSecrets(route *routers.Route, r *http.Request) {
	cookie, _ := r.Cookie("causeway_session")
	has := map[string]bool{"token": r.Header.Get("Authorization") != "", "receipt": r.Header.Get("Causeway-Receipt") != "", "session": cookie != nil}
	may := map[string]bool{}
	needed := route.Spec.Security
	if route.Operation.Security != nil {
		needed = *route.Operation.Security
	}
	shown := 0
	for _, alternative := range needed {
		for scheme := range alternative {
			may[scheme] = true
		}
	}
	for scheme, yes := range has {
		if yes && !may[scheme] {
			f.t.Errorf("%s was sent a %s", route.Operation.OperationID, scheme)
		}
		if yes {
			shown++
		}
	}
	if len(needed) > 0 && shown != 1 {
		f.t.Errorf("%s was sent %d secrets, want 1", route.Operation.OperationID, shown)
	}
}

func success(route *routers.Route) int {
	for code := range route.Operation.Responses.Map() {
		if n, err := strconv.Atoi(code); err == nil && n < http.StatusMultipleChoices {
			return n
		}
	}
	return http.StatusOK
}

// outcome is what a run of the program left.
type outcome struct {
	code           int
	stdout, stderr string
}

// run runs causewayctl against f with the secrets in files, as its main does.
func (f *fund) run(stdin string, args ...string) outcome {
	f.t.Helper()
	return f.runContext(f.t.Context(), stdin, args...)
}

func (f *fund) runContext(ctx context.Context, stdin string, args ...string) outcome {
	f.t.Helper()
	dir := f.t.TempDir()
	all := []string{"--server", f.url}
	for flag, value := range map[string]string{"token-file": tokenValue, "receipt-file": receiptValue} {
		path := filepath.Join(dir, flag)
		if err := os.WriteFile(path, []byte(value+"\n"), 0o600); err != nil {
			f.t.Fatal(err)
		}
		all = append(all, "--"+flag, path)
	}
	return run(ctx, stdin, append(all, args...)...)
}

func run(ctx context.Context, stdin string, args ...string) outcome {
	fake := clock.NewFake(at)
	root := ctl.Root(ctl.Config{Clock: fake, Progress: cli.Silent(fake)})
	root.SilenceUsage, root.SilenceErrors = true, true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return cli.UsageError{Err: err} })
	var stdout, stderr bytes.Buffer
	root.SetIn(bytes.NewBufferString(stdin))
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil && ctx.Err() == nil {
		cli.WriteError(&stderr, root.Name(), err)
	}
	return outcome{code: cli.Code(err), stdout: stdout.String(), stderr: stderr.String()}
}

// want ends the test unless the run ended with code.
func (o outcome) want(t *testing.T, code int) outcome {
	t.Helper()
	if o.code != code {
		t.Fatalf("exit code %d, want %d\nstdout: %s\nstderr: %s", o.code, code, o.stdout, o.stderr)
	}
	return o
}

// tempFile writes text to a private file.
func tempFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var at = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
