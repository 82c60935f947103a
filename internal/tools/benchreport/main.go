package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("benchreport", flag.ContinueOnError)
	flags.SetOutput(stderr)
	dir := flags.String("in", ".", "folder of the module")
	bench := flags.String("bench", ".", "which benchmarks, as go test takes it")
	tags := flags.String("tags", "", "build tags")
	count := flags.Int("count", 1, "how often each benchmark is run")
	ratios := flags.String("ratios", "", "file that the ratios are written to, for benchstat")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	pattern, err := regexp.Compile(strings.SplitN(*bench, "/", 2)[0])
	if err != nil {
		fmt.Fprintln(stderr, "benchreport:", err)
		return 2
	}
	all, err := declared(ctx, *dir, *tags)
	if err != nil {
		fmt.Fprintln(stderr, "benchreport:", err)
		return 1
	}
	packages := flags.Args()
	if len(packages) == 0 {
		packages = []string{"./..."}
	}
	asked, err := list(ctx, *dir, *tags, packages...)
	if err != nil {
		fmt.Fprintln(stderr, "benchreport:", err)
		return 1
	}

	// Some take minutes by themselves, and a time-out would take the others along.
	//nolint:gosec // the caller's own
	cmd := exec.CommandContext(
		ctx,
		"go",
		append(
			[]string{
				"test",
				"-run",
				"^$",
				"-bench",
				*bench,
				"-benchmem",
				"-count",
				strconv.Itoa(*count),
				"-timeout",
				"0",
				"-tags",
				*tags,
			},
			packages...)...)
	cmd.Dir, cmd.Stderr = *dir, stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(stderr, "benchreport:", err)
		return 1
	}
	rep := read(io.TeeReader(out, stdout))
	code := 0
	if err := cmd.Wait(); err != nil {
		code = 1
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() > 0 {
			code = exit.ExitCode()
		}
	}
	if *ratios != "" {
		if err := writeRatios(*ratios, rep); err != nil {
			fmt.Fprintln(stderr, "benchreport:", err)
			return 1
		}
	}
	rep.table(stdout)
	if rep.leftOut(
		stdout,
		all,
		func(b benchmark) bool { return slices.Contains(asked, b.pkg) && pattern.MatchString(b.name) },
	) &&
		code == 0 {
		code = 1
	}
	return code
}

// benchmark is one function of the module.
type benchmark struct {
	pkg, name string
	built     bool // with the tags that were given, on this system
}

// list returns the import paths that patterns name.
func list(ctx context.Context, dir, tags string, patterns ...string) ([]string, error) {
	//nolint:gosec // the caller's own
	cmd := exec.CommandContext(
		ctx,
		"go",
		append([]string{"list", "-tags", tags}, patterns...)...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list packages: %w", err)
	}
	return strings.Fields(string(out)), nil
}

var function = regexp.MustCompile(`(?m)^func (Benchmark[A-Z]\w*)\(\w+ \*testing\.B\)`)

// declared finds every benchmark of the module, built or not.
func declared(ctx context.Context, dir, tags string) ([]benchmark, error) {
	const format = `{{$p := .}}{{range .TestGoFiles}}{{$p.ImportPath}} {{$p.Dir}}/{{.}} built
{{end}}{{range .XTestGoFiles}}{{$p.ImportPath}} {{$p.Dir}}/{{.}} built
{{end}}{{range .IgnoredGoFiles}}{{$p.ImportPath}} {{$p.Dir}}/{{.}} left
{{end}}`
	//nolint:gosec // the caller's own
	cmd := exec.CommandContext(
		ctx,
		"go",
		"list",
		"-tags",
		tags,
		"-f",
		format,
		"./...",
	)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list test files: %w", err)
	}
	var all []benchmark
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) != 3 || !strings.HasSuffix(fields[1], "_test.go") {
			continue
		}
		text, err := os.ReadFile(fields[1])
		if err != nil {
			return nil, err
		}
		for _, found := range function.FindAllSubmatch(text, -1) {
			all = append(all, benchmark{pkg: fields[0], name: string(found[1]), built: fields[2] == "built"})
		}
	}
	return all, nil
}

// report is what a run of benchmarks said.
type report struct {
	results []result
	began   map[string]bool // "package name" of what gave a result
}

// result is one line of figures.
type result struct{ pkg, name, figures string }

var (
	packageLine = regexp.MustCompile(`^pkg: (\S+)$`)
	nameLine    = regexp.MustCompile(`^(Benchmark\S+)\s(.*)$`)
	figures     = regexp.MustCompile(
		`^\s*\d+\t\s*(-?[\d.]+ \S.*)$`,
	) // on a line of its own when the benchmark itself printed something
	cores = regexp.MustCompile(`-\d+$`)
)

func read(r io.Reader) *report {
	rep := &report{began: map[string]bool{}}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	pkg, last := "", ""
	for lines.Scan() {
		line := lines.Text()
		if m := packageLine.FindStringSubmatch(line); m != nil {
			pkg = m[1]
			continue
		}
		if m := nameLine.FindStringSubmatch(line); m != nil {
			last, line = cores.ReplaceAllString(m[1], ""), m[2]
		}
		if m := figures.FindStringSubmatch(line); m != nil && last != "" {
			rep.add(pkg, last, m[1])
			last = ""
		}
	}
	return rep
}

func (rep *report) add(pkg, name, figures string) {
	rep.began[pkg+" "+top(name)] = true
	rep.results = append(rep.results, result{pkg, name, figures})
}

// top is the function's own name.
func top(name string) string {
	return cores.ReplaceAllString(strings.SplitN(name, "/", 2)[0], "")
}

// table prints the results again, one a line.
func (rep *report) table(w io.Writer) {
	fmt.Fprintln(w, "\nresults:")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range rep.results {
		fmt.Fprintf(
			table,
			"  %s\t%s\t%s\n",
			path.Base(r.pkg),
			strings.TrimPrefix(r.name, "Benchmark"),
			strings.Join(strings.Fields(r.figures), " "),
		)
	}
	_ = table.Flush() // as with every line above, nobody is there to hear of it
}

// leftOut prints what gave no result; true when one of them was asked for.
func (rep *report) leftOut(w io.Writer, all []benchmark, asked func(benchmark) bool) bool {
	missing, n := false, 0
	fmt.Fprintln(w, "\nleft out:")
	for _, b := range all {
		key := b.pkg + " " + b.name
		var why string
		switch {
		case rep.began[key]:
			continue
		case !asked(b):
			why = "not asked for"
		case !b.built:
			why = "not built with these tags on this system"
		default:
			why, missing = "it gave no result: it failed or skipped itself", true
		}
		n++
		fmt.Fprintf(w, "  %s %s: %s\n", b.pkg, b.name, why)
	}
	if n == 0 {
		fmt.Fprintln(w, "  nothing")
	}
	return missing
}
