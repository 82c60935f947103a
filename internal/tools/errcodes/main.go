package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"os"
	"strings"

	"golang.org/x/tools/go/packages"
)

const (
	module   = "github.com/causeway-fund/causeway/"
	codeType = module + "internal/errs.Code"
)

const loads = packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo |
	packages.NeedImports | packages.NeedDeps

func main() {
	write := flag.Bool("w", false, "write x-errors of each call into api/spec")
	flag.Parse()
	code := 0
	if err := run(cmp.Or(flag.Arg(0), "."), *write); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(root string, write bool) error {
	pkgs, err := packages.Load(&packages.Config{Mode: loads, Dir: root}, "./...")
	if err != nil {
		return fmt.Errorf("load packages: %w", err)
	}
	if packages.PrintErrors(pkgs) > 0 {
		return errors.New("packages do not compile")
	}
	found := codes{places: map[string]string{}}
	for _, p := range pkgs {
		for _, f := range p.Syntax {
			found.declared(p, f)
			found.written(p, f)
		}
	}
	faults, err := operations(pkgs, root, write)
	if err != nil {
		return fmt.Errorf("errors of calls: %w", err)
	}
	found.faults = append(found.faults, faults...)
	if len(found.faults) > 0 {
		return errors.New(strings.Join(found.faults, "\n"))
	}
	return nil
}

// codes is what was found in the packages.
type codes struct {
	places map[string]string // the package of each code
	faults []string
}

func (c *codes) fault(p *packages.Package, at token.Pos, format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf("%s: %s", p.Fset.Position(at), fmt.Sprintf(format, args...)))
}

// declared takes the constants of a file.
func (c *codes) declared(p *packages.Package, f *ast.File) {
	for _, d := range f.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, s := range group.Specs {
			spec, ok := s.(*ast.ValueSpec)
			if !ok {
				continue
			}
			for _, name := range spec.Names {
				v, ok := p.TypesInfo.Defs[name].(*types.Const)
				if !ok || v.Type().String() != codeType {
					continue
				}
				code := constant.StringVal(v.Val())
				if meaningOf(name.Name, group, spec) == "" {
					c.fault(
						p,
						name.Pos(),
						"%s needs a comment that says what %q means: // %s: A sentence.",
						name.Name,
						code,
						name.Name,
					)
				}
				if other, twice := c.places[code]; twice {
					c.fault(
						p,
						name.Pos(),
						"%q is declared in %s too; declare it once, in package errs if need be",
						code,
						other,
					)
				}
				c.places[code] = p.PkgPath
			}
		}
	}
}

// meaningOf is the sentence of a constant's comment, without its name.
func meaningOf(name string, group *ast.GenDecl, spec *ast.ValueSpec) string {
	text := spec.Doc.Text()
	if text == "" && !group.Lparen.IsValid() {
		text = group.Doc.Text()
	}
	text = strings.TrimPrefix(strings.Join(strings.Fields(text), " "), name+": ")
	if text == "" || !strings.HasSuffix(text, ".") {
		return ""
	}
	return text
}

// written finds codes that are written out where they are used.
func (c *codes) written(p *packages.Package, f *ast.File) {
	ast.Inspect(f, func(n ast.Node) bool {
		if group, ok := n.(*ast.GenDecl); ok && group.Tok == token.CONST {
			return false
		}
		lit, ok := n.(*ast.BasicLit)
		if !ok || lit.Value == `""` {
			return true
		}
		if t := p.TypesInfo.TypeOf(lit); t != nil && t.String() == codeType {
			c.fault(p, lit.Pos(), "the code %s is written out here; use its constant", lit.Value)
		}
		return true
	})
}
