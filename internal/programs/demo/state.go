package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/causeway-fund/causeway/internal/errs"
)

const stateFile = "demo.json"

// state is what the demo remembers beside its data.
type state struct {
	Seeded  bool   `json:"seeded"`
	Receipt string `json:"receipt,omitempty"` // of a sample application whose server is proven
	Places  places `json:"places"`
}

func loadState(dir string) (state, error) {
	var s state
	path := filepath.Join(dir, stateFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err == nil && s.Seeded {
		err = s.Places.check()
	}
	if err != nil {
		return state{}, errs.Wrap(err, errs.Unavailable, errs.CodeDataDirDamaged, fmt.Sprintf(
			"Cannot read the demo's state in %s: %v. Nothing was changed. Remove the folder %s, or give another with --dir, to begin a new demo.",
			path,
			err,
			dir,
		))
	}
	return s, nil
}

func (w *World) saveState(s state) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(w.path(stateFile), text, 0o600)
}

// forget removes a world whose samples were never finished, because the demo was
// killed while it wrote them. The chain stays: a new treasury has other addresses.
func (w *World) forget(ctx context.Context) error {
	return errors.Join(
		w.Devnet.Postgres.Exec(ctx, "postgres", "DROP DATABASE IF EXISTS causeway WITH (FORCE)"),
		os.RemoveAll(w.path("keys")), os.RemoveAll(w.path("signer")), os.RemoveAll(w.path("probers")),
	)
}
