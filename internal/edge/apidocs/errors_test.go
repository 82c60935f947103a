package apidocs_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	spec "github.com/causeway-fund/causeway/api"
)

// statuses of the kinds, as package errs promises them.
var statuses = map[string]int{
	"Invalid": 422, "Malformed": 400, "Unauthenticated": 401, "Forbidden": 403, "NotFound": 404, "Conflict": 409, "TooLarge": 413,
	"Precondition": 428, "RateLimited": 429, "Unavailable": 503, "Internal": 500,
}

// refusals reads from the source which codes there are, and with which statuses: from each
// kind of package errs that stands before a code, in the packages that the API is made of.
func refusals(t *testing.T) map[string][]int {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=Dir,Standard,Module,GoFiles",
		"../api", "../server", "../../store/postgres").Output()
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			Dir      string
			Standard bool
			Module   *struct{ Main bool }
			GoFiles  []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if p.Standard || p.Module == nil || !p.Module.Main {
			continue
		}
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
	}
	all := map[string]string{}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.ValueSpec); ok && len(s.Names) == len(s.Values) {
				for i, name := range s.Names {
					if text, ok := literal(s.Values[i], names{}); ok {
						all[f.Name.Name+"."+name.Name] = text
					}
				}
			}
			return true
		})
	}
	found := map[string][]int{}
	for _, f := range files {
		constants := names{f.Name.Name, all}
		ast.Inspect(f, func(n ast.Node) bool {
			// A table of errors has them as literals.
			var args []ast.Expr
			switch n := n.(type) {
			case *ast.CallExpr:
				args = n.Args
			case *ast.CompositeLit:
				args = n.Elts
			}
			if code, status := spelled(n, constants); code != "" {
				found[code] = append(found[code], status)
			}
			for i, arg := range args[:max(0, len(args)-1)] {
				kind, ok := arg.(*ast.SelectorExpr)
				if !ok || statuses[kind.Sel.Name] == 0 {
					continue
				}
				if pkg, ok := kind.X.(*ast.Ident); !ok || pkg.Name != "errs" {
					continue
				}
				code, known := literal(args[i+1], constants)
				if !known || strings.Contains(code, " ") {
					continue // a message, of a table with the codes as its keys
				}
				found[code] = append(found[code], statuses[kind.Sel.Name])
			}
			return true
		})
	}
	return found
}

// byHelper are functions that choose the kind for their callers.
var byHelper = map[string]int{
	"later": http.StatusTooManyRequests, "RaiseRefused": http.StatusConflict, "refuse": http.StatusConflict,
	"broken": http.StatusUnprocessableEntity, "refusal": http.StatusUnprocessableEntity, "fail": http.StatusUnprocessableEntity,
}

// spelled returns the code of an errs.Error that names its fields, or of a call of a helper.
func spelled(n ast.Node, constants names) (code string, status int) {
	switch n := n.(type) {
	case *ast.CallExpr:
		name := n.Fun
		if sel, ok := name.(*ast.SelectorExpr); ok {
			name = sel.Sel
		}
		if id, ok := name.(*ast.Ident); ok && byHelper[id.Name] != 0 && len(n.Args) > 0 {
			code, _ = literal(n.Args[0], constants)
			if strings.Contains(code, " ") {
				code = "" // a helper of the same name that takes a message
			}
			return code, byHelper[id.Name]
		}
	case *ast.CompositeLit:
		for _, e := range n.Elts {
			pair, ok := e.(*ast.KeyValueExpr)
			if !ok {
				continue
			}
			switch key, _ := pair.Key.(*ast.Ident); {
			case key == nil:
			case key.Name == "Code":
				code, _ = literal(pair.Value, constants)
			case key.Name == "Kind":
				if sel, ok := pair.Value.(*ast.SelectorExpr); ok {
					status = statuses[sel.Sel.Name]
				}
			}
		}
	}
	if status == 0 {
		return "", 0
	}
	return code, status
}

// names are constants by package and name, and the package that is being read.
type names struct {
	pkg string
	all map[string]string
}

// literal returns the text of a string, of strings that are added, or of a constant.
func literal(e ast.Expr, constants names) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		left, ok := literal(e.X, constants)
		right, also := literal(e.Y, constants)
		return left + right, ok && also
	case *ast.Ident:
		text, ok := constants.all[constants.pkg+"."+e.Name]
		return text, ok
	case *ast.SelectorExpr:
		pkg, ok := e.X.(*ast.Ident)
		if !ok {
			return "", false
		}
		text, ok := constants.all[pkg.Name+"."+e.Sel.Name]
		return text, ok
	}
	return "", false
}

// elsewhere are codes that no call of the API answers with: of programs as they start, of
// commands on the server, of files that causewayctl verifies, of pages.
var elsewhere = strings.Fields(`signer_down signer_refused bundle_malformed certificate_refused bad_certificate bad_note bad_proof bad_checksum bad_descriptor bad_seed checkpoint_refused duplicate_key database_url
	database_unwritable blocklist_refused blocklists_gone blocklists_unreadable form_token gate_not_looked journal_unwritable key_file_full key_file_malformed
	key_file_missing key_file_mode key_file_owner key_file_unwritable key_in_use lease_lost limit_out_of_range login_links_off migration_failed network_unbound no_fund
	passkey_refused place_file_refused place_file_unread role_prefix role_prefix_kept roles_missing roles_taken schema_version signer_socket_missing
	snapshot_form snapshot_wrong store_reentered trusted_proxy unknown_kind unknown_network unknown_role wrong_network malformed_form pinned job_unknown wrong_head wrong_key
	approval_bad_envelope approval_other_note approval_other_person approval_unknown_key charter_other_treasury halt_bars_many
	trustees_lacking period_paid_before limit_decision period_over period_unknown charter_expired approval_long approval_over decision_replaced
	decision_not_accepted period_early decision_replaces_released treasurers_lacking charter_behind halted halt_unsigned halt_lifted
	halt_barred charter_missing stewards_lacking webauthn_key note_too_long fee_above_signer_cap fee_below_signer_floor too_large_for_signer
	outside_window fee_above_decision_cap journal_rolled_back until_passed
	halt_lifts_nothing halt_order halt_reason note_malformed webauthn_client_data webauthn_origin webauthn_too_long`)

func TestEveryErrorCodeIsExplained(t *testing.T) {
	t.Parallel()
	var explained map[string]struct {
		Status  int
		Meaning string
	}
	if err := yaml.Unmarshal(spec.Errors(), &explained); err != nil {
		t.Fatal(err)
	}
	made, p := refusals(t), read(t)
	if len(made) < 100 {
		t.Fatalf("only %d codes in the source", len(made))
	}
	for code, places := range made {
		if slices.Contains(elsewhere, code) {
			continue
		}
		var possible []int
		for _, status := range places {
			if status != http.StatusInternalServerError {
				possible = append(possible, status)
			}
		}
		// Statuses that HTTP has for what is malformed in a way of its own.
		switch code {
		case "method_not_allowed":
			possible = []int{http.StatusMethodNotAllowed}
		case "unsupported_media_type":
			possible = []int{http.StatusUnsupportedMediaType}
		}
		if len(possible) > 0 && !slices.Contains(possible, explained[code].Status) {
			t.Errorf("%s: status %d, and the source has %v", code, explained[code].Status, possible)
		}
	}
	for code, e := range explained {
		if made[code] == nil && code != "invalid_fields" && code != "token_unknown" { // of a table
			t.Errorf("nothing refuses with %s", code)
		}
		if len(e.Meaning) < 20 || !strings.HasSuffix(e.Meaning, ".") {
			t.Errorf("%s: %q is no sentence", code, e.Meaning)
		}
		if !strings.Contains(p.Errors, code) {
			t.Errorf("the page lacks %s", code)
		}
	}
}
