package seal

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/secretfile"
)

const (
	fileHeader     = "causeway-keys/v1"
	keyBytes       = 32
	maxKeyFileSize = 64 << 10
)

var kekIDPattern = regexp.MustCompile(`^[0-9a-z-]{1,40}$`)

// GenerateKeyFile writes a new key file with one active KEK and a pepper. The
// file gets mode 0600 and must not exist yet.
func GenerateKeyFile(path string) error {
	ring := &Keyring{keks: map[string][]byte{}, pepper: make([]byte, keyBytes)}
	if _, err := rand.Read(ring.pepper); err != nil {
		return fmt.Errorf("make pepper: %w", err)
	}
	if err := ring.addKEK(); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("create key file: %w", err)
	}
	return writeAndSync(f, ring.encode())
}

// Load reads a key file. Unavailable "key_file_missing" when it cannot be read,
// "key_file_mode" when it is no regular file or its group or others have any
// right to it, "key_file_malformed" when its text is not a key file.
func Load(path string) (*Keyring, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, errs.Wrap(
			err,
			errs.Unavailable,
			errs.CodeKeyFileMissing,
			"The key file "+path+" cannot be read. Restore it from its backup; without it nothing sealed opens.",
		)
	}
	defer func() { _ = f.Close() }() // only read from
	info, err := f.Stat()
	if err != nil {
		return nil, errs.Wrap(err, errs.Unavailable, errs.CodeKeyFileMissing, "The key file "+path+" cannot be read.")
	}
	if err := secretfile.Check("key file", path, info); err != nil {
		return nil, err
	}
	ring, err := parse(io.LimitReader(f, maxKeyFileSize))
	if err != nil {
		return nil, errs.Wrap(
			err,
			errs.Unavailable,
			errs.CodeKeyFileMalformed,
			"The key file "+path+" is damaged. Restore it from its backup.",
		)
	}
	return ring, nil
}

// parse reads the header, then one line a key: "pepper KEY", "kek ID KEY" or
// "active ID KEY", KEY being 32 bytes in base64. Empty lines and lines that
// start with # are skipped. Errors name lines, never keys.
func parse(r io.Reader) (*Keyring, error) {
	ring := &Keyring{keks: map[string][]byte{}}
	scan := bufio.NewScanner(r)
	line := 0
	for scan.Scan() {
		text := strings.TrimSpace(scan.Text())
		line++
		if line == 1 {
			if text != fileHeader {
				return nil, fmt.Errorf("line 1 is not %q", fileHeader)
			}
			continue
		}
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		if err := ring.parseLine(strings.Fields(text)); err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
	}
	if err := scan.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", line+1, err)
	}
	if ring.pepper == nil || ring.active == "" {
		return nil, errors.New("needs one pepper and one active key")
	}
	return ring, nil
}

func (k *Keyring) parseLine(fields []string) error {
	key, err := base64.StdEncoding.Strict().DecodeString(fields[len(fields)-1])
	if err != nil || len(key) != keyBytes {
		return fmt.Errorf("the key is not %d bytes in base64", keyBytes)
	}
	switch {
	case len(fields) == 2 && fields[0] == "pepper" && k.pepper == nil:
		k.pepper = key
		return nil
	case len(fields) == 3 && (fields[0] == "kek" || fields[0] == "active") && kekIDPattern.MatchString(fields[1]):
		if _, twice := k.keks[fields[1]]; twice {
			return errors.New("this key id stands twice")
		}
		if fields[0] == "active" {
			if k.active != "" {
				return errors.New("a second active key")
			}
			k.active = fields[1]
		}
		k.keks[fields[1]] = key
		k.order = append(k.order, fields[1])
		return nil
	}
	return errors.New("not a key line, or a second pepper")
}

func (k *Keyring) encode() []byte {
	var b bytes.Buffer
	fmt.Fprintln(&b, fileHeader)
	fmt.Fprintln(
		&b,
		"# Keep a copy off this machine. Whoever has this file and the database can read what operators wrote.",
	)
	fmt.Fprintf(&b, "pepper %s\n", base64.StdEncoding.EncodeToString(k.pepper))
	for _, id := range k.order {
		word := "kek"
		if id == k.active {
			word = "active"
		}
		fmt.Fprintf(&b, "%s %s %s\n", word, id, base64.StdEncoding.EncodeToString(k.keks[id]))
	}
	return b.Bytes()
}

// addKEK makes a new active KEK with a random id.
func (k *Keyring) addKEK() error {
	id, key := make([]byte, 8), make([]byte, keyBytes)
	if _, err := rand.Read(id); err != nil {
		return fmt.Errorf("make key id: %w", err)
	}
	if _, err := rand.Read(key); err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	k.active = hex.EncodeToString(id)
	k.keks[k.active] = key
	k.order = append(k.order, k.active)
	return nil
}

func writeAndSync(f *os.File, content []byte) error {
	_, err := f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	return nil
}
