package main

import (
	"errors"
	"fmt"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"golang.org/x/tools/go/packages"
)

const (
	handlersPath = module + "internal/edge/api"
	edgePath     = module + "internal/edge/server"
)

// operation is as much of a call in the document as decides what it can refuse.
type operation struct {
	ID          string   `yaml:"operationId"`
	Errors      []string `yaml:"x-errors"`
	Security    *[]map[string]yaml.Node
	Parameters  []parameter
	RequestBody struct {
		Content map[string]struct {
			Schema struct {
				Ref string `yaml:"$ref"`
			}
		}
	} `yaml:"requestBody"`
}

type parameter struct {
	Ref string `yaml:"$ref"`
}

type document struct {
	Paths      map[string]map[string]yaml.Node
	Components struct {
		Responses map[string]struct {
			Errors []string `yaml:"x-errors"`
		}
		Schemas map[string]struct {
			Properties map[string]yaml.Node
		}
	}
}

// ofPSBT is said of a PSBT that somebody sends. The fund reads its own with the same functions, and one that it
// could not read would be a fault of its own.
var ofPSBT = strings.Fields(`bad_prev_tx bad_psbt bad_sighash bad_signature foreign_input missing_prev_tx prev_tx_inside
	prev_tx_mismatch prev_tx_twice prev_txs_too_large psbt_changed unexpected_prev_tx unknown_script`)

// can reports whether a call takes what a code is about. Code that several calls share also reads what the fund
// stored: its own digests, the pages that it walks through, the receipt behind a key.
func (o operation) can(doc document, code string) bool {
	has := func(body string) bool { _, ok := o.RequestBody.Content[body]; return ok }
	switch {
	case slices.Contains(ofPSBT, code):
		return has("application/octet-stream")
	case strings.HasPrefix(code, "receipt_"):
		return o.Security != nil && len(*o.Security) > 0 && len((*o.Security)[0]) > 0 &&
			(*o.Security)[0]["receipt"].Kind != 0
	case code == "charter_unknown":
		return true
	case strings.HasPrefix(code, "charter_"), strings.HasPrefix(code, "sshsig_"), code == "note_other_fund":
		return has("application/json") // who reads gets stored charters that do not hold left out, and no error
	case code == "token_unknown": // one of a table that everything about sign-in shares
		return o.ID == "getToken" || o.ID == "revokeToken"
	case code == "bad_cursor":
		return slices.ContainsFunc(o.Parameters, func(p parameter) bool { return strings.HasSuffix(p.Ref, "/Cursor") })
	case code == "bad_digest":
		for name := range doc.Components.Schemas[filepath.Base(o.RequestBody.Content["application/json"].Schema.Ref)].Properties {
			if strings.HasSuffix(name, "digest") {
				return true
			}
		}
		return false
	}
	return true
}

// operations holds what the document says of the errors of its calls against the source.
func operations(pkgs []*packages.Package, root string, write bool) ([]string, error) {
	var doc document
	var known map[string]yaml.Node
	for name, into := range map[string]any{"openapi.yaml": &doc, "errors.yaml": &known} {
		text, err := os.ReadFile(filepath.Join(root, "api", name))
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil // a tree of a test, without an API
		}
		if err != nil {
			return nil, err
		}
		if err := yaml.Unmarshal(text, into); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	calls, err := doc.calls()
	if err != nil {
		return nil, err
	}
	program := newProgram(pkgs)
	reached := map[string][]string{}
	shared := map[string]int{}
	for _, op := range calls {
		handler := method(pkgs, strings.ToUpper(op.ID[:1])+op.ID[1:])
		if handler == nil {
			return nil, fmt.Errorf("no handler of %s", op.ID)
		}
		for _, code := range program.reach(handler) {
			if _, ok := known[code]; ok && op.can(doc, code) {
				reached[op.ID] = append(reached[op.ID], code)
				shared[code]++
			}
		}
	}
	general := program.general(pkgs, known, shared, len(calls))
	var faults []string
	if write {
		return nil, writeErrors(root, calls, reached, general)
	}
	if got := doc.Components.Responses["Problem"].Errors; !slices.Equal(got, general) {
		faults = append(
			faults,
			fmt.Sprintf("api/spec: x-errors of any call should be %v, not %v; errcodes -w writes it", general, got),
		)
	}
	for _, op := range calls {
		if want := without(reached[op.ID], general); !slices.Equal(op.Errors, want) {
			faults = append(
				faults,
				fmt.Sprintf(
					"api/spec: x-errors of %s should be %v, not %v; errcodes -w writes it",
					op.ID,
					want,
					op.Errors,
				),
			)
		}
	}
	return faults, nil
}

func (d document) calls() ([]operation, error) {
	var out []operation
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for name, node := range d.Paths[path] {
			if name == "parameters" {
				continue
			}
			var op operation
			if err := node.Decode(&op); err != nil {
				return nil, fmt.Errorf("%s %s: %w", name, path, err)
			}
			out = append(out, op)
		}
	}
	slices.SortFunc(out, func(a, b operation) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// general returns the codes of any call: those of the edge in front of all, and those that half of the calls share,
// such as that the database is down.
func (p *program) general(
	pkgs []*packages.Package,
	known map[string]yaml.Node,
	shared map[string]int,
	calls int,
) []string {
	edge := map[string]bool{}
	for _, pkg := range pkgs {
		if pkg.PkgPath != edgePath {
			continue
		}
		for _, file := range pkg.Syntax {
			for code := range look(pkg, file).codes {
				edge[code] = true
			}
		}
	}
	var out []string
	for _, code := range slices.Sorted(maps.Keys(known)) {
		if edge[code] || shared[code]*2 > calls {
			out = append(out, code)
		}
	}
	return out
}

func without(codes, these []string) []string {
	var out []string
	for _, code := range codes {
		if !slices.Contains(these, code) {
			out = append(out, code)
		}
	}
	return out
}

func method(pkgs []*packages.Package, name string) types.Object {
	for _, pkg := range pkgs {
		if pkg.PkgPath != handlersPath {
			continue
		}
		if t := pkg.Types.Scope().Lookup("Handlers"); t != nil {
			found, _, _ := types.LookupFieldOrMethod(types.NewPointer(t.Type()), true, pkg.Types, name)
			return found
		}
	}
	return nil
}

// writeErrors puts x-errors behind x-permission of each call, and those of any call into its answer.
func writeErrors(root string, calls []operation, reached map[string][]string, general []string) error {
	files, err := filepath.Glob(filepath.Join(root, "api", "spec", "paths", "*.yaml"))
	if err != nil {
		return err
	}
	files = append(files, filepath.Join(root, "api", "spec", "components.yaml"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		out := string(text)
		for _, op := range calls {
			head := `(?m)^(      operationId: ` + op.ID + `\n(?:      .*\n)*?      x-permission: .*\n)(?:      x-errors: \[[^\]]*\]\n)?`
			out = regexp.MustCompile(
				head,
			).ReplaceAllString(
				out,
				"${1}"+list("      ", without(reached[op.ID], general)),
			)
		}
		out = regexp.MustCompile(
			`(?m)^(    Problem:\n)(?:      x-errors: \[[^\]]*\]\n)?`,
		).ReplaceAllString(
			out,
			"${1}"+list("      ", general),
		)
		if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// list is x-errors in YAML, no line longer than the others of a spec; empty without codes.
func list(indent string, codes []string) string {
	if len(codes) == 0 {
		return ""
	}
	const width = 118
	if one := indent + "x-errors: [" + strings.Join(codes, ", ") + "]"; len(one) <= width {
		return one + "\n"
	}
	lines := []string{indent + "x-errors: ["}
	for i, code := range codes {
		if i < len(codes)-1 {
			code += ","
		}
		last := lines[len(lines)-1]
		switch {
		case len(lines) > 1 && len(last)+1+len(code) <= width:
			lines[len(lines)-1] = last + " " + code
		default:
			lines = append(lines, indent+"  "+code)
		}
	}
	return strings.Join(append(lines, indent+"]"), "\n") + "\n"
}
