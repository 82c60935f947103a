package app

import (
	"os"
	"strings"

	"github.com/causeway-fund/causeway/internal/errs"
)

// readSecret returns the trimmed content of a file that holds one secret.
func readSecret(what, path string) (string, error) {
	if path == "" {
		return "", errs.Newf(errs.Invalid, CodeSettingMissing, "Name the file with the %s.", what)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", errs.Wrap(
			err,
			errs.Unavailable,
			CodeSecretUnreadable,
			"Cannot read the file with the "+what+" at "+path+".",
		)
	}
	return strings.TrimSpace(string(text)), nil
}
