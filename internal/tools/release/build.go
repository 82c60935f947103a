package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// stamps are the variables that hold a program's version; the linker passes over one
// that a program does not have.
var stamps = []string{"github.com/causeway-fund/causeway/internal/cli.release", "main.release"}

// decidesBuild are variables by which a person's environment would change the bytes.
var decidesBuild = []string{
	"CGO_ENABLED=0",
	"GOFLAGS=",
	"GOAMD64=v1",
	"GOARM64=v8.0",
	"GOEXPERIMENT=",
	"GOFIPS140=off",
	"GOWORK=off",
	"GODEBUG=",
}

// build is one call of go build.
type build struct {
	dir      string // the module
	out      string // folder for the programs
	version  string // "" for none
	goos     string
	goarch   string
	cache    string   // GOCACHE; "" for the user's
	flags    []string // beside -o and -ldflags
	programs []string // folders in dir/cmd
}

// reproducible are the flags that keep folders and git out of a program.
var reproducible = []string{"-trimpath", "-buildvcs=false"}

func (b build) run(ctx context.Context) error {
	args := append([]string{"build", "-o", b.out + string(filepath.Separator)}, b.flags...)
	if b.version != "" {
		var set []string
		for _, name := range stamps {
			set = append(set, "-X "+name+"="+b.version)
		}
		args = append(args, "-ldflags", strings.Join(set, " "))
	}
	for _, p := range b.programs {
		args = append(args, "./cmd/"+p)
	}
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // a developer's own programs
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), decidesBuild...)
	cmd.Env = append(cmd.Env, "GOOS="+b.goos, "GOARCH="+b.goarch)
	if b.cache != "" {
		cmd.Env = append(cmd.Env, "GOCACHE="+b.cache)
	}
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build for %s/%s in %s: %w\n%s", b.goos, b.goarch, b.dir, err, said)
	}
	return nil
}

// copyTree copies what git knows of the work tree at from, and what it would add.
func copyTree(ctx context.Context, from, to string) error {
	cmd := exec.CommandContext(ctx, "git", "ls-files", "-z", "-co", "--exclude-standard")
	cmd.Dir = from
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("list the files of the work tree: %w", err)
	}
	for _, name := range strings.Split(strings.TrimRight(string(out), "\x00"), "\x00") {
		info, err := os.Lstat(filepath.Join(from, name))
		if errors.Is(err, os.ErrNotExist) {
			continue // deleted and not committed yet
		}
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, name), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// file is one entry of an archive.
type file struct {
	name string
	path string // where it is read
	mode int64
}

// archive writes a gzipped tar whose bytes follow from the files' names, modes and contents.
func archive(w io.Writer, files []file) error {
	files = slices.SortedFunc(slices.Values(files), func(a, b file) int { return strings.Compare(a.name, b.name) })
	packed := gzip.NewWriter(w) // without name and time
	out := tar.NewWriter(packed)
	for _, f := range files {
		text, err := os.ReadFile(f.path)
		if err != nil {
			return err
		}
		if err := out.WriteHeader(
			&tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(text)), Format: tar.FormatUSTAR},
		); err != nil {
			return err
		}
		if _, err := out.Write(text); err != nil {
			return err
		}
	}
	if err := out.Close(); err != nil {
		return err
	}
	return packed.Close()
}
