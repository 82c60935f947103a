package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree writes a module that has package errs and a service with this source.
func tree(t *testing.T, source string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":                          "module " + strings.TrimSuffix(module, "/") + "\n\ngo 1.26\n",
		"internal/errs/errs.go":           "package errs\n\ntype Code string\n\nfunc New(code Code) Code { return code }\n",
		"internal/store/postgres/one.go":  "package postgres\n\nimport \"" + module + "internal/errs\"\n\n" + source,
		"internal/programs/ctl/nobody.go": "package ctl\n\nimport \"" + module + "internal/errs\"\n\n// CodeLocal: Only a program says this.\nconst CodeLocal errs.Code = \"local\"\n",
	} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestCodesAreDeclaredOnceWithAMeaning(t *testing.T) {
	t.Parallel()
	const good = "// CodeGone: The thing is gone.\nconst CodeGone errs.Code = \"gone\"\n"
	for name, tc := range map[string]struct{ source, fault string }{
		"good":        {good, ""},
		"no comment":  {"const CodeGone errs.Code = \"gone\"\n", "needs a comment"},
		"no sentence": {"// CodeGone\nconst CodeGone errs.Code = \"gone\"\n", "needs a comment"},
		"written out": {good + "\nvar _ = errs.New(\"gone\")\n", "is written out here"},
		"in a field":  {good + "\nvar _ = struct{ Code errs.Code }{Code: \"gone\"}\n", "is written out here"},
		"twice":       {"// CodeLocal: It is here too.\nconst CodeLocal errs.Code = \"local\"\n", "is declared in"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := tree(t, tc.source)
			err := run(root, false)
			switch {
			case tc.fault == "" && err != nil:
				t.Fatal(err)
			case tc.fault != "" && (err == nil || !strings.Contains(err.Error(), tc.fault)):
				t.Fatalf("got %v, want a fault with %q", err, tc.fault)
			}
		})
	}
}
