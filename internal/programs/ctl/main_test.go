package ctl_test

import (
	"fmt"
	"os"
	"testing"
)

// TestMain keeps the tests away from the charters that the person who runs them has verified.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "causewayctl-*")
	if err == nil {
		err = os.Setenv("CAUSEWAYCTL_CONFIG_DIR", dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
