package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const apiSource = `package api

import "` + module + `internal/errs"

const (
	// CodeGone: The thing is gone.
	CodeGone errs.Code = "gone"
	// CodeBusy: Somebody else has it.
	CodeBusy errs.Code = "busy"
	// CodeSeen: It is compared and never answered.
	CodeSeen errs.Code = "seen"
	// CodeOther: Another call answers it.
	CodeOther errs.Code = "other"
)

type Store interface{ Read(func() error) error }

type Handlers struct{ store Store }

// GetThing passes a function on, which its callee calls.
func (h *Handlers) GetThing() error {
	err := h.store.Read(func() error { return refuse(CodeBusy) })
	if errs.Is(err, CodeSeen) {
		return nil
	}
	return err
}

func (h *Handlers) GetOther() error { return refuse(CodeOther) }

func refuse(code errs.Code) error { return nil }

type disk struct{}

func (disk) Read(f func() error) error {
	_ = errs.New(CodeGone)
	return f()
}
`

// callTree is a tree whose API has two calls with these errors.
func callTree(t *testing.T, thing string) string {
	t.Helper()
	root := tree(t, "")
	for name, text := range map[string]string{
		"internal/errs/errs.go":          "package errs\n\ntype Code string\n\nfunc New(code Code) Code { return code }\n\nfunc Is(error, Code) bool { return false }\n",
		"internal/edge/api/api.go":       apiSource,
		"internal/store/postgres/one.go": "package postgres\n",
		"api/errors.yaml":                "gone: {}\nbusy: {}\nseen: {}\nother: {}\n",
		"api/openapi.yaml": "paths: {/a: {get: {operationId: getThing, x-errors: " + thing + "}}, /b: {get: {operationId: getOther, x-errors: [other]}}}\n" +
			"components: {responses: {Problem: {}}}\n",
	} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestTheErrorsOfACallAreThoseOfItsCode(t *testing.T) {
	t.Parallel()
	for list, fault := range map[string]string{
		"[busy, gone]":        "",
		"[busy]":              "x-errors of getThing should be [busy gone], not [busy]",
		"[busy, gone, other]": "should be [busy gone], not [busy gone other]",
	} {
		err := run(callTree(t, list), false)
		switch {
		case fault == "" && err != nil:
			t.Errorf("%s: %v", list, err)
		case fault != "" && (err == nil || !strings.Contains(err.Error(), fault)):
			t.Errorf("%s: %v, want %q", list, err, fault)
		}
	}
}
