package main

import (
	"cmp"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"maps"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

const (
	errsPath  = module + "internal/errs"
	storePath = module + "internal/store/postgres"
	sqlPath   = storePath + "/db"
)

// writes finds the table that a statement writes, and that of a COPY, which stands alone.
var writes = regexp.MustCompile(`(?i)\b(insert|update)\s+(?:into\s+)?(\w+)|^(\w+)$`)

// part is what a function, or the value of a variable of a package, does as far as codes go: which codes it
// refuses with, and what else of ours it names. What it names it may call: a function that it passes on, too.
type part struct {
	codes  map[string]bool
	names  map[types.Object]bool
	tables map[string]bool // of the database, that its SQL writes: "insert batch", "update batch"
}

// program is all functions of the module.
type program struct {
	parts map[types.Object]*part
	types []*types.Named // that may stand behind an interface
	impls map[*types.Func][]types.Object

	constraints map[string]string // the code of each constraint of the database that has one
}

func newProgram(pkgs []*packages.Package) *program {
	p := &program{
		parts:       map[types.Object]*part{},
		impls:       map[*types.Func][]types.Object{},
		constraints: map[string]string{},
	}
	for _, pkg := range pkgs {
		for _, file := range pkg.Syntax {
			for _, d := range file.Decls {
				p.declare(pkg, d)
			}
		}
		scope := pkg.Types.Scope()
		for _, name := range scope.Names() {
			if tn, ok := scope.Lookup(name).(*types.TypeName); ok && !tn.IsAlias() {
				if named, ok := tn.Type().(*types.Named); ok && named.TypeParams().Len() == 0 &&
					!types.IsInterface(named) {
					p.types = append(p.types, named)
				}
			}
		}
	}
	return p
}

func (p *program) declare(pkg *packages.Package, d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Body != nil {
			p.parts[pkg.TypesInfo.Defs[d.Name]] = look(pkg, d.Body)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			spec, ok := s.(*ast.ValueSpec)
			if !ok || d.Tok != token.VAR {
				continue
			}
			for i, name := range spec.Names {
				if pkg.PkgPath == storePath && name.Name == "refusals" {
					p.constrain(pkg, spec.Values[i])
				} else if i < len(spec.Values) {
					p.parts[pkg.TypesInfo.Defs[name]] = look(pkg, spec.Values[i])
				}
			}
		}
	}
}

// constrain takes the store's table of constraints that have a meaning. Whoever writes anything names all of
// it, and breaks those of the tables that it writes.
func (p *program) constrain(pkg *packages.Package, table ast.Expr) {
	ast.Inspect(table, func(n ast.Node) bool {
		pair, ok := n.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		if name := pkg.TypesInfo.Types[pair.Key].Value; name != nil {
			for code := range look(pkg, pair.Value).codes {
				p.constraints[constant.StringVal(name)] = code
			}
		}
		return false
	})
}

// look takes the codes and names of a piece of code. A code that is compared, and one of a field, refuses nothing.
func look(pkg *packages.Package, code ast.Node) *part {
	out := &part{codes: map[string]bool{}, names: map[types.Object]bool{}, tables: map[string]bool{}}
	ast.Inspect(code, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			return n.Op != token.EQL && n.Op != token.NEQ || !isCode(pkg, n.X)
		case *ast.CaseClause:
			for _, s := range n.Body {
				out.add(look(pkg, s))
			}
			for _, e := range n.List {
				if !isCode(pkg, e) {
					out.add(look(pkg, e))
				}
			}
			return false
		case *ast.CompositeLit:
			if t := pkg.TypesInfo.TypeOf(n); t != nil && t.String() == errsPath+".Field" {
				return false
			}
		case *ast.CallExpr:
			if f := called(pkg, n); f != nil && f.Pkg() != nil && f.Pkg().Path() == errsPath && f.Name() == "Is" {
				return false
			}
		case *ast.BasicLit:
			out.sql(pkg, n)
		case *ast.Ident:
			out.take(pkg.TypesInfo.Uses[n])
			out.sql(pkg, n)
		}
		return true
	})
	return out
}

func (o *part) add(more *part) {
	maps.Copy(o.codes, more.codes)
	maps.Copy(o.names, more.names)
	maps.Copy(o.tables, more.tables)
}

// sql takes the tables that a text of package db writes.
func (o *part) sql(pkg *packages.Package, e ast.Expr) {
	v := pkg.TypesInfo.Types[e].Value
	if id, ok := e.(*ast.Ident); ok {
		if c, ok := pkg.TypesInfo.Uses[id].(*types.Const); ok {
			v = c.Val()
		}
	}
	if pkg.PkgPath != sqlPath || v == nil || v.Kind() != constant.String {
		return
	}
	for _, found := range writes.FindAllStringSubmatch(constant.StringVal(v), -1) {
		o.tables[strings.ToLower(cmp.Or(found[1], "insert"))+" "+found[2]+found[3]] = true
	}
}

func (o *part) take(used types.Object) {
	switch used := used.(type) {
	case *types.Const:
		if used.Type().String() == codeType {
			o.codes[constant.StringVal(used.Val())] = true
		}
	case *types.Func:
		o.names[used.Origin()] = true
	case *types.Var:
		if used.Pkg() != nil && used.Parent() == used.Pkg().Scope() {
			o.names[used] = true
		}
	}
}

func isCode(pkg *packages.Package, e ast.Expr) bool {
	t := pkg.TypesInfo.TypeOf(e)
	return t != nil && t.String() == codeType
}

func called(pkg *packages.Package, call *ast.CallExpr) *types.Func {
	if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
		f, _ := pkg.TypesInfo.Uses[sel.Sel].(*types.Func)
		return f
	}
	return nil
}

// behind returns the methods that a method of an interface may be.
func (p *program) behind(f *types.Func) []types.Object {
	recv := f.Signature().Recv()
	if recv == nil {
		return nil
	}
	iface, ok := recv.Type().Underlying().(*types.Interface)
	if !ok || f.Pkg() == nil || !strings.HasPrefix(f.Pkg().Path(), strings.TrimSuffix(module, "/")) {
		return nil
	}
	if known, ok := p.impls[f]; ok {
		return known
	}
	var out []types.Object
	for _, t := range p.types {
		pointer := types.NewPointer(t)
		if !types.Implements(pointer, iface) {
			continue
		}
		if m, _, _ := types.LookupFieldOrMethod(pointer, true, f.Pkg(), f.Name()); m != nil {
			out = append(out, m)
		}
	}
	p.impls[f] = out
	return out
}

// reach returns the codes that code beginning with these functions may refuse with.
func (p *program) reach(from ...types.Object) []string {
	codes, tables, seen := map[string]bool{}, map[string]bool{}, map[types.Object]bool{}
	for todo := from; len(todo) > 0; {
		next := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[next] {
			continue
		}
		seen[next] = true
		if f, ok := next.(*types.Func); ok {
			todo = append(todo, p.behind(f)...)
		}
		if own := p.parts[next]; own != nil {
			maps.Copy(codes, own.codes)
			maps.Copy(tables, own.tables)
			todo = slices.AppendSeq(todo, maps.Keys(own.names))
		}
	}
	for constraint, code := range p.constraints {
		table := p.tableOf(constraint)
		// What is unique is broken by new rows, and the edge of a state by those that change.
		edge := strings.HasSuffix(constraint, "_edge")
		if tables["insert "+table] && !edge || tables["update "+table] && edge {
			codes[code] = true
		}
	}
	return slices.Sorted(maps.Keys(codes))
}

// tableOf returns the table of a constraint: the longest whose name it begins with.
func (p *program) tableOf(constraint string) string {
	longest := ""
	for _, part := range p.parts {
		for written := range part.tables {
			_, table, _ := strings.Cut(written, " ")
			if strings.HasPrefix(constraint, table+"_") && len(table) > len(longest) {
				longest = table
			}
		}
	}
	return longest
}
