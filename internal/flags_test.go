package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestErrorsNameFlagsThatExist reads every error that a program can write. One that
// says "choose another with --dir" helps only where there is a --dir: a flag that an
// error names is one of a program that links the package.
func TestErrorsNameFlagsThatExist(t *testing.T) {
	t.Parallel()
	flags := map[string][]string{}    // of a program
	linkedBy := map[string][]string{} // programs that link a package of ours
	files := map[string][]*ast.File{}
	for _, program := range append(slices.Clone(released), "causeway-demo") {
		for _, p := range goList(t, "-deps", "./cmd/"+program) {
			path, mine := ours(p.ImportPath)
			if !mine {
				continue
			}
			if files[path] == nil {
				files[path] = parsed(t, p)
			}
			linkedBy[path] = append(linkedBy[path], program)
			for _, file := range files[path] {
				flags[program] = append(flags[program], flagsMade(file)...)
			}
		}
		if len(flags[program]) < 4 {
			t.Errorf("%s seems to have %d flags", program, len(flags[program]))
		}
	}
	named := 0
	for path, list := range files {
		for _, file := range list {
			for _, flag := range flagsInErrors(file) {
				named++
				if !slices.Contains(notOurs, flag) && !slices.ContainsFunc(linkedBy[path], func(program string) bool { return slices.Contains(flags[program], flag) }) {
					t.Errorf("an error of %s names --%s, which no program that links it has (%s)", path, flag, strings.Join(linkedBy[path], ", "))
				}
			}
		}
	}
	if named < 20 {
		t.Errorf("only %d flags were found in errors", named)
	}
	// The same of a command in backquotes, in a comment or in words.
	handWritten(t, func(path string, text []byte) {
		if !strings.HasSuffix(path, ".go") {
			return
		}
		for _, command := range quoted.FindAllStringSubmatch(string(text), -1) {
			for _, found := range flagWord.FindAllStringSubmatch(command[2], -1) {
				if flag := found[1]; !slices.Contains(notOurs, flag) && !slices.Contains(flags[command[1]], flag) {
					t.Errorf("%s names `%s --%s`, which does not exist", path, command[1], flag)
				}
			}
		}
	})
}

func parsed(t *testing.T, p pkg) []*ast.File {
	t.Helper()
	files := make([]*ast.File, len(p.GoFiles))
	for i, name := range p.GoFiles {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files[i] = file
	}
	return files
}

var (
	makesFlag  = regexp.MustCompile(`^(\w*VarP?|amountFlag|feeRateFlag)$`) // f.StringVar(&x, "name", ...)
	makesError = regexp.MustCompile(`^(errs\.(New|Newf|Wrap)|fmt\.Errorf|errors\.New)$`)
	flagWord   = regexp.MustCompile(`(?:^|[^\w-])--([a-z][a-z0-9-]*[a-z0-9])(?:[^\w-]|$)`)
	quoted     = regexp.MustCompile("`(causeway[a-z-]*)( [^`\n]*)`")
)

// notOurs are flags that errors name and no code of ours makes: cobra's, and btcd's.
var notOurs = []string{"help", "version", "minrelaytxfee"}

// flagsMade returns the flags that a file defines: the first word among the arguments
// of a call that makes one.
func flagsMade(file *ast.File) (names []string) {
	calls(file, makesFlag, func(call *ast.CallExpr) {
		for _, arg := range call.Args {
			if lit, ok := arg.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				names = append(names, strings.Trim(lit.Value, `"`))
				return
			}
		}
	})
	return names
}

// flagsInErrors returns the flags that stand in the words of a file's errors.
func flagsInErrors(file *ast.File) (names []string) {
	calls(file, makesError, func(call *ast.CallExpr) {
		for _, arg := range call.Args {
			ast.Inspect(arg, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					text, err := strconv.Unquote(lit.Value)
					if err != nil {
						return false
					}
					for _, found := range flagWord.FindAllStringSubmatch(text, -1) {
						names = append(names, found[1])
					}
				}
				return true
			})
		}
	})
	return names
}

// calls gives f each call in a file of a function whose name, with the package or value
// before it or without, matches.
func calls(file *ast.File, name *regexp.Regexp, f func(*ast.CallExpr)) {
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		switch fn := call.Fun.(type) {
		case *ast.Ident:
			if name.MatchString(fn.Name) {
				f(call)
			}
		case *ast.SelectorExpr:
			before, _ := fn.X.(*ast.Ident)
			if name.MatchString(fn.Sel.Name) || before != nil && name.MatchString(before.Name+"."+fn.Sel.Name) {
				f(call)
			}
		}
		return true
	})
}
