package signer_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signer"
)

const workFactor = 10

func TestKeyFileGivesTheSameKeyBack(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		path := filepath.Join(t.TempDir(), "key")
		made, err := signer.CreateKeyFile(path, []byte("a passphrase"), kind, &chaincfg.SimNetParams, workFactor, bytes.NewReader(bytes.Repeat([]byte{7}, 64)))
		if err != nil {
			t.Fatal(err)
		}
		opened, err := signer.OpenKeyFile(path, []byte("a passphrase"), &chaincfg.SimNetParams)
		if err != nil {
			t.Fatal(err)
		}
		want := newKey(t, kind).Descriptor().String()
		if made.Descriptor().String() != want || opened.Descriptor().String() != want || opened.Descriptor().Kind() != kind {
			t.Errorf("made %s, opened %s, want %s", made.Descriptor(), opened.Descriptor(), want)
		}
		makes, _ := made.AckKey()
		if opens, ok := opened.AckKey(); !ok || opens != makes {
			t.Errorf("made the ack key %s, opened %s", makes, opens)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v (%v), want 0600", info.Mode(), err)
		}
	}
}

func TestKeyFileRefusals(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	pass := []byte("a passphrase")
	if _, err := signer.CreateKeyFile(path, pass, wallet.KindTR, &chaincfg.SimNetParams, workFactor, bytes.NewReader(bytes.Repeat([]byte{7}, 64))); err != nil {
		t.Fatal(err)
	}
	good := readText(t, path)

	if _, err := signer.CreateKeyFile(path, pass, wallet.KindTR, &chaincfg.SimNetParams, workFactor, bytes.NewReader(bytes.Repeat([]byte{8}, 64))); !errs.Is(err, "key_exists") || readText(t, path) != good {
		t.Errorf("overwriting: got %v, want key_exists", err)
	}
	if _, err := signer.OpenKeyFile(path, []byte("another passphrase"), &chaincfg.SimNetParams); !errs.Is(err, "wrong_passphrase") {
		t.Errorf("got %v, want wrong_passphrase", err)
	}
	if _, err := signer.OpenKeyFile(path, nil, &chaincfg.SimNetParams); !errs.Is(err, "bad_passphrase") {
		t.Errorf("got %v, want bad_passphrase", err)
	}
	if _, err := signer.OpenKeyFile(path, pass, &chaincfg.MainNetParams); !errs.Is(err, "wrong_network") {
		t.Errorf("got %v, want wrong_network", err)
	}
	if _, err := signer.OpenKeyFile(path+"x", pass, &chaincfg.SimNetParams); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want ErrNotExist", err)
	}
	for name, text := range map[string]string{"empty": "", "cut short": good[:len(good)-9], "garbage": "key"} {
		bad := filepath.Join(t.TempDir(), "bad")
		writeText(t, bad, text)
		if _, err := signer.OpenKeyFile(bad, pass, &chaincfg.SimNetParams); !errs.Is(err, "bad_key_file") {
			t.Errorf("%s: got %v, want bad_key_file", name, err)
		}
	}
}

func TestKeyFileNeedsRandomnessAndAWorkFactor(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	if _, err := signer.CreateKeyFile(path, []byte("p"), wallet.KindTR, &chaincfg.SimNetParams, workFactor, bytes.NewReader([]byte("short"))); err == nil {
		t.Error("made a key of 5 random bytes")
	}
	if _, err := signer.CreateKeyFile(path, []byte("p"), wallet.KindTR, &chaincfg.SimNetParams, 1, bytes.NewReader(make([]byte, 64))); !errs.Is(err, "bad_work_factor") {
		t.Errorf("got %v, want bad_work_factor", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a file was written")
	}
}
