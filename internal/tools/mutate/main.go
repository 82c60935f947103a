package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// mutant is one rule that is taken out.
type mutant struct {
	Name string // what is taken out, in words
	File string // from the top of the repository
	Old  string // stands in the file once
	New  string
	Test string // regular expression of -run; all that match are in the file's package unless Package is set
	Pkg  string `yaml:"package"` // of the test, from the top; empty: the file's own
}

func main() {
	only := flag.String("only", "", "run the mutants whose name holds this")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, cmp.Or(flag.Arg(0), "../.."), *only)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, root, only string) error {
	text, err := os.ReadFile(filepath.Join(root, "internal/tools/mutate/mutants.yaml"))
	if err != nil {
		return fmt.Errorf("read the list of mutants: %w", err)
	}
	var all []mutant
	if err := yaml.Unmarshal(text, &all); err != nil {
		return fmt.Errorf("read the list of mutants: %w", err)
	}
	var failed []string
	tried := 0
	for _, m := range all {
		if !strings.Contains(m.Name, only) {
			continue
		}
		tried++
		if err := m.try(ctx, root); err != nil {
			failed = append(failed, fmt.Sprintf("%s: %v", m.Name, err))
			fmt.Fprintf(out, "MISSED %s: %v\n", m.Name, err)
			continue
		}
		fmt.Fprintf(out, "caught %s, by %s\n", m.Name, m.Test)
	}
	fmt.Fprintf(out, "%d of %d caught\n", tried-len(failed), tried)
	if tried == 0 {
		return errors.New("no mutant has such a name")
	}
	if len(failed) > 0 {
		return fmt.Errorf("%d mutants were missed:\n%s", len(failed), strings.Join(failed, "\n"))
	}
	return nil
}

// try returns nil when the mutant's test notices it.
func (m mutant) try(ctx context.Context, root string) error {
	overlay, err := m.overlay(root)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(filepath.Dir(overlay)) }() // a folder for temporary files
	pkg := "./" + cmp.Or(m.Pkg, filepath.Dir(m.File))
	//nolint:gosec // what is run stands in a file of the repository
	cmd := exec.CommandContext(
		ctx,
		"go",
		"test",
		"-vet=off",
		"-count=1",
		"-json",
		"-overlay",
		overlay,
		"-run",
		m.Test,
		pkg,
	)
	cmd.Dir = root
	said, err := cmd.Output()
	if err == nil {
		return errors.New("no test notices that it is gone")
	}
	if !testFailed(said) {
		return fmt.Errorf("it does not compile, or no test ran: %s", last(said))
	}
	return nil
}

// overlay writes the changed file, and the list that names it to the compiler.
func (m mutant) overlay(root string) (string, error) {
	path, err := filepath.Abs(filepath.Join(root, m.File))
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(text), m.Old); n != 1 {
		return "", fmt.Errorf("the text that is taken out stands %d times in %s, not once", n, m.File)
	}
	dir, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return "", err
	}
	changed := filepath.Join(dir, filepath.Base(path))
	list, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "overlay.json")
	return name, errors.Join(
		os.WriteFile(changed, []byte(strings.Replace(string(text), m.Old, m.New, 1)), 0o600),
		os.WriteFile(name, list, 0o600),
	)
}

// testFailed reports whether a test ran and failed, and it was not the build.
func testFailed(said []byte) bool {
	for line := range strings.Lines(string(said)) {
		var event struct{ Action, Test string }
		if json.Unmarshal([]byte(line), &event) == nil && event.Action == "fail" && event.Test != "" {
			return true
		}
	}
	return false
}

func last(said []byte) string {
	lines := strings.Split(strings.TrimSpace(string(said)), "\n")
	return lines[len(lines)-1]
}
