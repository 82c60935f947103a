package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

// target is a module and the packages to test in it.
type target struct {
	dir      string
	patterns []string
	pure     bool   // one goroutine: the race detector would find nothing and take its time
	run      string // the tests to run; "" for all
}

type targets []target

func (t *targets) String() string { return fmt.Sprint(*t) }

func (t *targets) Set(s string) error {
	dir, rest, found := strings.Cut(s, ":")
	if dir == "" {
		return errors.New("want DIR or DIR:PATTERN,PATTERN")
	}
	patterns := []string{"./..."}
	if found {
		patterns = strings.Fields(strings.ReplaceAll(rest, ",", " "))
	}
	*t = append(*t, target{dir: dir, patterns: patterns})
	return nil
}

// pureTargets reads packages that are tested without -race, those of one module in one run.
type pureTargets struct{ *targets }

func (p pureTargets) Set(s string) error {
	if err := p.targets.Set(s); err != nil {
		return err
	}
	last := len(*p.targets) - 1
	added := &(*p.targets)[last]
	added.pure = true
	for i, t := range (*p.targets)[:last] {
		if t.pure && t.dir == added.dir {
			(*p.targets)[i].patterns = slices.Concat(t.patterns, added.patterns)
			*p.targets = (*p.targets)[:last]
			break
		}
	}
	return nil
}

// metTargets reads DIR:PATTERN=REGEX: packages of which some tests alone have goroutines of
// ours that meet. Those are run with the flags as given, and all of them without -race.
type metTargets struct{ *targets }

func (m metTargets) Set(s string) error {
	all, run, found := strings.Cut(s, "=")
	if _, err := regexp.Compile(run); err != nil || !found || run == "" {
		return errors.New("want DIR:PATTERN=REGEX")
	}
	if err := m.targets.Set(all); err != nil {
		return err
	}
	(*m.targets)[len(*m.targets)-1].run = run
	return pureTargets(m).Set(all)
}

// flags returns those for go test, of all that were given.
func (t target) flags(given []string) []string {
	flags := slices.DeleteFunc(slices.Clone(given), func(f string) bool { return t.pure && f == "-race" })
	if t.run != "" {
		flags = append(flags, "-run", t.run)
	}
	return flags
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("testreport", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var in targets
	flags.Var(&in, "in", "module folder, with :PATTERN,PATTERN for other packages than ./...; may be repeated")
	flags.Var(pureTargets{&in}, "pure", "the same, for packages that start no goroutine: -race is left out")
	flags.Var(metTargets{&in}, "met", "the same, as DIR:PATTERN=REGEX: every test without -race, and those of REGEX with it")
	noSkip := flags.Bool("noskip", false, "count a skipped test as a failure")
	promised := flags.String("promises", "", "JSON file of promises; each of their tests has to pass in this run")
	module := flags.String("module", "", "path of the module that the tests of -promises are in")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if len(in) == 0 {
		in = targets{{dir: ".", patterns: []string{"./..."}}}
	}

	rep := newReport(stdout, *noSkip)
	for _, t := range in {
		if err := goTest(ctx, t, t.flags(flags.Args()), rep, stderr); err != nil {
			rep.fail("go test in "+t.dir, err.Error())
		}
	}
	if *promised != "" {
		if err := rep.keep(*promised, *module); err != nil {
			rep.fail(*promised, err.Error())
		}
	}
	if !rep.close() {
		return 1
	}
	return 0
}

// goTest runs one module's tests and feeds what they say to rep. It returns an
// error when go test failed and rep was told of no failure.
func goTest(ctx context.Context, t target, flags []string, rep *report, stderr io.Writer) error {
	args := append([]string{"test", "-json"}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, t.patterns...)...) //nolint:gosec // a developer's own flags
	cmd.Dir = t.dir
	cmd.Stderr = stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	before := rep.failed
	readErr := rep.read(out)
	waitErr := cmd.Wait()
	if readErr != nil {
		return fmt.Errorf("read its output: %w", readErr)
	}
	if waitErr != nil && rep.failed == before {
		return waitErr
	}
	return nil
}
