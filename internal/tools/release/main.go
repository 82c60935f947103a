package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// semver is a version of Semantic Versioning 2.0.0 behind a v, as Go's modules have it.
var semver = regexp.MustCompile(`^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$`)

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	flags.SetOutput(stderr)
	in := flags.String("in", ".", "folder of the module")
	out := flags.String("out", "dist", "folder for what is made; must not hold anything yet")
	version := flags.String("version", "", "such as v1.2.3 or v1.2.3-rc.1")
	systems := flags.String("for", "linux/amd64,linux/arm64", "systems to build for")
	compare := flags.Bool("compare", false, "build twice in two folders and compare, in place of a release")
	cache := flags.String(
		"cache",
		"",
		"with -compare: the build cache of the second folder; empty: the one of the first",
	)
	if err := flags.Parse(args); err != nil {
		return 2
	}
	programs := flags.Args()
	var err error
	switch {
	case len(programs) == 0:
		err = errors.New("name the programs to build")
	case *compare:
		err = comparing(
			ctx,
			stdout,
			build{dir: *in, goos: runtime.GOOS, goarch: runtime.GOARCH, flags: reproducible, programs: programs},
			*cache,
		)
	case !semver.MatchString(*version):
		err = fmt.Errorf("version %q must be like v1.2.3 or v1.2.3-rc.1", *version)
	default:
		err = releasing(
			ctx,
			stdout,
			build{dir: *in, version: *version, flags: reproducible, programs: programs},
			*out,
			strings.Split(*systems, ","),
		)
	}
	if err != nil {
		fmt.Fprintln(stderr, "release:", err)
		return 1
	}
	return 0
}

// releasing makes archives, SBOMs and SHA256SUMS.
func releasing(ctx context.Context, stdout io.Writer, b build, out string, systems []string) error {
	if err := os.MkdirAll(out, 0o755); err != nil { //nolint:gosec // a release is for everybody
		return err
	}
	held, err := os.ReadDir(out)
	if err != nil {
		return err
	}
	if len(held) > 0 {
		return fmt.Errorf("%s holds something already: remove it, so that nothing old gets into a release", out)
	}
	work, err := os.MkdirTemp("", "causeway-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	var sums strings.Builder
	write := func(name string, text []byte) error {
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(text), name)
		return os.WriteFile(filepath.Join(out, name), text, 0o644) //nolint:gosec // the same
	}
	for _, system := range systems {
		goos, goarch, ok := strings.Cut(system, "/")
		if !ok {
			return fmt.Errorf("system %q must be like linux/amd64", system)
		}
		b.goos, b.goarch, b.out = goos, goarch, filepath.Join(work, goos+"_"+goarch)
		if err := b.run(ctx); err != nil {
			return err
		}
		name := "causeway_" + b.version + "_" + goos + "_" + goarch
		files := []file{{name + "/LICENSE", filepath.Join(b.dir, "LICENSE"), 0o644}}
		built := map[string]string{}
		for _, p := range b.programs {
			built[p] = filepath.Join(b.out, p)
			files = append(files, file{name + "/" + p, built[p], 0o755})
		}
		var packed bytes.Buffer
		if err := archive(&packed, files); err != nil {
			return err
		}
		if err := write(name+".tar.gz", packed.Bytes()); err != nil {
			return err
		}
		infos, err := readParts(built)
		if err != nil {
			return err
		}
		parts, err := listParts(b.version, system, infos)
		if err != nil {
			return err
		}
		if err := write(name+".cdx.json", parts); err != nil {
			return err
		}
	}
	fmt.Fprint(stdout, sums.String())
	return os.WriteFile(filepath.Join(out, "SHA256SUMS"), []byte(sums.String()), 0o644) //nolint:gosec // the same
}

// comparing builds b here and in a copy of its folder, and fails when a program differs.
func comparing(ctx context.Context, stdout io.Writer, b build, cache string) error {
	work, err := os.MkdirTemp("", "causeway-compare-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	here, there := b, b
	here.out = filepath.Join(work, "here")
	there.out, there.dir = filepath.Join(work, "there"), filepath.Join(work, "a", "folder", "with", "another", "name")
	if cache != "" {
		if there.cache, err = filepath.Abs(cache); err != nil {
			return err
		}
	}
	if err := copyTree(ctx, b.dir, there.dir); err != nil {
		return err
	}
	for _, one := range []build{here, there} {
		if err := one.run(ctx); err != nil {
			return err
		}
	}
	var differ []string
	for _, p := range slices.Sorted(slices.Values(b.programs)) {
		first, err := os.ReadFile(filepath.Join(here.out, p))
		if err != nil {
			return err
		}
		second, err := os.ReadFile(filepath.Join(there.out, p))
		if err != nil {
			return err
		}
		if !bytes.Equal(first, second) {
			differ = append(differ, p)
			continue
		}
		fmt.Fprintf(stdout, "%x  %s\n", sha256.Sum256(first), p)
	}
	if len(differ) > 0 {
		return fmt.Errorf("two builds of the same sources in two folders differ: %s", strings.Join(differ, ", "))
	}
	return nil
}
