package proxies

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/causeway-fund/causeway/internal/errs"
)

// accounts is a file with a line for each user, "name:password", or for each
// secret, 32 hex digits.
type accounts struct{ path string }

func (a accounts) lines() []string {
	text, err := os.ReadFile(a.path)
	if err != nil {
		return nil // nobody may
	}
	var out []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			out = append(out, line)
		}
	}
	return out
}

// ensure writes the file if there is none.
func (a accounts) ensure(line string) error {
	if _, err := os.Stat(a.path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return a.write([]string{line})
}

func (a accounts) write(lines []string) error {
	if err := os.WriteFile(a.path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return errs.Wrap(err, errs.Unavailable, errs.CodeDataDirUnwritable, "Cannot write "+a.path+".")
	}
	return nil
}

// add lets one more user in.
func (a accounts) add(line string) error {
	lines := a.lines()
	if slices.Contains(lines, line) {
		return nil
	}
	return a.write(append(lines, line))
}

func (a accounts) Valid(user, password, _ string) bool {
	return slices.Contains(a.lines(), user+":"+password)
}

func (a accounts) secrets() [][]byte {
	var out [][]byte
	for _, line := range a.lines() {
		if b, err := hex.DecodeString(line); err == nil && len(b) == 16 {
			out = append(out, b)
		}
	}
	return out
}
