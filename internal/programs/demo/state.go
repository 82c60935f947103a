package demo

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

const stateFile = "demo.json"

// state is what the demo remembers beside its data.
type state struct {
	Seeded  bool   `json:"seeded"`
	Receipt string `json:"receipt,omitempty"` // of a sample application whose server is proven
}

func loadState(dir string) (state, error) {
	var s state
	text, err := os.ReadFile(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(text, &s)
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
