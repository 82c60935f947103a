package proc

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// TempDir makes a folder below base, which may be empty for the usual place, that
// begins with prefix. Its path is kept in the file record: a folder that was left
// by a process which was killed is removed by the next one.
func TempDir(base, prefix, record string) (string, error) {
	if former, err := os.ReadFile(record); err == nil {
		path := strings.TrimSpace(string(former))
		if filepath.IsAbs(path) && strings.HasPrefix(filepath.Base(path), prefix) {
			if err := os.RemoveAll(path); err != nil {
				return "", fmt.Errorf("remove what a former process left: %w", err)
			}
		}
	}
	dir, err := os.MkdirTemp(base, prefix)
	if err != nil {
		return "", err
	}
	return dir, os.WriteFile(record, []byte(dir+"\n"), 0o600)
}
