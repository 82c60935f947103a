package demo

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
)

// state is what the demo remembers beside its data.
type state struct {
	Seeded  bool   `json:"seeded"`
	Receipt string `json:"receipt,omitempty"` // of a sample application whose server is proven
}

func (w *World) loadState() (state, error) {
	var s state
	text, err := os.ReadFile(w.path("demo.json"))
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
	return os.WriteFile(w.path("demo.json"), text, 0o600)
}
